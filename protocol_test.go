package later_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// untilLost is a handler that ends when its context does, and completes when it
// is performed again.
func untilLost(causes *record[error]) func(context.Context, textArgs) error {
	var performed atomic.Int64
	return func(ctx context.Context, _ textArgs) error {
		if performed.Add(1) > 1 {
			return nil
		}
		<-ctx.Done()
		causes.add(context.Cause(ctx))
		return ctx.Err()
	}
}

// TestProcessThatMayHaveLostItsLeaseStopsItself: 13 s after its last accepted
// heartbeat, 2 s before others would take its jobs over.
func TestProcessThatMayHaveLostItsLeaseStopsItself(t *testing.T) {
	var causes record[error]
	inFakeTime(t, later.Config{}, untilLost(&causes), func(t *testing.T, queue *later.JobQueue, s *faulty) {
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		s.set(func(f *faulty) { f.failBeat = store.ErrUnavailable })
		<-time.After(9 * time.Second)
		if len(causes.all()) != 0 {
			t.Errorf("stopped too early: %v", causes.all())
		}
		<-time.After(4 * time.Second)
		if seen := causes.all(); len(seen) != 1 || !errors.Is(seen[0], later.ErrLeaseLost) {
			t.Fatalf("causes: %v", seen)
		}
		<-time.After(10 * time.Second)
		wantStatus(t, get(t, queue, job.ID), later.StatusPending) // nothing is started meanwhile
		s.set(func(f *faulty) { f.failBeat = nil })
		job = wait(t, queue, job.ID)
		wantStatus(t, job, later.StatusCompleted)
		if job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("an attempt was burned: %+v", job)
		}
	})
}

// TestProcessThatWasDeclaredDeadJoinsAgain: its jobs run elsewhere, here in the
// same process under its new id.
func TestProcessThatWasDeclaredDeadJoinsAgain(t *testing.T) {
	var causes record[error]
	inFakeTime(t, later.Config{}, untilLost(&causes), func(t *testing.T, queue *later.JobQueue, s *faulty) {
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		before := queue.Status().ProcessID
		processes, err := queue.Processes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		dead := []store.Silent{{ProcessID: before, Beat: processes[0].Beat}}
		if recovered, err := s.Recover(t.Context(), dead, time.Now()); err != nil || len(recovered) != 1 {
			t.Fatalf("recovered %v, %v", recovered, err)
		}
		job = wait(t, queue, job.ID)
		wantStatus(t, job, later.StatusCompleted)
		if job.Attempt != 1 || job.Crashes != 1 {
			t.Errorf("job: %+v", job)
		}
		<-time.After(4 * time.Second)
		if after := queue.Status().ProcessID; after == before {
			t.Error("the process has not joined again")
		}
		if seen := causes.all(); len(seen) != 1 || !errors.Is(seen[0], later.ErrLeaseLost) {
			t.Errorf("causes: %v", seen)
		}
	})
}

// TestSilenceIsSeenWithShortTimes: however short the heartbeat, a process that is silent
// for its time-to-die loses its jobs to another.
func TestSilenceIsSeenWithShortTimes(t *testing.T) {
	for _, beat := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond, time.Second} {
		t.Run(beat.String(), func(t *testing.T) {
			released := make(chan struct{})
			stuck := func(context.Context, textArgs) error { <-released; return nil }
			path := tempFile(t)
			synctest.Test(t, func(t *testing.T) {
				released = make(chan struct{})
				file := open(t, path)
				defer file.Close()
				cfg := later.Config{Heartbeat: beat, TimeToDie: 5 * beat, HardStop: time.Second, SoftStop: time.Second}
				silent := &faulty{Store: file}
				first := queueOn(t, silent, cfg, textJob.Do(stuck))
				if err := first.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				job := enqueue(t, textJob, first, textArgs{})
				<-time.After(time.Second)
				silent.set(func(f *faulty) { f.failBeat = store.ErrUnavailable })
				second := queueOn(t, file, cfg, textJob.Do(func(context.Context, textArgs) error { return nil }))
				if err := second.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				job = wait(t, second, job.ID)
				wantStatus(t, job, later.StatusCompleted)
				if took := time.Since(began); job.Crashes != 1 || took > 6*beat+2*time.Second {
					t.Errorf("after %v: %+v", took, job)
				}
				close(released)
				stop(t, first)
				stop(t, second)
			})
		})
	}
}

// TestDeathIsObservedInTime: the beats of a process elsewhere stop. It is declared dead
// after the time-to-die, and not much later, however short or long the heartbeat is.
func TestDeathIsObservedInTime(t *testing.T) {
	for _, heartbeat := range []time.Duration{100 * time.Millisecond, 400 * time.Millisecond, 3 * time.Second, 5 * time.Second} {
		t.Run(heartbeat.String(), func(t *testing.T) {
			perform := func(context.Context, textArgs) error { return nil }
			inFakeTime(t, later.Config{Heartbeat: heartbeat}, perform, func(t *testing.T, queue *later.JobQueue, s *faulty) {
				<-time.After(20 * time.Second)
				if err := s.Join(t.Context(), store.Process{ID: 99, Host: "elsewhere", StartedAt: time.Now()}, time.Now()); err != nil {
					t.Fatal(err)
				}
				for range 7 {
					<-time.After(heartbeat)
					if _, err := s.Beat(t.Context(), store.Heartbeat{ProcessID: 99, State: store.ProcessRunning}, time.Now()); err != nil {
						t.Fatal(err)
					}
				}
				<-time.After(15*time.Second - time.Millisecond)
				if _, err := s.Beat(t.Context(), store.Heartbeat{ProcessID: 99, State: store.ProcessRunning}, time.Now()); err != nil {
					t.Fatalf("declared dead before its time: %v", err)
				}
				<-time.After(15*time.Second + heartbeat)
				if _, err := s.Beat(t.Context(), store.Heartbeat{ProcessID: 99, State: store.ProcessRunning}, time.Now()); !errors.Is(err, store.ErrProcessGone) {
					t.Errorf("not declared dead in time: %v", err)
				}
			})
		})
	}
}

