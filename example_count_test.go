package later_test

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
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
