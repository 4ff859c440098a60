package later_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// undisturbed is a configuration in which nothing happens by itself for an hour: no poll
// and no heartbeat, whose commit would wake whoever listens.
var undisturbed = later.Config{PollInterval: time.Hour, Heartbeat: time.Hour, TimeToDie: 4 * time.Hour}

// claims is a store whose claims take half a second, or fail.
type claims struct {
	store.Store
	slow, fail atomic.Bool
}

func (s *claims) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	if s.fail.Load() {
		return nil, store.ErrUnavailable
	}
	jobs, err := s.Store.Claim(ctx, d, now)
	if s.slow.Load() {
		<-time.After(500 * time.Millisecond)
	}
	return jobs, err
}

// TestWakeWhileAClaimIsOnItsWay: the claim has seen nothing, the job comes before its
// answer does. Nobody may think afterwards that there is no work.
func TestWakeWhileAClaimIsOnItsWay(t *testing.T) {
	slow := &claims{}
	slow.slow.Store(true)
	wrap := func(s store.Store) store.Store { slow.Store = s; return slow }
	onStore(t, wrap, func(t *testing.T, s store.Store) {
		queue := queueOn(t, s, undisturbed, textJob.Do(func(context.Context, textArgs) error { return nil }))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(250 * time.Millisecond)
		began := time.Now()
		wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the job was performed after %v", took)
		}
		stop(t, queue)
	})
}

// TestWorkResumesAfterAnOutage: within a poll interval, though nothing wakes the
// process.
func TestWorkResumesAfterAnOutage(t *testing.T) {
	failing := &claims{}
	wrap := func(s store.Store) store.Store { failing.Store = s; return failing }
	onStore(t, wrap, func(t *testing.T, s store.Store) {
		cfg := undisturbed
		cfg.PollInterval = 5 * time.Second
		queue := queueOn(t, s, cfg, textJob.Do(func(context.Context, textArgs) error { return nil }))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		failing.fail.Store(true)
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(10 * time.Minute)
		failing.fail.Store(false)
		began := time.Now()
		wait(t, queue, job.ID)
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("work resumed %v after the outage", took)
		}
		stop(t, queue)
	})
}

// refusing is a store that does not take the outcome of one job, for whatever reason.
type refusing struct {
	store.Store
	job atomic.Int64
}

var errRefused = errors.New("value out of range")

func (s *refusing) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	bad := func(o store.Outcome) bool { return o.JobID == s.job.Load() && o.Kind == store.Complete }
	if slices.ContainsFunc(outcomes, bad) {
		<-time.After(time.Second) // so that others come up meanwhile
		return nil, errRefused
	}
	return s.Store.Finish(ctx, outcomes, now)
}

// TestOneBadOutcomeStopsNoOther: those of the same batch are stored, and the job whose
// outcome cannot be is failed and says why.
func TestOneBadOutcomeStopsNoOther(t *testing.T) {
	bad := &refusing{}
	wrap := func(s store.Store) store.Store { bad.Store = s; return bad }
	onStore(t, wrap, func(t *testing.T, s store.Store) {
		var performed atomic.Int64
		cfg := later.Config{Concurrency: 20}
		queue := queueOn(t, s, cfg, textJob.Do(func(context.Context, textArgs) error {
			<-time.After(5 * time.Second)
			performed.Add(1)
			return nil
		}))
		var jobs []later.Job
		for range 20 {
			jobs = append(jobs, enqueue(t, textJob, queue, textArgs{}))
		}
		bad.job.Store(jobs[10].ID)
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, job := range jobs {
			job = wait(t, queue, job.ID)
			if i == 10 {
				wantStatus(t, job, later.StatusFailed)
				continue
			}
			wantStatus(t, job, later.StatusCompleted)
		}
		if performed.Load() != 20 {
			t.Errorf("20 jobs were performed %d times", performed.Load())
		}
		stop(t, queue)
	})
}

// stranger is a store that lets nobody in, and remembers who listened.
type stranger struct {
	store.Store
	refuse    atomic.Bool
	listening record[context.Context]
}

func (s *stranger) Join(ctx context.Context, p store.Process, now time.Time) error {
	if s.refuse.Load() {
		return store.ErrUnavailable
	}
	return s.Store.Join(ctx, p, now)
}

func (s *stranger) Listen(ctx context.Context) (<-chan store.Wake, error) {
	s.listening.add(ctx)
	return s.Store.Listen(ctx)
}

// TestFailedStartLeavesNothingBehind: nothing goes on in the background, and the
// JobQueue can be started again.
func TestFailedStartLeavesNothingBehind(t *testing.T) {
	closed := &stranger{}
	closed.refuse.Store(true)
	wrap := func(s store.Store) store.Store { closed.Store = s; return closed }
	onStore(t, wrap, func(t *testing.T, s store.Store) {
		queue := queueOn(t, s, later.Config{}, textJob.Do(func(context.Context, textArgs) error { return nil }))
		if err := queue.Start(t.Context()); !errors.Is(err, later.ErrUnavailable) {
			t.Fatalf("start: %v", err)
		}
		for _, ctx := range closed.listening.all() {
			if ctx.Err() == nil {
				t.Error("a JobQueue that did not start listens")
			}
		}
		if status := queue.Status(); status.Working {
			t.Errorf("status: %+v", status)
		}
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Minute)
		wantStatus(t, get(t, queue, job.ID), later.StatusPending)
		closed.refuse.Store(false)
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, wait(t, queue, job.ID), later.StatusCompleted)
		stop(t, queue)
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
