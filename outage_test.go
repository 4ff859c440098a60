package later_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// absent is a store that cannot be reached while away is set.
type absent struct {
	store.Store
	away   atomic.Bool
	buried atomic.Bool // beats are told that the process was declared dead
}

func (a *absent) err() error {
	if a.away.Load() {
		return store.ErrUnavailable
	}
	return nil
}

func unlessAway[T any](a *absent, verb func() (T, error)) (none T, err error) {
	if err := a.err(); err != nil {
		return none, err
	}
	return verb()
}

func (a *absent) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	return unlessAway(a, func() ([]store.Job, error) { return a.Store.Claim(ctx, d, now) })
}

func (a *absent) Suspected(ctx context.Context, d store.Demand) (bool, error) {
	return unlessAway(a, func() (bool, error) { return a.Store.Suspected(ctx, d) })
}

func (a *absent) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	return unlessAway(a, func() ([]store.Verdict, error) { return a.Store.Finish(ctx, outcomes, now) })
}

func (a *absent) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	if err := a.err(); err != nil {
		return err
	}
	return a.Store.Report(ctx, reports, now)
}

func (a *absent) Join(ctx context.Context, p store.Process, now time.Time) error {
	if err := a.err(); err != nil {
		return err
	}
	return a.Store.Join(ctx, p, now)
}

func (a *absent) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	if a.buried.Load() {
		return store.Beaten{}, store.ErrProcessGone
	}
	return unlessAway(a, func() (store.Beaten, error) { return a.Store.Beat(ctx, h, now) })
}

func (a *absent) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	return unlessAway(a, func() ([]store.Recovered, error) { return a.Store.Recover(ctx, silent, now) })
}

func (a *absent) Processes(ctx context.Context) ([]store.Process, error) {
	return unlessAway(a, func() ([]store.Process, error) { return a.Store.Processes(ctx) })
}

func (a *absent) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	return unlessAway(a, func() (store.Promoted, error) { return a.Store.Promote(ctx, limit, now) })
}

func (a *absent) List(ctx context.Context, f store.Filter) ([]store.Job, error) {
	return unlessAway(a, func() ([]store.Job, error) { return a.Store.List(ctx, f) })
}

// tally is a log that counts its lines.
type tally struct {
	slog.Handler
	mu    sync.Mutex
	lines map[string]int
}

func newTally(t *testing.T) *tally {
	return &tally{Handler: slog.NewTextHandler(t.Output(), nil), lines: map[string]int{}}
}

func (l *tally) Handle(ctx context.Context, record slog.Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[record.Message]++
	return l.Handler.Handle(ctx, record)
}

func (l *tally) calm(t *testing.T, most int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for message, lines := range l.lines {
		if lines > most {
			t.Errorf("%d times: %s", lines, message)
		}
	}
}

// honest insists that nothing was said to be over.
func (l *tally) honest(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for message := range l.lines {
		if strings.HasPrefix(message, "can ") {
			t.Errorf("the store is away, and the log says: %s", message)
		}
	}
}

// TestTenMinutesWithoutTheStore, in fake time: every kind of trouble is told once a
// minute, also what handlers report in vain; and all goes on afterwards.
func TestTenMinutesWithoutTheStore(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s, log := &absent{Store: file}, newTally(t)
		queue := queueOn(t, s, later.Config{Logger: slog.New(log)}, textJob.Do(func(ctx context.Context, args textArgs) error {
			for ctx.Err() == nil && args.Text == "long" {
				later.Running(ctx).Progress(1, 2, "going on")
				<-time.After(100 * time.Millisecond)
			}
			return ctx.Err()
		}))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, queue)
		long := enqueue(t, textJob, queue, textArgs{"long"})
		short := enqueue(t, textJob, queue, textArgs{"short"}, later.In(time.Second))
		<-time.After(500 * time.Millisecond)
		s.away.Store(true)
		<-time.After(10 * time.Minute)
		log.honest(t)
		s.away.Store(false)
		wantStatus(t, wait(t, queue, short.ID), later.StatusCompleted)
		<-time.After(5 * time.Second)
		log.calm(t, 12)
		if job := get(t, queue, long.ID); job.Status != later.StatusRunning || job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("the job that ran before: %+v", job)
		}
	})
}

// TestProcessThatCannotJoinAgain says so once a minute.
func TestProcessThatCannotJoinAgain(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s, log := &absent{Store: file}, newTally(t)
		queue := queueOn(t, s, later.Config{Logger: slog.New(log)}, textJob.Do(func(context.Context, textArgs) error { return nil }))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, queue)
		s.away.Store(true)
		s.buried.Store(true)
		<-time.After(10 * time.Minute)
		log.calm(t, 12)
		s.away.Store(false)
		<-time.After(5 * time.Second)
		s.buried.Store(false)
		wantStatus(t, wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID), later.StatusCompleted)
	})
}

// TestCancelFromElsewhereArrives: within a heartbeat, though another JobQueue was asked.
func TestCancelFromElsewhereArrives(t *testing.T) {
	var causes record[error]
	inFakeTime(t, later.Config{}, func(ctx context.Context, _ textArgs) error {
		<-ctx.Done()
		causes.add(context.Cause(ctx))
		return ctx.Err()
	}, func(t *testing.T, queue *later.JobQueue, s *faulty) {
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		if err := queueOn(t, s, later.Config{}).Cancel(t.Context(), job.ID, "enough"); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Second)
		if seen := causes.all(); len(seen) != 1 || !errors.Is(seen[0], later.ErrCancelled) {
			t.Errorf("causes: %v", seen)
		}
	})
}
