package later_test

import (
	"context"
	"fmt"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// One value is around both ends of every job.
func ExampleMiddleware() {
	told := later.Middleware{
		Enqueue: func(ctx context.Context, calls []later.Call, next func(context.Context, []later.Call) ([]later.Job, error)) ([]later.Job, error) {
			jobs, err := next(ctx, calls)
			fmt.Println("enqueued", len(jobs), err)
			return jobs, err
		},
		Perform: func(ctx context.Context, job *later.RunningJob, next func(context.Context) error) error {
			err := next(ctx)
			fmt.Println("performed", job.Type, job.ID, err)
			return err
		},
	}
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{Middleware: []later.Middleware{told}})
	queue.Register(Notify.Do(func(context.Context, Args) error { return nil }))
	ctx := context.Background()
	if _, err := queue.EnqueueAll(ctx, Notify.With(Args{Order: 7}), Notify.With(Args{Order: 8})); err != nil {
		panic(err)
	}
	if _, err := queue.Drain(ctx); err != nil {
		panic(err)
	}
	// Output:
	// enqueued 2 <nil>
	// performed NotifyJob 1 <nil>
	// performed NotifyJob 2 <nil>
}
