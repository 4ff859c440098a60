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

// heard is a store that keeps the heartbeats, and does what a test says.
type heard struct {
	store.Store
	beats        record[store.Heartbeat]
	slowSearches time.Duration // before and after one
	giveUp       atomic.Bool   // searches take too long
	failOnce     atomic.Bool   // the next beat
	loseOnce     atomic.Bool   // the answer of the next claim that finds something
	refuse       atomic.Int64  // so many outcomes
}

func (s *heard) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	if s.failOnce.Swap(false) {
		return store.Beaten{}, store.ErrUnavailable
	}
	s.beats.add(h)
	if h.Search && s.giveUp.Load() {
		h.Search = false
	}
	if !h.Search {
		return s.Store.Beat(ctx, h, now)
	}
	if err := s.searchFor(ctx); err != nil {
		return store.Beaten{}, err
	}
	beaten, err := s.Store.Beat(ctx, h, now)
	return beaten, errors.Join(err, s.searchFor(ctx))
}

func (s *heard) searchFor(ctx context.Context) error {
	select {
	case <-time.After(s.slowSearches):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *heard) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	jobs, err := s.Store.Claim(ctx, d, now)
	if len(jobs) > 0 && s.loseOnce.Swap(false) {
		return nil, store.ErrUnavailable
	}
	return jobs, err
}

func (s *heard) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if s.refuse.Add(-1) >= 0 {
		return nil, errors.New("refused")
	}
	return s.Store.Finish(ctx, outcomes, now)
}

// searches counts the beats that have searched.
func (s *heard) searches() (n int) {
	for _, h := range s.beats.all() {
		if h.Search {
			n++
		}
	}
	return n
}

// onHeard lets a JobQueue work in fake time.
func onHeard(t *testing.T, perform func(context.Context, textArgs) error, check func(*testing.T, *later.JobQueue, *heard)) {
	t.Helper()
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := &heard{Store: open(t, path)}
		defer s.Close()
		queue := queueOn(t, s, later.Config{}, textJob.Do(perform))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(t, queue, s)
		stop(t, queue)
	})
}

// strangersClaim makes a claim of the process that the process does not know.
func strangersClaim(t *testing.T, queue *later.JobQueue, on store.Store) int64 {
	t.Helper()
	job := store.NewJob{Type: "OtherJob", Queue: "default", Args: []byte(`{}`)}
	if _, err := on.Enqueue(t.Context(), []store.NewJob{job}, time.Now()); err != nil {
		t.Fatal(err)
	}
	demand := store.Demand{ProcessID: queue.Status().ProcessID, Token: 7, Types: []string{"OtherJob"}, Limit: 1}
	claimed, err := on.Claim(t.Context(), demand, time.Now())
	if err != nil || len(claimed) != 1 {
		t.Fatalf("claimed %v, %v", claimed, err)
	}
	return claimed[0].ID
}

// twoBeats is the longest time in which there are two.
const twoBeats = 6600*time.Millisecond + time.Second/10

