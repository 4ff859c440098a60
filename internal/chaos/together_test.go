package chaos

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/laterjobs/later"
)

func begin(t testing.TB, queue *later.JobQueue) {
	t.Helper()
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Stop(context.Background()) })
}

// TestProcessesShareOneFile: this process enqueues, three others perform. They poll
// once an hour, so each job has come to them by a wake-up from another process.
func TestProcessesShareOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	queue := watcher(t, path)
	workers := []*process{spawn(t, path, false), spawn(t, path, false), spawn(t, path, false)}
	joined(t, queue, len(workers))
	var ids []int64
	for range 300 {
		job, err := work.PerformLater(t.Context(), queue, args{})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, job.ID)
	}
	for _, id := range ids {
		job, err := queue.Wait(t.Context(), id)
		if err != nil || job.Status != later.StatusCompleted || job.Attempt != 1 {
			t.Fatalf("job %d is %s, attempt %d, %v", id, job.Status, job.Attempt, err)
		}
	}
	var performed []int64
	for _, worker := range workers {
		worker.stop()
		performed = append(performed, worker.said(began)...)
	}
	slices.Sort(performed)
	if !slices.Equal(performed, ids) {
		t.Errorf("%d performed, each once would be %d", len(performed), len(ids))
	}
	joined(t, queue, 0)
}

// joined waits until so many processes are known.
func joined(t testing.TB, queue *later.JobQueue, want int) {
	t.Helper()
	for {
		processes, err := queue.Processes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(processes) == want {
			return
		}
	}
}

// TestCancelReachesAnotherProcess: the handler's context ends in the process that
// runs it, soon after somebody asked in this one.
func TestCancelReachesAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	queue := watcher(t, path)
	worker := spawn(t, path, false)
	job, err := work.PerformLater(t.Context(), queue, args{Block: true})
	if err != nil {
		t.Fatal(err)
	}
	worker.await(began, 1)
	if err := queue.Cancel(t.Context(), job.ID, "no longer needed"); err != nil {
		t.Fatal(err)
	}
	job, err = queue.Wait(t.Context(), job.ID)
	if err != nil || job.Status != later.StatusCancelled || job.Error != "no longer needed" {
		t.Errorf("job is %s (%s), %v", job.Status, job.Error, err)
	}
}
