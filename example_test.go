package later_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type Args struct {
	Order int64 `json:"order" validate:"required"`
}

var ErrUnknownCustomer = errors.New("unknown customer")

var Notify = later.Define[Args]("NotifyJob",
	later.Description("Tells a customer what happened to an order"),
	later.Queue("mailers"),
	later.Priority(10),
	later.MaxRetries(5),
	later.Exponential(time.Second, time.Hour),
	later.DiscardOn(ErrUnknownCustomer),
	later.Timeout(30*time.Second))

func ExampleDefine() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(Notify.Do(func(context.Context, Args) error {
		return fmt.Errorf("look up the customer: %w", ErrUnknownCustomer)
	}))
	ctx := context.Background()
	if err := queue.Start(ctx); err != nil {
		panic(err)
	}
	defer queue.Stop(ctx)

	jobs, err := queue.EnqueueAll(ctx, Notify.With(Args{Order: 7}), Notify.With(Args{Order: 8}))
	if err != nil {
		panic(err)
	}
	for _, job := range jobs {
		job, err = queue.Wait(ctx, job.ID)
		fmt.Println(job.Queue, job.Status, job.Error, err)
	}
	// Output:
	// mailers failed look up the customer: unknown customer <nil>
	// mailers failed look up the customer: unknown customer <nil>
}

func ExampleSchema() {
	schema, err := later.Schema(Notify)
	fmt.Println(string(schema), err)
	// Output:
	// {"type":"object","properties":{"order":{"type":"integer"}},"$schema":"https://json-schema.org/draft/2020-12/schema","required":["order"]} <nil>
}

type Pages struct {
	Book int64 `json:"book"`
}

var Scan = later.Define[Pages]("ScanJob")

// A long job saves how far it is and gives itself back as soon as its process begins
// to stop; the next process goes on.
func ExampleRunningJob_Stopping() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	pages := make(chan int) // of the scanner
	queue := later.New(store, later.Config{})
	queue.Register(Scan.Do(func(ctx context.Context, args Pages) error {
		fmt.Println("attempt", later.Running(ctx).Attempt)
		for {
			select {
			case page, more := <-pages:
				if !more {
					return nil
				}
				fmt.Println("saved page", page)
			case <-later.Running(ctx).Stopping():
				return later.ErrStopping
			}
		}
	}))
	ctx := context.Background()
	job, err := Scan.PerformLater(ctx, queue, Pages{Book: 7})
	if err != nil {
		panic(err)
	}
	for page := range 2 {
		if err := queue.Start(ctx); err != nil {
			panic(err)
		}
		pages <- page
		if page == 1 {
			close(pages)
			job, err = queue.Wait(ctx, job.ID)
		}
		if _, err := queue.Stop(ctx); err != nil {
			panic(err)
		}
	}
	fmt.Println(job.Status, err)
	// Output:
	// attempt 1
	// saved page 0
	// attempt 1
	// saved page 1
	// completed <nil>
}
