package postgres_test

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

type numberArgs struct {
	N int64 `json:"n"`
}

var numberJob = later.Define[numberArgs]("NumberJob", later.Fixed(10*time.Millisecond))

func newQueue(t testing.TB, s store.Store, cfg later.Config, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	queue := later.New(s, cfg)
	queue.Register(handlers...)
	return queue
}

// start starts a queue for the length of a test.
func start(t testing.TB, queue *later.JobQueue) {
	t.Helper()
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := queue.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

// wait returns a job once it has finished.
func wait(t testing.TB, queue *later.JobQueue, id int64) later.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	job, err := queue.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func enqueue(t testing.TB, e later.Enqueuer, n int64, opts ...later.CallOption) later.Job {
	t.Helper()
	job, err := numberJob.PerformLater(t.Context(), e, numberArgs{n}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func TestJobsOfAnotherProcessStartAtOnce(t *testing.T) {
	url := pgtest.URL(t)
	schema := inOwnSchema(t, url)
	worker := newQueue(t, open(t, url, schema), later.Config{PollInterval: time.Hour},
		numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, worker)
	producer := newQueue(t, open(t, url, schema), later.Config{})
	for n := range int64(20) {
		began := time.Now()
		job := wait(t, producer, enqueue(t, producer, n).ID)
		if job.Status != later.StatusCompleted {
			t.Fatalf("job: %+v", job)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("job %d took %v: nothing woke the worker", n, took)
		}
	}
}

func TestScheduledJobsOfAnotherProcess(t *testing.T) {
	url := pgtest.URL(t)
	schema := inOwnSchema(t, url)
	worker := newQueue(t, open(t, url, schema), later.Config{PollInterval: time.Hour},
		numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, worker)
	producer := newQueue(t, open(t, url, schema), later.Config{})
	job := wait(t, producer, enqueue(t, producer, 1, later.In(300*time.Millisecond)).ID)
	if late := job.StartedAt.Sub(job.ScheduledAt); late < 0 || late > 10*time.Second {
		t.Errorf("started %v after its time", late)
	}
}

func TestRetriesAndFailures(t *testing.T) {
	url := pgtest.URL(t)
	var calls atomic.Int64
	queue := newQueue(t, open(t, url, inOwnSchema(t, url)), later.Config{}, numberJob.Do(func(_ context.Context, args numberArgs) error {
		if calls.Add(1) < args.N {
			return errors.New("not yet")
		}
		return nil
	}))
	start(t, queue)
	job := wait(t, queue, enqueue(t, queue, 3).ID)
	if job.Status != later.StatusCompleted || job.Attempt != 3 {
		t.Errorf("job: %+v", job)
	}
	job = wait(t, queue, enqueue(t, queue, 1<<40, later.MaxRetries(1)).ID)
	if job.Status != later.StatusFailed || job.Attempt != 2 || job.Error != "not yet" {
		t.Errorf("job: %+v", job)
	}
}

func TestCancelFromAnotherProcess(t *testing.T) {
	url := pgtest.URL(t)
	schema := inOwnSchema(t, url)
	running := make(chan int64, 1)
	worker := newQueue(t, open(t, url, schema), later.Config{Heartbeat: time.Minute, TimeToDie: 5 * time.Minute},
		numberJob.Do(func(ctx context.Context, _ numberArgs) error {
			running <- later.Running(ctx).ID
			<-ctx.Done()
			return context.Cause(ctx)
		}))
	start(t, worker)
	other := newQueue(t, open(t, url, schema), later.Config{})
	enqueue(t, other, 1)
	id := <-running
	if err := other.Cancel(t.Context(), id, "enough"); err != nil {
		t.Fatal(err)
	}
	if job := wait(t, other, id); job.Status != later.StatusCancelled || job.Error != "enough" {
		t.Errorf("job: %+v", job)
	}
}

func TestTransactionOfPgx(t *testing.T) {
	url := pgtest.URL(t)
	s := open(t, url, inOwnSchema(t, url))
	queue := newQueue(t, s, later.Config{PollInterval: time.Hour}, numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, queue)
	for name, opts := range map[string][]later.CallOption{"told in the transaction": {later.NotifyInTx()}, "told after it": nil} {
		t.Run(name, func(t *testing.T) {
			gone := inTx(t, s, false, func(e later.Enqueuer) later.Job { return enqueue(t, e, 1, opts...) })
			kept := inTx(t, s, true, func(e later.Enqueuer) later.Job { return enqueue(t, e, 2, opts...) })
			wait(t, queue, kept.ID)
			if _, err := queue.Get(t.Context(), gone.ID); !errors.Is(err, later.ErrNotFound) {
				t.Errorf("a job of a transaction that was rolled back: %v", err)
			}
		})
	}
}

func inTx(t *testing.T, s *postgres.Store, commit bool, do func(later.Enqueuer) later.Job) later.Job {
	t.Helper()
	tx, err := s.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	job := do(later.New(s, later.Config{}).Tx(s.Tx(tx)))
	if commit {
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return job
}

func TestTransactionOfDatabaseSQL(t *testing.T) {
	url := pgtest.URL(t)
	s := open(t, url, inOwnSchema(t, url))
	db := stdlib.OpenDBFromPool(s.Pool())
	defer db.Close()
	var completed atomic.Int64
	queue := newQueue(t, s, later.Config{}, numberJob.Do(func(ctx context.Context, _ numberArgs) error {
		return within(ctx, db, func(tx *sql.Tx) error {
			defer completed.Add(1)
			return later.CompleteTx(ctx, s.SQLTx(tx), "done")
		})
	}))
	var job later.Job
	err := within(t.Context(), db, func(tx *sql.Tx) (err error) {
		job, err = numberJob.PerformLater(t.Context(), queue.Tx(s.SQLTx(tx)), numberArgs{1}, later.Tags("a,b", `c"d`), later.User("ada"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, queue)
	job = wait(t, queue, job.ID)
	if job.Status != later.StatusCompleted || string(job.Result) != `"done"` || job.UserID != "ada" || len(job.Tags) != 2 || completed.Load() != 1 {
		t.Errorf("job: %+v", job)
	}
}

func within(ctx context.Context, db *sql.DB, do func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func TestTransactionOfAnotherDatabase(t *testing.T) {
	url := pgtest.URL(t)
	s, other := open(t, url, inOwnSchema(t, url)), open(t, url, inOwnSchema(t, url))
	queue := later.New(s, later.Config{})
	tx, err := s.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := numberJob.PerformLater(t.Context(), queue.Tx(other.Tx(tx)), numberArgs{1}); !errors.Is(err, later.ErrWrongTx) {
		t.Errorf("a transaction that another store wrapped: %v", err)
	}
	elsewhere := pgtest.Start(t, "fsync=off")
	foreign := open(t, elsewhere.URL())
	there, err := foreign.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer there.Rollback(context.Background())
	mine := open(t, url, postgres.Schema("later"))
	t.Cleanup(func() { exec(t, url, "DROP SCHEMA later CASCADE") })
	if _, err := numberJob.PerformLater(t.Context(), later.New(mine, later.Config{}).Tx(mine.Tx(there)), numberArgs{1}); !errors.Is(err, later.ErrWrongTx) {
		t.Errorf("a transaction on another server: %v", err)
	}
	if _, err := numberJob.PerformLater(t.Context(), queue.Tx(s.Tx(there)), numberArgs{1}); !errors.Is(err, later.ErrWrongTx) {
		t.Errorf("a transaction on a server without the schema: %v", err)
	}
}

// TestHandlersMayExhaustThePool: claims, outcomes and heartbeats have connections of
// their own.
func TestHandlersMayExhaustThePool(t *testing.T) {
	server := pgtest.URL(t)
	s := open(t, withParameter(t, server, "pool_max_conns", "2"), inOwnSchema(t, server))
	const greedy, jobs = 2, 40
	release := make(chan struct{})
	var others sync.WaitGroup
	others.Add(jobs - greedy)
	queue := newQueue(t, s, later.Config{Concurrency: 10, Heartbeat: 50 * time.Millisecond, TimeToDie: 2 * time.Second},
		numberJob.Do(func(ctx context.Context, args numberArgs) error {
			if args.N >= greedy {
				others.Done()
				return nil
			}
			conn, err := s.Pool().Acquire(ctx)
			if err != nil {
				return err
			}
			defer conn.Release()
			<-release
			return nil
		}))
	start(t, queue)
	var ids []int64
	for n := range int64(jobs) {
		ids = append(ids, enqueue(t, queue, n).ID)
	}
	others.Wait() // for ever, if an exhausted pool stops them
	close(release)
	for _, id := range ids {
		if job := wait(t, queue, id); job.Status != later.StatusCompleted || job.Crashes != 0 {
			t.Errorf("job: %+v", job)
		}
	}
}

func withParameter(t testing.TB, text, name, value string) string {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set(name, value)
	u.RawQuery = query.Encode()
	return u.String()
}
