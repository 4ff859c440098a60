package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// eitherOf is a URL that names several servers. It leads to the one that takes writes.
func eitherOf(t testing.TB, servers ...string) string {
	t.Helper()
	var hosts []string
	for _, server := range servers {
		hosts = append(hosts, pgtest.Address(t, server))
	}
	u, err := url.Parse(servers[0])
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("postgres://%s@%s%s?sslmode=disable&target_session_attrs=read-write", u.User, strings.Join(hosts, ","), u.Path)
}

// keepEnqueueing enqueues until it is told to stop, and then returns the ids of the
// jobs that were acknowledged.
func keepEnqueueing(t *testing.T, queue *later.JobQueue) (stop func() []int64) {
	var ids []int64
	ctx, cancel := context.WithCancel(t.Context())
	var producer sync.WaitGroup
	producer.Go(func() {
		for n := int64(0); ctx.Err() == nil; n++ {
			job, err := numberJob.PerformLater(ctx, queue, numberArgs{n})
			if err == nil {
				ids = append(ids, job.ID)
			} else if ctx.Err() == nil && !errors.Is(err, later.ErrUnavailable) {
				t.Errorf("enqueue: %v", err)
			}
		}
	})
	return func() []int64 {
		cancel()
		producer.Wait()
		return ids
	}
}

// completedOnce insists that each of the jobs has completed at its first attempt with
// no crash, and that as many completions were accepted as there are jobs.
func completedOnce(t *testing.T, queue *later.JobQueue, url string, ids []int64) {
	t.Helper()
	for _, id := range ids {
		if job := wait(t, queue, id); job.Status != later.StatusCompleted || job.Attempt != 1 || job.Crashes != 0 {
			t.Fatalf("job %d: %s, attempt %d, %d crashes, %q", id, job.Status, job.Attempt, job.Crashes, job.Error)
		}
	}
	wait(t, queue, stored(t, queue, -1))
	waitUntil(t, "everything is done", func() bool {
		return ask(t, url, "SELECT count(*) FROM later.job")[0] == ask(t, url, "SELECT count(*) FROM later.finished WHERE status = 1")[0]
	})
	accepted := ask(t, url, "SELECT sum(jobs)::bigint FROM later.count")[0]
	if jobs := ask(t, url, "SELECT count(*) FROM later.job")[0]; accepted != jobs {
		t.Errorf("%s outcomes of %s jobs were accepted", accepted, jobs)
	}
	if crashes := ask(t, url, "SELECT count(*) FROM later.attempt WHERE outcome = 'crashed'")[0]; crashes != "0" {
		t.Errorf("%s crashes were counted", crashes)
	}
}

func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within 30 s: %s", what)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// long marks a test that takes its time, most of it waiting.
func long(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	t.Parallel()
}

// outage is long enough for every loop to notice.
const outage = 3 * time.Second

// TestFailoverLosesNothing: a synchronous standby takes over under load. Every
// acknowledged job is there and is performed; every loop of both processes works soon.
func TestFailoverLosesNothing(t *testing.T) {
	long(t)
	server := pgtest.Start(t)
	standby := server.Standby()
	standby.Synchronous()
	either := eitherOf(t, server.URL(), standby.URL())
	var queues []*later.JobQueue
	var logs []*loopLog
	for range 2 {
		log := newLoopLog(t)
		queue := newQueue(t, open(t, either, postgres.Logger(slog.New(log))), later.Config{PollInterval: time.Second, Logger: slog.New(log)},
			numberJob.Do(func(context.Context, numberArgs) error { return nil }))
		start(t, queue)
		queues, logs = append(queues, queue), append(logs, log)
	}
	stop := keepEnqueueing(t, queues[0])
	var ids []int64
	for n := range int64(100) {
		ids = append(ids, enqueue(t, queues[1], n).ID)
	}
	server.Kill()
	dead := time.NewTimer(outage)
	<-dead.C
	standby.Promote()
	promoted := time.Now()
	for n, queue := range queues {
		id := stored(t, queue, int64(n))
		ids = append(ids, id)
		wait(t, queue, id)
		t.Logf("process %d enqueued %v after the promotion", n, time.Since(promoted).Round(time.Millisecond))
	}
	if took := time.Since(promoted); took > resumption {
		t.Errorf("both enqueued and performed only %v after the promotion", took)
	}
	for _, log := range logs {
		log.resumed(t, promoted)
		log.calm(t, 1)
	}
	ids = append(ids, stop()...)
	completedOnce(t, queues[0], standby.URL(), ids)
	if processes, err := queues[0].Processes(t.Context()); err != nil || len(processes) != 2 {
		t.Errorf("%d processes, %v", len(processes), err)
	}
	t.Logf("%d jobs were acknowledged", len(ids))
}

