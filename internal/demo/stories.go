package demo

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/laterjobs/later"
)

// What docs/demo.md tells people to look at, besides the traffic of the shop.
type (
	orderArgs struct {
		Order int64 `json:"order" validate:"min=1"`
	}
	stockArgs struct {
		Warehouse string `json:"warehouse" validate:"required"`
	}
	countArgs struct{}
)

var (
	order = later.Define[orderArgs]("OrderJob", later.Description("Takes an order through seven steps; the bank does not always answer"),
		later.Queue("orders"), later.Fixed(3*time.Second), later.MaxRetries(5))
	stock = later.Define[stockArgs]("StockJob", later.Description("Counts a warehouse: one waits for each, however often it is asked for"),
		later.Queue("maintenance"), later.UniqueArgs(later.WhileWaiting))
	stubborn = later.Define[reportArgs]("StubbornJob", later.Description("Does not look at its context: cancel it, and see where it hangs"),
		later.Queue("legacy"), later.Timeout(time.Hour))
	count = later.Define[countArgs]("CountJob", later.Description("Does nothing: what --load adds"), later.Queue("load"))
)

// stories are their handlers. The stubborn job gives in when the demo is over.
func stories(over <-chan struct{}) []later.Handler {
	return []later.Handler{
		order.Do(fulfil),
		stock.Do(func(ctx context.Context, args stockArgs) error {
			return work(ctx, 20, 100*time.Millisecond, args.Warehouse)
		}),
		stubborn.Do(func(_ context.Context, _ reportArgs) error {
			select {
			case <-over:
			case <-time.After(10 * time.Minute):
			}
			return nil
		}),
		count.Do(func(context.Context, countArgs) error { return nil }),
	}
}

// fulfil does each step once, however often it is performed.
func fulfil(ctx context.Context, _ orderArgs) error {
	for _, name := range []string{"check", "reserve", "charge", "invoice", "pack", "ship", "thank"} {
		err := later.Do(ctx, name, func(ctx context.Context) error {
			if name == "charge" && rand.IntN(3) == 0 {
				return errors.New("charge: the bank does not answer")
			}
			return work(ctx, 1, 200*time.Millisecond, "")
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// enqueueLoad enqueues as many jobs as are due by now, at so many a second.
func (t *traffic) enqueueLoad(ctx context.Context, now time.Time) error {
	if t.load == 0 {
		return nil
	}
	due := int(now.Sub(t.began).Seconds()*float64(t.load)) - t.loaded
	calls := make([]later.Call, min(max(due, 0), 1000))
	for i := range calls {
		calls[i] = count.With(countArgs{})
	}
	if len(calls) == 0 {
		return nil
	}
	t.loaded += len(calls)
	_, err := t.queue.EnqueueAll(ctx, calls...)
	return err
}