// TestStoreThatTakesNoWritesKillsNobody: all writes hang for longer than the time-to-die,
// as when another program holds the lock of a file, and then come through in any order:
// nobody is declared dead, even if the first one is a recovery that was decided before.
// Refused beats are the matter of TestNobodyIsJudgedByThoseWhoCannotBeatThemselves.
func TestStoreThatTakesNoWritesKillsNobody(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s, released := &faulty{Store: file}, make(chan struct{})
		patient := func(context.Context, textArgs) error { <-released; return nil }
		var queues []*later.JobQueue
		for range 3 {
			queue := queueOn(t, s, later.Config{}, textJob.Do(patient))
			if err := queue.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			queues = append(queues, queue)
		}
		job := enqueue(t, textJob, queues[0], textArgs{})
		<-time.After(10 * time.Second)
		locked := make(chan struct{})
		s.set(func(f *faulty) { f.locked = locked })
		<-time.After(time.Minute)
		s.set(func(f *faulty) { f.locked = nil })
		close(locked)
		<-time.After(time.Minute)
		if job = get(t, queues[0], job.ID); job.Crashes != 0 {
			t.Errorf("a process was declared dead: %+v", job)
		}
		close(released)
		for _, queue := range queues {
			stop(t, queue)
		}
	})
}

// TestClaimWhoseReplyIsLost: the store says that the job is ours, we do not know
// it; the heartbeat finds out and gives it back.
func TestClaimWhoseReplyIsLost(t *testing.T) {
	perform := func(context.Context, textArgs) error { return nil }
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, s *faulty) {
		s.set(func(f *faulty) { f.loseReplies = 1 })
		began := time.Now()
		job := wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID)
		wantStatus(t, job, later.StatusCompleted)
		if took := time.Since(began); took > twoBeats+time.Second || job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("after %v: %+v", took, job)
		}
	})
}

// TestOutcomesWaitForTheStore: what was done is not done again because its record
// could not be written at once.
func TestOutcomesWaitForTheStore(t *testing.T) {
	var performed atomic.Int64
	perform := func(context.Context, textArgs) error {
		performed.Add(1)
		return nil
	}
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, s *faulty) {
		s.set(func(f *faulty) { f.failFinish = 5 })
		job := wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID)
		wantStatus(t, job, later.StatusCompleted)
		if performed.Load() != 1 {
			t.Errorf("performed %d times", performed.Load())
		}
	})
}

func TestFinishedJobsArePruned(t *testing.T) {
	perform := func(_ context.Context, args textArgs) error {
		if args.Text == "fail" {
			return later.Discard(errors.New("boom"))
		}
		return nil
	}
	cfg := later.Config{Retention: later.Retention{Completed: time.Minute}}
	inFakeTime(t, cfg, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		completed := wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID)
		failed := wait(t, queue, enqueue(t, textJob, queue, textArgs{"fail"}).ID)
		<-time.After(12 * time.Minute)
		if _, err := queue.Get(t.Context(), completed.ID); !errors.Is(err, later.ErrNotFound) {
			t.Errorf("completed job: %v", err)
		}
		wantStatus(t, get(t, queue, failed.ID), later.StatusFailed)
	})
}

// TestClaimedJobsDoNotWaitBehindSlowOnes: quick jobs make the process claim ahead;
// when slow ones take all slots, what was claimed ahead goes back for others.
func TestClaimedJobsDoNotWaitBehindSlowOnes(t *testing.T) {
	perform := func(ctx context.Context, args textArgs) error {
		if args.Text == "slow" {
			<-time.After(time.Minute)
		}
		return nil
	}
	inFakeTime(t, later.Config{Concurrency: 2}, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		var calls []later.Call
		for range 100 {
			calls = append(calls, textJob.With(textArgs{"quick"}, later.Priority(2)))
		}
		for range 2 {
			calls = append(calls, textJob.With(textArgs{"slow"}, later.Priority(1)))
		}
		for range 50 {
			calls = append(calls, textJob.With(textArgs{"behind"}))
		}
		if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
			t.Fatal(err)
		}
		<-time.After(10 * time.Second)
		stats, err := queue.Stats(t.Context())
		if err != nil || stats.Counts[later.StatusPending] != 50 || stats.Counts[later.StatusRunning] != 2 {
			t.Errorf("behind slow jobs: %+v, %v", stats.Counts, err)
		}
		<-time.After(time.Minute)
		stats, err = queue.Stats(t.Context())
		if err != nil || stats.Counts[later.StatusCompleted] != 152 {
			t.Errorf("at the end: %+v, %v", stats.Counts, err)
		}
	})
}
