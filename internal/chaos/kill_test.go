package chaos

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// TestKilledProcessesLoseNothing kills processes that enqueue and perform jobs, at
// random moments of their lives: every second one from its start on, so that opening
// the store is met, the others from their first job on. Every job whose PerformLater
// returned must be there and come to its end, in its first attempt.
func TestKilledProcessesLoseNothing(t *testing.T) {
	kills := scale(200, 20)
	path := filepath.Join(t.TempDir(), "jobs.db")
	var ids []int64
	for n := range kills {
		p := spawn(t, path, true)
		if n%2 == 0 {
			p.await(acknowledged, 1)
		}
		<-time.After(rand.N(150 * time.Millisecond))
		p.kill()
		ids = append(ids, p.said(acknowledged)...)
	}
	queue := watcher(t, path)
	begin(t, queue)
	crashed := 0
	for _, id := range ids {
		job, err := queue.Wait(t.Context(), id)
		if err != nil {
			t.Fatalf("acknowledged job %d: %v", id, err)
		}
		if job.Status != later.StatusCompleted || job.Attempt != 1 {
			t.Errorf("acknowledged job %d is %s after %d attempts and %d crashes: %s",
				id, job.Status, job.Attempt, job.Crashes, job.Error)
		}
		crashed += min(1, job.Crashes)
	}
	if crashed == 0 && !testing.Short() {
		t.Error("no process was killed with a job in hand")
	}
	t.Logf("%d kills, %d jobs acknowledged, %d of them in hand when a process was killed", kills, len(ids), crashed)
}

// TestAnotherProcessTakesOver: the operating system proves that the process is
// dead, so nobody waits for its heartbeat to fail.
func TestAnotherProcessTakesOver(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	queue := watcher(t, path)
	job, err := work.PerformLater(t.Context(), queue, args{Block: true})
	if err != nil {
		t.Fatal(err)
	}
	victim := spawn(t, path, false)
	victim.await(began, 1)
	successor := spawn(t, path, false)
	joined(t, queue, 2)
	killedAt := time.Now()
	victim.kill()
	successor.await(began, 1)
	took := time.Since(killedAt)
	if took > 10*time.Second { // the time-to-die is 15 s
		t.Errorf("taken over after %v", took)
	}
	t.Logf("taken over %v after the kill", took)
	if job, err = queue.Get(t.Context(), job.ID); err != nil || job.Attempt != 1 || job.Crashes != 1 {
		t.Errorf("attempt %d, %d crashes, %v", job.Attempt, job.Crashes, err)
	}
	if attempts, err := queue.Attempts(t.Context(), job.ID); err != nil || len(attempts) != 1 || attempts[0].Outcome != store.AttemptCrashed {
		t.Errorf("attempts: %+v, %v", attempts, err)
	}
}

// watcher opens a store in this process, with a queue that is not working.
func watcher(t testing.TB, path string) *later.JobQueue {
	t.Helper()
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	queue := later.New(s, later.Config{})
	queue.Register(work.Do(func(context.Context, args) error { return nil }))
	return queue
}