// TestClaimThatNobodyHasThoughtOf: the process has no reason to search, does so every
// twentieth beat all the same, and gives back what it finds with the beat after that. The
// beats between, which do not search, take none of its jobs away.
func TestClaimThatNobodyHasThoughtOf(t *testing.T) {
	perform := func(ctx context.Context, _ textArgs) error {
		select {
		case <-time.After(2 * time.Minute):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	onHeard(t, perform, func(t *testing.T, queue *later.JobQueue, s *heard) {
		known, unknown := enqueue(t, textJob, queue, textArgs{}), strangersClaim(t, queue, s.Store)
		<-time.After(50 * time.Second)
		if n := s.searches(); n != 0 || len(s.beats.all()) < 14 {
			t.Errorf("%d of %d beats have searched", n, len(s.beats.all()))
		}
		wantStatus(t, get(t, queue, unknown), later.StatusRunning)
		<-time.After(17*time.Second + twoBeats)
		wantStatus(t, get(t, queue, unknown), later.StatusPending)
		<-time.After(2 * twoBeats)
		if n := s.searches(); n != 4 {
			t.Errorf("%d searches; two find it, two find nothing more", n)
		}
		known = wait(t, queue, known.ID)
		wantStatus(t, known, later.StatusCompleted)
		if known.Attempt != 1 || known.Crashes != 0 {
			t.Errorf("it was taken away: %+v", known)
		}
	})
}

// TestReasonsToSearch: after what may have left a claim behind that the process does not
// know, that is given back within two beats.
func TestReasonsToSearch(t *testing.T) {
	for name, reason := range map[string]func(*testing.T, *later.JobQueue, *heard) int64{
		"the answer of a claim is lost": func(t *testing.T, queue *later.JobQueue, s *heard) int64 {
			s.loseOnce.Store(true)
			return enqueue(t, textJob, queue, textArgs{}).ID
		},
		"a claim comes about while another one fails": func(t *testing.T, queue *later.JobQueue, s *heard) int64 {
			s.loseOnce.Store(true)
			enqueue(t, textJob, queue, textArgs{})
			return strangersClaim(t, queue, s.Store)
		},
		"an outcome cannot be stored": func(t *testing.T, queue *later.JobQueue, s *heard) int64 {
			s.refuse.Store(2) // the outcome, and that it could not be stored
			return enqueue(t, textJob, queue, textArgs{}).ID
		},
		"the store was away": func(t *testing.T, queue *later.JobQueue, s *heard) int64 {
			id := strangersClaim(t, queue, s.Store)
			s.failOnce.Store(true)
			<-time.After(twoBeats / 2)
			return id
		},
		"the process was declared dead": func(t *testing.T, queue *later.JobQueue, s *heard) int64 {
			declareDead(t, queue, s.Store)
			<-time.After(twoBeats / 2)
			return strangersClaim(t, queue, s.Store)
		},
	} {
		t.Run(name, func(t *testing.T) {
			perform := func(context.Context, textArgs) error { return nil }
			onHeard(t, perform, func(t *testing.T, queue *later.JobQueue, s *heard) {
				<-time.After(10 * time.Second)
				if s.searches() != 0 {
					t.Error("there was no reason to search")
				}
				id := reason(t, queue, s)
				<-time.After(twoBeats)
				job := get(t, queue, id)
				if job.Status == later.StatusRunning || job.Crashes != 0 {
					t.Errorf("the job is %s after two beats, with %d crashes", job.Status, job.Crashes)
				}
				<-time.After(2 * twoBeats)
				if n := s.searches(); n < 3 || n > 5 {
					t.Errorf("%d searches; they go on until two have found nothing", n)
				}
			})
		})
	}
}

// TestSearchesEndWhileJobsComeAndGo: what was claimed after a beat was sent, and has ended
// before its answer came, is not unknown.
func TestSearchesEndWhileJobsComeAndGo(t *testing.T) {
	perform := func(context.Context, textArgs) error {
		<-time.After(400 * time.Millisecond)
		return nil
	}
	onHeard(t, perform, func(t *testing.T, queue *later.JobQueue, s *heard) {
		s.slowSearches = time.Second
		s.loseOnce.Store(true)
		var calls []later.Call
		for range 600 {
			calls = append(calls, textJob.With(textArgs{}))
		}
		jobs, err := queue.EnqueueAll(t.Context(), calls...)
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(40 * time.Second)
		if n := s.searches(); n != 4 {
			t.Errorf("%d searches; two find what was lost, two find nothing more", n)
		}
		for _, job := range jobs {
			if job = wait(t, queue, job.ID); job.Status != later.StatusCompleted || job.Attempt != 1 {
				t.Errorf("job %d is %s after %d attempts", job.ID, job.Status, job.Attempt)
			}
		}
	})
}

// TestSearchThatTakesTooLong is given up by the store, and is not made again with every
// beat. The heartbeats count, and so does what they confirm.
func TestSearchThatTakesTooLong(t *testing.T) {
	perform := func(context.Context, textArgs) error { return nil }
	onHeard(t, perform, func(t *testing.T, queue *later.JobQueue, s *heard) {
		s.giveUp.Store(true)
		s.loseOnce.Store(true)
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(50 * time.Second)
		if n := s.searches(); n != 1 {
			t.Errorf("%d searches", n)
		}
		wantStatus(t, get(t, queue, job.ID), later.StatusRunning)
		s.giveUp.Store(false)
		job = wait(t, queue, job.ID)
		wantStatus(t, job, later.StatusCompleted)
		if job.Attempt != 1 || job.Crashes != 0 {
			t.Errorf("an attempt was burned: %+v", job)
		}
	})
}

// TestStopDoesNotWaitForASearch: what leaves looks for its claims by itself, and gives
// them back.
func TestStopDoesNotWaitForASearch(t *testing.T) {
	perform := func(context.Context, textArgs) error { return nil }
	onHeard(t, perform, func(t *testing.T, queue *later.JobQueue, s *heard) {
		s.slowSearches = 2 * time.Second
		unknown := strangersClaim(t, queue, s.Store)
		s.failOnce.Store(true)
		for s.searches() == 0 {
			<-time.After(100 * time.Millisecond)
		}
		if report := stop(t, queue); report.Took > 100*time.Millisecond {
			t.Errorf("it took %v", report.Took)
		}
		job, err := s.Get(t.Context(), unknown)
		if err != nil || job.Status != store.Pending || job.Crashes != 0 {
			t.Errorf("its claim: %+v, %v", job, err)
		}
	})
}
