package later_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type ReindexArgs struct {
	Table string `json:"table"`
}

// While a table waits to be indexed, nobody needs to ask for that a second time. Once
// it is being indexed, a change that comes in between needs another run.
var Reindex = later.Define[ReindexArgs]("ReindexJob",
	later.Unique(func(a ReindexArgs) string { return a.Table }, later.WhileWaiting))

func ExampleUnique() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	ctx := context.Background()

	for _, table := range []string{"orders", "users", "orders"} {
		job, err := Reindex.PerformLater(ctx, queue, ReindexArgs{Table: table})
		fmt.Println(table, job.ID, job.Deduplicated, err)
	}
	// Output:
	// orders 1 false <nil>
	// users 2 false <nil>
	// orders 1 true <nil>
}

func ExampleUniqueKey() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	ctx := context.Background()

	// At most one reminder for an order in a day, whatever has become of it.
	once := later.UniqueKey("order 7", later.For(24*time.Hour), later.Fail)
	_, err = Notify.PerformLater(ctx, queue, Args{Order: 7}, once)
	fmt.Println(err)

	_, err = Notify.PerformLater(ctx, queue, Args{Order: 7}, once)
	var duplicate *later.DuplicateError
	if errors.As(err, &duplicate) {
		fmt.Println("there is job", duplicate.Holder)
	}
	// Output:
	// <nil>
	// there is job 1
}

// Of many changes in a short time only the last is worth a mail: each puts it off, and
// replaces what it says.
func ExampleReplace() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	ctx := context.Background()

	for _, order := range []int64{7, 8, 9} {
		job, err := Notify.PerformIn(ctx, queue, time.Minute, Args{Order: order}, later.UniqueKey("latest order", later.Replace))
		fmt.Println(job.ID, string(job.Args), job.Replaced, err)
	}
	// Output:
	// 1 {"order":7} false <nil>
	// 1 {"order":8} true <nil>
	// 1 {"order":9} true <nil>
}
