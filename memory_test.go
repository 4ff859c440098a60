package later_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// slowly is a store that goes on after it has answered with an error, as one whose caller
// has gone may: it spoils what it was given until then.
type slowly struct {
	*faulty
	mu      sync.Mutex
	claimed []store.Job     // the memory of a claim that has failed
	failed  []store.Outcome // those of a call that has failed, to be offered again
	ended   []store.Outcome // the same, once they were accepted
	reused  bool            // memory of an answer has come again
	last    *store.Job      // where the last answer began
}

func (s *slowly) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	jobs, err := s.faulty.Claim(ctx, d, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.claimed {
		s.claimed[i] = store.Job{ID: -1, Type: "spoiled"}
	}
	if room := d.Into[:cap(d.Into)]; len(room) > 0 {
		s.reused = s.reused || &room[0] == s.last
		if err != nil {
			s.claimed = room
		}
	}
	if len(jobs) > 0 {
		s.last = &jobs[0]
	}
	return jobs, err
}

func (s *slowly) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.ended {
		s.ended[i] = store.Outcome{JobID: -1}
	}
	verdicts, err := s.faulty.Finish(ctx, outcomes, now)
	if err != nil {
		s.failed = outcomes
	} else if s.failed != nil {
		s.failed, s.ended = nil, s.failed
	}
	return verdicts, err
}

// TestMemoryOfCallsThatFailed: the engine uses the memory of an answer and of outcomes
// again, but not after an error, when the store may still be at work with it.
func TestMemoryOfCallsThatFailed(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s := &slowly{faulty: &faulty{Store: file}}
		queue := queueOn(t, s, later.Config{}, textJob.Do(func(context.Context, textArgs) error { return nil }))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for round := range 20 {
			switch round {
			case 5, 12:
				s.set(func(f *faulty) { f.loseReplies = 1 })
			case 8, 15:
				s.set(func(f *faulty) { f.failFinish = 1 })
			}
			for range 10 {
				job := wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID)
				wantStatus(t, job, later.StatusCompleted)
			}
		}
		if !s.reused {
			t.Error("no memory was used again")
		}
		stop(t, queue)
	})
}
