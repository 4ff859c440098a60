package later_test

import (
	"context"
	"fmt"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// What a mistake has failed is retried once it is mended, and nothing else.
func ExampleJobQueue_Causes() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(Deliver.Do(func(ctx context.Context, args Args) error {
		return later.Discard(fmt.Errorf("order %d is not paid", args.Order))
	}))
	ctx := context.Background()
	for order := range int64(3) {
		if _, err := Deliver.PerformLater(ctx, queue, Args{Order: 48213 + order}); err != nil {
			panic(err)
		}
	}
	if _, err := queue.Drain(ctx); err != nil {
		panic(err)
	}
	causes, err := queue.Causes(ctx, later.CauseFilter{Failed: true, Unmuted: true})
	if err != nil {
		panic(err)
	}
	for _, cause := range causes {
		retried, err := queue.RetryAll(ctx, later.Filter{Cause: cause.ID})
		fmt.Println(cause.Title, cause.Failed, retried, err)
	}
	// Output:
	// failed: DeliverJob 1 order 48213 is not paid
	// failed: DeliverJob 1 order 48214 is not paid
	// failed: DeliverJob 1 order 48215 is not paid
	// order … is not paid 3 3 <nil>
}
