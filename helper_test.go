package later_test

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

type numberArgs struct {
	N int64 `json:"n"`
}

type mailArgs struct {
	UserID int64  `json:"user_id" validate:"required"`
	Email  string `json:"email" validate:"required,email"`
}

// open opens a store in a file of its own, or one that another test helper opened.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func tempFile(t testing.TB) string { return filepath.Join(t.TempDir(), "jobs.db") }

// newQueue makes a JobQueue over a new file.
func newQueue(t testing.TB, cfg later.Config, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	return queueOn(t, open(t, tempFile(t)), cfg, handlers...)
}

func queueOn(t testing.TB, s store.Store, cfg later.Config, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	queue := later.New(s, cfg)
	queue.Register(handlers...)
	return queue
}

// start lets a JobQueue work until the test ends.
func start(t testing.TB, queue *later.JobQueue) {
	t.Helper()
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, queue) })
}

func stop(t testing.TB, queue *later.JobQueue) later.StopReport {
	t.Helper()
	report, err := queue.Stop(context.Background())
	if err != nil {
		t.Errorf("stop: %v", err)
	}
	return report
}

// patience is how long a test waits for what must happen.
const patience = 30 * time.Minute

func wait(t testing.TB, queue *later.JobQueue, id int64) later.Job {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	job, err := queue.Wait(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

func get(t testing.TB, queue *later.JobQueue, id int64) later.Job {
	t.Helper()
	job, err := queue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// enqueue performs one later and insists that it was stored.
func enqueue[A any](t testing.TB, d *later.Definition[A], e later.Enqueuer, args A, opts ...later.CallOption) later.Job {
	t.Helper()
	job, err := d.PerformLater(t.Context(), e, args, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// record keeps what handlers saw, for the test to look at.
type record[T any] struct {
	mu   sync.Mutex
	seen []T
}

func (r *record[T]) add(value T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, value)
}

func (r *record[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// receive waits for a value that a handler sends.
func receive[T any](t testing.TB, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}

func wantStatus(t testing.TB, job later.Job, want later.JobStatus) {
	t.Helper()
	if job.Status != want {
		t.Fatalf("job %d is %s (error %q), want %s", job.ID, job.Status, job.Error, want)
	}
}
