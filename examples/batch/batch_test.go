package batch

import (
	"context"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

func working(t *testing.T, process Source) *later.JobQueue {
	t.Helper()
	store, err := sqlite.Open(t.TempDir() + "/jobs.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	queue := later.New(store, later.Config{})
	queue.Register(Handler(process))
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { queue.Stop(context.Background()) })
	return queue
}

func TestProcessesInSteps(t *testing.T) {
	var steps []int
	queue := working(t, func(_ context.Context, _ string, from, to int) error {
		steps = append(steps, to-from)
		return nil
	})
	job, err := Process.PerformLater(t.Context(), queue, Args{Table: "orders", Records: 2500})
	if err != nil {
		t.Fatal(err)
	}
	result, err := Process.Await(t.Context(), queue, job.ID)
	if err != nil || result != (Result{2500, 3}) {
		t.Errorf("result %+v, %v", result, err)
	}
	if len(steps) != 3 || steps[2] != 500 {
		t.Errorf("steps: %v", steps)
	}
	job, err = queue.Get(t.Context(), job.ID)
	if err != nil || job.Progress.Done != 2500 || job.Progress.Total != 2500 {
		t.Errorf("progress %+v, %v", job.Progress, err)
	}
}

func TestStopsBetweenSteps(t *testing.T) {
	inStep := make(chan int)
	queue := working(t, func(ctx context.Context, _ string, from, _ int) error {
		inStep <- from
		<-ctx.Done() // the step that was begun is finished; no other begins
		return nil
	})
	job, err := Process.PerformLater(t.Context(), queue, Args{Table: "orders", Records: 5000})
	if err != nil {
		t.Fatal(err)
	}
	<-inStep
	if n, err := queue.CancelAll(t.Context(), later.Filter{Target: "orders"}, "wrong table"); n != 1 || err != nil {
		t.Fatalf("cancelled %d, %v", n, err)
	}
	job, err = queue.Wait(t.Context(), job.ID)
	if err != nil || job.Status != later.StatusCancelled || job.Error != "wrong table" {
		t.Errorf("job is %s (%s), %v", job.Status, job.Error, err)
	}
	if job.Progress.Done != 1000 {
		t.Errorf("progress: %+v", job.Progress)
	}
}
