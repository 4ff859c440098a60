package later_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// crash lets processes die with the first pending job in hand.
func crash(t *testing.T, s store.Store, times int) {
	t.Helper()
	for range times {
		process := store.Process{ID: 666, State: store.ProcessRunning, Host: "elsewhere", StartedAt: time.Now()}
		if err := s.Join(t.Context(), process, time.Now()); err != nil {
			t.Fatal(err)
		}
		demand := store.Demand{ProcessID: process.ID, Token: 1, Types: []string{textJob.Name()}, Limit: 1}
		jobs, err := s.Claim(t.Context(), demand, time.Now())
		if err != nil || len(jobs) != 1 {
			t.Fatalf("claimed %d jobs, %v", len(jobs), err)
		}
		silent := []store.Silent{{ProcessID: process.ID}}
		if _, err := s.Recover(t.Context(), silent, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSuspectsRunAlone: jobs that two processes died with wait until the process
// has nothing else in hand, and then have it for themselves, one by one.
func TestSuspectsRunAlone(t *testing.T) {
	var atOnce, companions atomic.Int64
	var order record[string]
	perform := func(_ context.Context, args textArgs) error {
		n := atOnce.Add(1)
		defer atOnce.Add(-1)
		if args.Text == "suspect" {
			companions.Add(n - 1)
		}
		<-time.After(4 * time.Second)
		if args.Text == "suspect" {
			companions.Add(atOnce.Load() - 1)
		}
		order.add(args.Text)
		return nil
	}
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{}, textJob.Do(perform))
		var suspects, others []int64
		for range 2 {
			suspects = append(suspects, enqueue(t, textJob, queue, textArgs{Text: "suspect"}).ID)
			crash(t, s, store.SuspectAfter)
		}
		for range 12 {
			others = append(others, enqueue(t, textJob, queue, textArgs{Text: "other"}).ID)
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range append(others, suspects...) {
			job := wait(t, queue, id)
			wantStatus(t, job, later.StatusCompleted)
			if job.Attempt != 1 {
				t.Errorf("job %d took %d attempts", id, job.Attempt)
			}
		}
		if companions.Load() != 0 {
			t.Errorf("suspects met %d other jobs", companions.Load())
		}
		if seen := order.all(); seen[0] != "suspect" || seen[1] != "other" {
			t.Errorf("after a second of suspects the others have their turn: %v", seen)
		}
		stop(t, queue)
	})
}

// TestSuspectClaimedWhileTheLeaseIsAtRisk: the answer to a heartbeat comes so late that
// the lease is at risk when the suspect arrives. It waits for the next heartbeat, and
// the process does not wait for it for ever.
func TestSuspectClaimedWhileTheLeaseIsAtRisk(t *testing.T) {
	perform := func(context.Context, textArgs) error { return nil }
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s := &faulty{Store: file, slowBeat: 13500 * time.Millisecond, slowClaim: 13900 * time.Millisecond}
		queue := queueOn(t, s, later.Config{Heartbeat: time.Second}, textJob.Do(perform))
		suspect := enqueue(t, textJob, queue, textArgs{})
		crash(t, file, store.SuspectAfter)
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(20 * time.Second)
		wantStatus(t, get(t, queue, suspect.ID), later.StatusCompleted)
		stop(t, queue)
	})
}

// TestSuspectsArePutOffByLongJobs: a process whose jobs do not end goes on with
// other work and tries again later.
func TestSuspectsArePutOffByLongJobs(t *testing.T) {
	var release chan struct{}
	perform := func(_ context.Context, args textArgs) error {
		if args.Text == "long" {
			<-release
		}
		return nil
	}
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		release = make(chan struct{})
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{}, textJob.Do(perform))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		long := enqueue(t, textJob, queue, textArgs{Text: "long"})
		<-time.After(time.Second)
		queue.Configure(func(s *later.Settings) { s.Concurrency = 1 })
		suspect := enqueue(t, textJob, queue, textArgs{Text: "suspect"})
		crash(t, s, store.SuspectAfter)
		queue.Configure(func(s *later.Settings) { s.Concurrency = 5 })
		<-time.After(6 * time.Second) // the process has looked, and is quiet
		other := enqueue(t, textJob, queue, textArgs{Text: "other"})
		<-time.After(time.Second)
		wantStatus(t, get(t, queue, other.ID), later.StatusPending)
		<-time.After(10 * time.Second)
		wantStatus(t, get(t, queue, other.ID), later.StatusCompleted)
		wantStatus(t, get(t, queue, suspect.ID), later.StatusPending)
		close(release)
		wantStatus(t, wait(t, queue, long.ID), later.StatusCompleted)
		<-time.After(90 * time.Second)
		wantStatus(t, get(t, queue, suspect.ID), later.StatusCompleted)
		stop(t, queue)
	})
}
