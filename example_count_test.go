package later_test

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// A filter is counted in one number, or in groups, without reading the jobs.
func ExampleJobQueue_Count() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	ctx := context.Background()
	type order struct {
		Country string `json:"country"`
	}
	invoice := later.Define[order]("InvoiceJob")
	_, err = queue.EnqueueAll(ctx,
		invoice.With(order{"de"}, later.User("ada")), invoice.With(order{"de"}, later.User("bob"), later.In(time.Hour)),
		invoice.With(order{"fr"}, later.User("ada")))
	if err != nil {
		panic(err)
	}

	german, err := later.ParseFilter("type:InvoiceJob args.country:de", time.Now())
	if err != nil {
		panic(err)
	}
	counted, err := queue.Count(ctx, german, later.CountByUser, later.CountByStatus)
	if err != nil {
		panic(err)
	}
	fmt.Println(counted.Jobs, "jobs")
	for _, group := range counted.Groups {
		fmt.Println(group.Values, group.Jobs)
	}
	// Output:
	// 2 jobs
	// [ada pending] 1
	// [bob scheduled] 1
}

// How fast queues fill and empty.
func ExampleJobQueue_Arrivals() {
	db, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer db.Close()
	queue := later.New(db, later.Config{})
	ctx := context.Background()
	welcome := later.Define[struct{}]("WelcomeEmailJob", later.Queue("mailers"))
	for range 10 {
		if _, err := welcome.PerformLater(ctx, queue, struct{}{}); err != nil {
			panic(err)
		}
	}

	arrivals, err := queue.Arrivals(ctx)
	if err != nil {
		panic(err)
	}
	now := time.Now()
	rollups, err := queue.Rollups(ctx, later.RollupFilter{From: now.Add(-10 * time.Minute), Until: now})
	if err != nil {
		panic(err)
	}
	flow := store.Flows(arrivals, rollups, now)["mailers"]
	fmt.Println(flow.In, "a minute come in,", flow.Out, "are through")
	// Output: 2 a minute come in, 0 are through
}