// TestStandbyThatIsNotPromotedYet: a name already leads to the standby, which takes no
// writes until it is promoted. That is an outage like any other.
func TestStandbyThatIsNotPromotedYet(t *testing.T) {
	long(t)
	server := pgtest.Start(t)
	standby := server.Standby()
	standby.Synchronous()
	name := pgtest.NewProxy(t, pgtest.Address(t, server.URL()))
	log := newLoopLog(t)
	queue := newQueue(t, open(t, name.URL(server.URL()), postgres.Logger(slog.New(log))), later.Config{PollInterval: time.Second, Logger: slog.New(log)},
		numberJob.Do(func(ctx context.Context, _ numberArgs) error {
			later.Running(ctx).Progress(1, 2, "half") // reports must not flood the log either
			return nil
		}))
	start(t, queue)
	stop := keepEnqueueing(t, queue)
	wait(t, queue, enqueue(t, queue, 1).ID)
	name.Redirect(pgtest.Address(t, standby.URL()))
	server.Kill()
	dead := time.NewTimer(outage)
	<-dead.C
	standby.Promote()
	promoted := time.Now()
	wait(t, queue, stored(t, queue, 2))
	if took := time.Since(promoted); took > resumption {
		t.Errorf("a job was performed only %v after the promotion", took)
	}
	log.resumed(t, promoted)
	log.calm(t, 1)
	completedOnce(t, queue, standby.URL(), stop())
}

// TestHostThatDoesNotAnswer: the first of two hosts is off the network, where nobody
// even refuses a connection.
func TestHostThatDoesNotAnswer(t *testing.T) {
	long(t)
	server := pgtest.URL(t)
	first := pgtest.NewProxy(t, pgtest.Address(t, server))
	schema := inOwnSchema(t, server)
	log := newLoopLog(t)
	queue := newQueue(t, open(t, eitherOf(t, first.URL(server), server), schema), later.Config{PollInterval: time.Second, Logger: slog.New(log)},
		numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, queue)
	wait(t, queue, enqueue(t, queue, 1).ID)
	first.Cut()
	first.Freeze(true)
	began := time.Now()
	for n := range int64(5) {
		wait(t, queue, stored(t, queue, n))
	}
	if took := time.Since(began); took > 2*resumption {
		t.Errorf("jobs were performed only %v after the first host had gone", took)
	}
	log.resumed(t, began.Add(resumption)) // each loop waits for the first host in vain
	log.calm(t, 1)
	open(t, eitherOf(t, first.URL(server), server), schema) // another process starts
	first.Freeze(false)
}

