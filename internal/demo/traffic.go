package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/laterjobs/later"
)

// What a small shop does all day: enough to see every page of the dashboard at work.
type (
	webhookArgs struct {
		URL   string `json:"url" validate:"required,url"`
		Event string `json:"event" validate:"oneof=order.paid order.refunded user.created"`
		Order int64  `json:"order" validate:"min=1"`
	}
	thumbnailArgs struct {
		Image string `json:"image" validate:"required"`
		Width int    `json:"width" validate:"min=16,max=4096"`
	}
	invoiceArgs struct {
		Order int64  `json:"order" validate:"min=1"`
		Token string `json:"token" later:"redact"`
	}
	reportArgs struct {
		Month string `json:"month" validate:"required"`
	}
)

var (
	webhook = later.Define[webhookArgs]("WebhookJob", later.Description("Tells a customer's server what has happened"),
		later.Queue("webhooks"), later.MaxRetries(6), later.Exponential(2*time.Second, time.Minute), later.Timeout(10*time.Second))
	thumbnail = later.Define[thumbnailArgs]("ThumbnailJob", later.Description("Makes a small picture of a large one"), later.Queue("media"))
	invoice   = later.Define[invoiceArgs]("InvoiceJob", later.Description("Prints an invoice; one order has no lines, and never will"),
		later.MaxRetries(2), later.Linear(3*time.Second, 10*time.Second))
	report = later.Define[reportArgs]("ReportJob", later.Description("Adds up a month"), later.Queue("reports"), later.Priority(-5))
	export = later.Define[reportArgs]("ExportJob", later.Description("Its queue is served by nobody"), later.Queue("archive"))
)

// queues are those that the demo serves: all but archive.
var queues = map[string]int{
	"default": 3, "mailers": 2, "webhooks": 3, "media": 2, "reports": 1, "batches": 2, "maintenance": 1, "files": 2,
	"orders": 2, "legacy": 1, "load": 10,
}

var errNoLines = errors.New("invoice: the order has no lines")

// traffic enqueues, all the while somebody watches.
type traffic struct {
	queue *later.JobQueue
	rand  *rand.Rand
	order int64
	next  time.Time

	load   int // further jobs a second
	loaded int // of them so far
	began  time.Time
	over   chan struct{} // closed at the end
}

func newTraffic(queue *later.JobQueue, load int) *traffic {
	over := make(chan struct{})
	queue.Register(stories(over)...)
	queue.Register(
		webhook.Do(deliver), thumbnail.Do(shrink), invoice.Do(printInvoice),
		report.Do(func(ctx context.Context, args reportArgs) error {
			return work(ctx, 40, 100*time.Millisecond, args.Month)
		}),
	)
	return &traffic{queue: queue, rand: rand.New(rand.NewPCG(1, 2)), order: 48_000, load: load, began: time.Now(), over: over}
}

// deliver fails about one time in three, as a busy server of somebody else's does.
func deliver(ctx context.Context, args webhookArgs) error {
	log := later.Running(ctx).Logger
	log.InfoContext(ctx, "POST "+args.URL, "event", args.Event)
	if err := work(ctx, 1, time.Duration(50+rand.IntN(400))*time.Millisecond, ""); err != nil {
		return err
	}
	if rand.IntN(3) == 0 {
		log.WarnContext(ctx, "no answer", "status", 503)
		return fmt.Errorf("post %s: 503 Service Unavailable", args.URL)
	}
	return nil
}

func shrink(ctx context.Context, args thumbnailArgs) error {
	return work(ctx, 8, time.Duration(20+rand.IntN(60))*time.Millisecond, args.Image)
}

func printInvoice(ctx context.Context, args invoiceArgs) error {
	if err := work(ctx, 1, 80*time.Millisecond, ""); err != nil {
		return err
	}
	if args.Order%100 == 13 {
		later.Running(ctx).Logger.ErrorContext(ctx, "nothing to print", "order", args.Order)
		return errNoLines
	}
	return nil
}

// work takes its time, and says how far it is.
func work(ctx context.Context, steps int, each time.Duration, what string) error {
	for i := range steps {
		select {
		case <-time.After(each):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if steps > 1 {
			later.Running(ctx).Progress(int64(i+1), int64(steps), what)
		}
	}
	return nil
}

// schedule defines what recurs.
func (t *traffic) schedule() error {
	return errors.Join(
		t.queue.Schedule("sync-orders", later.Every("1m"), webhook.With(webhookArgs{"https://erp.example/orders", "order.paid", 1})),
		t.queue.Schedule("monthly-report", later.Cron("0 6 1 * *", "Europe/Berlin"), report.With(reportArgs{"last month"})),
		t.queue.Schedule("weekday-report", later.Cron("0 9 * * MON-FRI", "Europe/Berlin"), report.With(reportArgs{"this month"})),
	)
}

// first is what is there when somebody opens the dashboard: also a job that always
// fails, and one that waits for a process that nobody has started.
func (t *traffic) first(ctx context.Context) error {
	calls := []later.Call{
		invoice.With(invoiceArgs{48_013, "t-48013"}, later.User("ada"), later.Target("order/48013")),
		export.With(reportArgs{"2026-10"}),
		report.With(reportArgs{"2026-10"}),
		webhook.With(webhookArgs{"https://shop.example/hooks", "user.created", 7}, later.In(30*time.Minute)),
		order.With(orderArgs{48_001}, later.Target("order/48001")),
		stubborn.With(reportArgs{"2019-01"}),
	}
	for range 12 {
		calls = append(calls, t.one())
	}
	_, err := t.queue.EnqueueAll(ctx, calls...)
	return err
}

// one is a job such as comes by.
func (t *traffic) one() later.Call {
	t.order++
	users := []string{"ada", "grace", "alan", "edsger"}
	about := []later.CallOption{later.User(users[t.rand.IntN(len(users))]), later.Target(fmt.Sprintf("order/%d", t.order))}
	if t.rand.IntN(6) == 0 {
		about = append(about, later.Tags("vip"))
	}
	switch n := t.rand.IntN(12); {
	case n == 11:
		return stock.With(stockArgs{[]string{"north", "south"}[t.rand.IntN(2)]})
	case n == 10:
		return order.With(orderArgs{t.order}, about...)
	case n < 4:
		events := []string{"order.paid", "order.refunded", "user.created"}
		return webhook.With(webhookArgs{"https://shop.example/hooks", events[t.rand.IntN(3)], t.order}, about...)
	case n < 7:
		return thumbnail.With(thumbnailArgs{fmt.Sprintf("product-%d.jpg", t.order), 320}, about...)
	}
	return invoice.With(invoiceArgs{t.order, fmt.Sprintf("t-%d", t.order)}, about...)
}

// flow enqueues what is due by now: two jobs a second or so.
func (t *traffic) flow(ctx context.Context, now time.Time) error {
	if err := t.enqueueLoad(ctx, now); err != nil {
		return err
	}
	if now.Before(t.next) {
		return nil
	}
	t.next = now.Add(time.Duration(200+t.rand.IntN(600)) * time.Millisecond)
	_, err := t.queue.EnqueueAll(ctx, t.one())
	return err
}
