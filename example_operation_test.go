package later_test

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// Changes of many jobs go on if the process dies, and can be undone.
func ExampleJobQueue_Operate() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	ctx := context.Background()
	welcome := later.Define[struct{}]("WelcomeEmailJob")
	for range 3 {
		job, err := welcome.PerformIn(ctx, queue, time.Hour, struct{}{})
		if err != nil {
			panic(err)
		}
		fmt.Println(job.Status)
	}

	o, err := queue.Operate(later.By(ctx, "ana", later.FromAPI), later.Operation{
		Action: later.OperationCancel,
		Filter: later.Filter{Status: []later.JobStatus{later.StatusScheduled}, Type: "WelcomeEmailJob"},
		Reason: "the mail server is down for good",
	})
	if err != nil {
		panic(err)
	}

	if o, err = queue.AwaitOperation(ctx, o.ID); err != nil {
		panic(err)
	}
	fmt.Println(o.State, o.Changed)

	jobs, err := queue.List(ctx, later.Filter{Operation: o.ID, Status: []later.JobStatus{later.StatusCancelled}})
	if err != nil {
		panic(err)
	}
	fmt.Println("cancelled by it:", len(jobs))
	// Output:
	// scheduled
	// scheduled
	// scheduled
	// done 3
	// cancelled by it: 3
}
