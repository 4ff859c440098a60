// Package latertest helps to test programs that enqueue and perform jobs. Its
// JobQueue is a real one over a store in memory: what a test performs goes
// through the code that performs it in production.
//
//	queue := latertest.New(t, later.Config{}, WelcomeEmail.Do(mailer.Welcome))
//	signUp(t.Context(), queue, "ada@example.com")
//
//	latertest.Enqueued(t, queue, WelcomeEmail, latertest.Args(WelcomeArgs{Email: "ada@example.com"}))
//	latertest.Drain(t, queue)
//	latertest.Performed(t, queue, WelcomeEmail, latertest.Times(1))
//
// An assertion that does not hold ends the test and shows what was enqueued.
//
// Inside testing/synctest time is fake, so that a test can sleep past a backoff
// or a PerformAt in no time and Drain again. Drain can also perform what is
// scheduled before its time, and Crash lets the process die in the middle of a
// job. The guide is docs/testing.md.
package latertest

import (
	"log/slog"
	"sync"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// New returns a JobQueue over an empty store in memory, which is closed when
// the test ends. Its log goes to the test's output unless cfg names a Logger.
func New(t testing.TB, cfg later.Config, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	memory, err := sqlite.Open(":memory:")
	if err != nil {
		t.Fatalf("open a store in memory: %v", err)
	}
	t.Cleanup(func() {
		if err := memory.Close(); err != nil {
			t.Errorf("close the store: %v", err)
		}
	})
	return NewOn(t, memory, cfg, handlers...)
}

// NewOn is New over a store of the test's own, such as one whose transactions it
// needs, or one on PostgreSQL. The test closes it.
func NewOn(t testing.TB, s store.Store, cfg later.Config, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	k := &known{store: s}
	cfg.Middleware = append([]later.Middleware{{Step: k.step}}, cfg.Middleware...)
	queue := later.New(s, cfg)
	queue.Register(handlers...)
	queues.Store(queue, k)
	t.Cleanup(func() { queues.Delete(queue) })
	return queue
}

// queues holds what is known of each JobQueue of this package: see Crash, InterruptAt.
var queues sync.Map // *later.JobQueue → *known

type known struct {
	store store.Store

	mu         sync.Mutex
	interrupts map[string]int // by step: how many performings are still to crash there
}