// TestLaggingStandbyTakesOver: an asynchronous standby has not got the newest commits.
// Exactly these are lost. What processes still hold of them ends without an outcome,
// and no id of a lost job is given to another.
func TestLaggingStandbyTakesOver(t *testing.T) {
	long(t)
	server := pgtest.Start(t)
	standby := server.Standby()
	either := eitherOf(t, server.URL(), standby.URL())
	log := newLoopLog(t)
	began, causes := make(chan int64, 100), make(chan error, 100)
	done := make(chan struct{})
	queue := newQueue(t, open(t, either), later.Config{Concurrency: 3, PollInterval: time.Second, Logger: slog.New(log)},
		numberJob.Do(func(ctx context.Context, args numberArgs) error {
			began <- args.N
			select {
			case <-ctx.Done():
				causes <- context.Cause(ctx)
				return nil // it says that it is done: nobody may believe it
			case <-done:
				return nil
			}
		}))
	start(t, queue)
	quiet := newQueue(t, open(t, either), later.Config{}) // enqueues only
	if err := quiet.Pause(t.Context(), "default", "until the standby lags"); err != nil {
		t.Fatal(err)
	}
	kept := enqueue(t, quiet, 1)
	standby.Await()
	standby.Lag(true)
	lost := []later.Job{enqueue(t, quiet, 2), enqueue(t, quiet, 3)}
	if err := quiet.Resume(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		<-began // also of the job that the standby knows: the claim is lost, the job is not
	}
	server.Kill()
	standby.Promote()
	for range 3 {
		select {
		case cause := <-causes:
			if !errors.Is(cause, later.ErrLeaseLost) {
				t.Errorf("cause: %v", cause)
			}
		case <-time.After(2 * resumption):
			t.Fatal("a handler goes on that has lost its claim")
		}
	}
	close(done)
	if err := insistently(func() error { return quiet.Resume(t.Context(), "default") }); err != nil {
		t.Fatal(err)
	}
	next := stored(t, quiet, 4)
	for _, job := range lost {
		if _, err := quiet.Get(t.Context(), job.ID); !errors.Is(err, later.ErrNotFound) {
			t.Errorf("job %d, which the standby never got: %v", job.ID, err)
		}
		if next <= job.ID+1000 {
			t.Errorf("the next id is %d, that of a lost job was %d", next, job.ID)
		}
	}
	completedOnce(t, queue, standby.URL(), []int64{kept.ID, next})
	waitUntil(t, "three outcomes are superseded", func() bool {
		log.mu.Lock()
		defer log.mu.Unlock()
		return log.lines["outcome superseded: the job was taken from this process"] == 3
	})
}

// insistently tries until the store can be reached.
func insistently(try func() error) (err error) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if err = try(); !errors.Is(err, later.ErrUnavailable) {
			return err
		}
	}
	return err
}

// TestIdsThatAreGivenOutAgain: somebody has restored a database in a way that cannot be
// noticed. An outcome of a lost job is refused, though a new job has its id.
func TestIdsThatAreGivenOutAgain(t *testing.T) {
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	s := open(t, url, postgres.Schema(own))
	m := mover{t: t, s: s, now: s.Now()}
	m.enqueue(1)
	lost := m.ids[0]
	m.claim(0)
	exec(t, url, fmt.Sprintf("DELETE FROM %[1]s.job; DELETE FROM %[1]s.claimed; SELECT setval('%[1]s.number', %d, false)", own, lost))
	again, err := s.Enqueue(t.Context(), []store.NewJob{plain}, s.Now())
	if err != nil || again[0].ID != lost {
		t.Fatalf("the id was %d, now %+v, %v", lost, again, err)
	}
	claimed, err := s.Claim(t.Context(), store.Demand{ProcessID: 2, Token: 99, Types: []string{plain.Type}, Limit: 1}, s.Now())
	if err != nil || len(claimed) != 1 {
		t.Fatalf("%+v, %v", claimed, err)
	}
	for _, c := range []struct {
		token int64
		want  store.Verdict
	}{{lost, store.Superseded}, {99, store.Accepted}, {lost, store.Superseded}} {
		verdicts, err := s.Finish(t.Context(), []store.Outcome{{JobID: lost, Token: c.token, Kind: store.Complete}}, s.Now())
		if err != nil || verdicts[0] != c.want {
			t.Errorf("an outcome under the token %d: %d, want %d, %v", c.token, verdicts[0], c.want, err)
		}
	}
}
