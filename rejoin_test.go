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

// slowStore answers late: what it is asked is done at once.
type slowStore struct {
	store.Store
	claims, beats atomic.Pointer[chan struct{}] // answers wait for these, if not nil
	refuseJoin    atomic.Bool
}

// hold lets answers wait until the channel is closed.
func hold(answers *atomic.Pointer[chan struct{}]) chan struct{} {
	until := make(chan struct{})
	answers.Store(&until)
	return until
}

func waitFor(answers *atomic.Pointer[chan struct{}]) {
	if until := answers.Load(); until != nil {
		<-*until
	}
}

func (s *slowStore) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	jobs, err := s.Store.Claim(ctx, d, now)
	if len(jobs) > 0 {
		waitFor(&s.claims)
	}
	return jobs, err
}

func (s *slowStore) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	beaten, err := s.Store.Beat(ctx, h, now)
	waitFor(&s.beats)
	return beaten, err
}

func (s *slowStore) Join(ctx context.Context, p store.Process, now time.Time) error {
	if s.refuseJoin.Load() {
		return store.ErrUnavailable
	}
	return s.Store.Join(ctx, p, now)
}

// onSlowStore lets a JobQueue work in fake time.
func onSlowStore(t *testing.T, perform func(context.Context, textArgs) error, test func(*testing.T, *later.JobQueue, *slowStore)) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := &slowStore{Store: open(t, path)}
		defer s.Close()
		queue := queueOn(t, s, later.Config{}, textJob.Do(perform))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Second)
		test(t, queue, s)
		stop(t, queue)
	})
}

// declareDead does what others do when they have not seen a beat for too long.
func declareDead(t *testing.T, queue *later.JobQueue, s store.Store) {
	t.Helper()
	processes, err := queue.Processes(t.Context())
	if err != nil || len(processes) != 1 {
		t.Fatalf("processes %v, %v", processes, err)
	}
	silent := []store.Silent{{ProcessID: processes[0].ID, Beat: processes[0].Beat}}
	if _, err := s.Recover(t.Context(), silent, time.Now()); err != nil {
		t.Fatal(err)
	}
}

// TestLateClaimOfADeadProcessIsNotPerformed: the answer to a claim comes when the
// process has been declared dead and has joined again. Its jobs are no longer its own.
func TestLateClaimOfADeadProcessIsNotPerformed(t *testing.T) {
	var performed atomic.Int64
	perform := func(context.Context, textArgs) error {
		performed.Add(1)
		return nil
	}
	onSlowStore(t, perform, func(t *testing.T, queue *later.JobQueue, s *slowStore) {
		before := queue.Status().ProcessID
		answer := hold(&s.claims)
		job := enqueue(t, textJob, queue, textArgs{})
		synctest.Wait()
		declareDead(t, queue, s)
		<-time.After(5 * time.Second)
		if queue.Status().ProcessID == before {
			t.Fatal("the process has not joined again")
		}
		close(answer)
		wantStatus(t, wait(t, queue, job.ID), later.StatusCompleted)
		if performed.Load() != 1 {
			t.Errorf("performed %d times", performed.Load())
		}
	})
}

// TestDeadProcessClaimsNothingUntilItHasJoined: what it claimed would be taken for
// lost in a crash, again and again.
func TestDeadProcessClaimsNothingUntilItHasJoined(t *testing.T) {
	perform := func(context.Context, textArgs) error {
		<-time.After(1500 * time.Millisecond)
		return nil
	}
	onSlowStore(t, perform, func(t *testing.T, queue *later.JobQueue, s *slowStore) {
		s.refuseJoin.Store(true)
		declareDead(t, queue, s)
		<-time.After(5 * time.Second)
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(5 * time.Second)
		wantStatus(t, get(t, queue, job.ID), later.StatusPending)
		s.refuseJoin.Store(false)
		job = wait(t, queue, job.ID)
		wantStatus(t, job, later.StatusCompleted)
		if job.Crashes != 0 {
			t.Errorf("%d crashes", job.Crashes)
		}
	})
}

// TestLateAnswerToABeatDoesNotDelayTheFence: it proves that the process lived when
// the beat was sent, and 13 s later that is over.
func TestLateAnswerToABeatDoesNotDelayTheFence(t *testing.T) {
	var causes record[error]
	perform := func(ctx context.Context, _ textArgs) error {
		<-ctx.Done()
		causes.add(context.Cause(ctx))
		return ctx.Err()
	}
	onSlowStore(t, perform, func(t *testing.T, queue *later.JobQueue, s *slowStore) {
		answer := hold(&s.beats)
		<-time.After(14300 * time.Millisecond) // 15.3 s after the start: the second beat was sent after 2.8 to 3.4 s
		enqueue(t, textJob, queue, textArgs{})
		never := hold(&s.beats) // beats that get no answer
		close(answer)
		<-time.After(100 * time.Millisecond)
		if running := queue.Status().Running; len(running) != 1 {
			t.Fatalf("running: %v", running)
		}
		<-time.After(1400 * time.Millisecond)
		if seen := causes.all(); len(seen) != 1 || !errors.Is(seen[0], later.ErrLeaseLost) {
			t.Errorf("16.8 s after the start: %v", seen)
		}
		close(never)
	})
}
