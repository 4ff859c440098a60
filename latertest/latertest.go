// Package latertest helps to test programs that enqueue and perform jobs. Its
// JobQueue is a real one over a store in memory: what a test performs goes
// through the code that performs it in production.
//
//	queue := latertest.New(t, later.Config{}, WelcomeEmail.Do(mailer.Welcome))
//	signUp(t.Context(), queue, "ada@example.com")
//
//	jobs := latertest.Enqueued(t, queue, WelcomeEmail)
//	if len(jobs) != 1 || jobs[0].Args.Email != "ada@example.com" { … }
//
//	latertest.Drain(t, queue)
//
// Inside testing/synctest time is fake, so that a test can sleep past a backoff
// or a PerformAt in no time and Drain again.
package latertest

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// New returns a JobQueue over an empty store in memory, which is closed when
// the test ends. Its log goes to the test's output unless cfg names a Logger.
func New(t testing.TB, cfg later.Config, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	store, err := sqlite.Open(":memory:")
	if err != nil {
		t.Fatalf("open a store in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	queue := later.New(store, cfg)
	queue.Register(handlers...)
	return queue
}

// Job is a stored job with its decoded arguments.
type Job[A any] struct {
	later.Job
	Args A
}

// Definition is a *later.Definition[A] or a *later.ResultDefinition[A, R].
type Definition[A any] interface {
	Name() string
	Args(later.Job) (A, error)
}

// Enqueued returns every job of a type that the store holds, whatever its status
// is by now, oldest first.
func Enqueued[A any](t testing.TB, queue *later.JobQueue, definition Definition[A]) []Job[A] {
	t.Helper()
	var found []Job[A]
	filter := later.Filter{Type: definition.Name(), Limit: 1000}
	for {
		page, err := queue.List(t.Context(), filter)
		if err != nil {
			t.Fatal(err)
		}
		for _, job := range page {
			args, err := definition.Args(job)
			if err != nil {
				t.Fatalf("job %d: %v", job.ID, err)
			}
			found = append(found, Job[A]{job, args})
		}
		if len(page) < filter.Limit {
			slices.Reverse(found)
			return found
		}
		filter.Before = page[len(page)-1].ID
	}
}

// Drain performs every job that is due, and those that these enqueue, one after
// the other, and returns how many it performed. Failed jobs do not fail the test:
// look at their status.
func Drain(t testing.TB, queue *later.JobQueue) int {
	t.Helper()
	performed, err := queue.Drain(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return performed
}
