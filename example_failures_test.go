package later_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

var (
	ErrRateLimit   = errors.New("rate limit")
	ErrAccountGone = errors.New("account is gone")
)

var Deliver = later.Define[Args]("DeliverJob",
	later.RetryFor(24*time.Hour),
	later.RetryOn(ErrRateLimit, later.MaxRetries(20), later.Fixed(time.Minute)),
	later.RetryOn((*net.OpError)(nil), later.MaxRetries(5), later.Exponential(time.Second, time.Minute)),
	later.DiscardOn(ErrAccountGone),
	later.StartWithin(48*time.Hour),
	later.OnExhausted(func(ctx context.Context, job later.Job, err error) {
		fmt.Println("given up:", err)
	}),
	later.AfterDiscard(func(ctx context.Context, job later.Job, err error) {
		fmt.Println("failed:", job.Type, job.Attempt, err)
	}))

func ExampleAfterDiscard() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(Deliver.Do(func(context.Context, Args) error { return ErrAccountGone }))
	ctx := context.Background()
	if _, err := Deliver.PerformLater(ctx, queue, Args{Order: 7}); err != nil {
		panic(err)
	}
	if _, err := queue.Drain(ctx); err != nil {
		panic(err)
	}
	// Output:
	// failed: DeliverJob 1 account is gone
}

type tenantOf struct{}

var CarryTenant = later.Carry[string]("tenant", tenantOf{})

// The tenant of whoever enqueues a job is that of its handler.
func ExampleCarry() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{Middleware: []later.Middleware{CarryTenant}})
	queue.Register(Notify.Do(func(ctx context.Context, args Args) error {
		fmt.Println("order", args.Order, "of", ctx.Value(tenantOf{}))
		return nil
	}))
	ctx := context.WithValue(context.Background(), tenantOf{}, "acme")
	if _, err := Notify.PerformLater(ctx, queue, Args{Order: 7}); err != nil {
		panic(err)
	}
	if _, err := queue.Drain(context.Background()); err != nil {
		panic(err)
	}
	// Output:
	// order 7 of acme
}

func ExampleJobQueue_Subscribe() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(Notify.Do(func(context.Context, Args) error { return nil }))

	ctx, cancel := context.WithCancel(context.Background())
	events := queue.Subscribe(ctx, later.EventStarted, later.EventCompleted)
	if _, err := Notify.PerformLater(ctx, queue, Args{Order: 7}); err != nil {
		panic(err)
	}
	if _, err := queue.Drain(ctx); err != nil {
		panic(err)
	}
	cancel()
	for event := range events {
		fmt.Println(event.Kind, event.Job.Type, event.Job.ID)
	}
	// Output:
	// started NotifyJob 1
	// completed NotifyJob 1
}
