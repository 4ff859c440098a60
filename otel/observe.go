package otel

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// Observe makes metrics of what a JobQueue does while it works, and of its queues, until
// stop is called. The queues are counted when metrics are collected, by
// JobQueue.RecentStats, which bounds what that costs; every process reports the queues of
// the whole store, so that a maximum over the processes is to be taken and not a sum.
func Observe(queue *later.JobQueue, opts ...Option) (stop func(), err error) {
	c := configOf(opts)
	o := &observer{queue: queue}
	if err := o.makeInstruments(c.meter); err != nil {
		return nil, err
	}
	registration, err := c.meter.RegisterCallback(o.collect, o.depth, o.latency, o.slotsUsed, o.slotsMax)
	if err != nil {
		return nil, err
	}
	stopObserving := queue.Observe(later.Observer{Claimed: o.claimed, Stored: o.stored, Recovered: o.recovered})
	return func() {
		stopObserving()
		_ = registration.Unregister() // it fails only if it was never registered
	}, nil
}

type observer struct {
	queue *later.JobQueue

	outcomes, superseded, recoveries metric.Int64Counter
	wait, run                        metric.Float64Histogram
	claimSize, storeSize             metric.Int64Histogram
	claimTime, storeTime             metric.Float64Histogram
	depth, slotsUsed, slotsMax       metric.Int64ObservableGauge
	latency                          metric.Float64ObservableGauge
}

var (
	durations = metric.WithExplicitBucketBoundaries(.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
	sizes     = metric.WithExplicitBucketBoundaries(0, 1, 2, 5, 10, 25, 50, 100, 250, 500, 1000)
)

func (o *observer) makeInstruments(m metric.Meter) error {
	var errs []error
	counter := func(into *metric.Int64Counter, name, unit, text string) {
		made, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(text))
		*into, errs = made, append(errs, err)
	}
	seconds := func(into *metric.Float64Histogram, name, text string) {
		made, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(text), durations)
		*into, errs = made, append(errs, err)
	}
	size := func(into *metric.Int64Histogram, name, text string) {
		made, err := m.Int64Histogram(name, metric.WithUnit("{job}"), metric.WithDescription(text), sizes)
		*into, errs = made, append(errs, err)
	}
	gauge := func(into *metric.Int64ObservableGauge, name, unit, text string) {
		made, err := m.Int64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(text))
		*into, errs = made, append(errs, err)
	}
	counter(&o.outcomes, "later.jobs.outcomes", "{attempt}", "Attempts that have ended, by what they led to")
	counter(&o.superseded, "later.jobs.superseded", "{attempt}", "Outcomes that came too late: the job had been taken from the process")
	counter(&o.recoveries, "later.jobs.recovered", "{job}", "Jobs that this process took back from processes that died")
	seconds(&o.wait, "later.job.wait.duration", "From when a job could start to its first attempt")
	seconds(&o.run, "later.job.run.duration", "Length of attempts")
	size(&o.claimSize, "later.claim.size", "Jobs that one claim brought")
	seconds(&o.claimTime, "later.claim.duration", "Length of claims")
	size(&o.storeSize, "later.completion.size", "Outcomes that were stored together")
	seconds(&o.storeTime, "later.completion.duration", "How long it took to store outcomes together, outages included")
	gauge(&o.depth, "later.queue.depth", "{job}", "Jobs of a queue, counted to 10,000")
	gauge(&o.slotsUsed, "later.slots.used", "{slot}", "Slots in use in this process")
	gauge(&o.slotsMax, "later.slots.max", "{slot}", "Slots of this process")
	var err error
	o.latency, err = m.Float64ObservableGauge("later.queue.latency", metric.WithUnit("s"),
		metric.WithDescription("Age of the pending job of a queue that was queued first"))
	return errors.Join(append(errs, err)...)
}

func (o *observer) claimed(jobs int, took time.Duration) {
	ctx := context.Background()
	o.claimSize.Record(ctx, int64(jobs))
	o.claimTime.Record(ctx, took.Seconds())
}

func (o *observer) stored(outcomes []later.StoredOutcome, took time.Duration) {
	ctx := context.Background()
	o.storeSize.Record(ctx, int64(len(outcomes)))
	o.storeTime.Record(ctx, took.Seconds())
	for i := range outcomes {
		o.one(ctx, &outcomes[i])
	}
}

func (o *observer) one(ctx context.Context, outcome *later.StoredOutcome) {
	job := outcome.Job
	of := metric.WithAttributes(queueKey.String(job.Queue), typeKey.String(job.Type))
	switch {
	case outcome.Lost:
		return // the job runs again
	case outcome.Superseded:
		o.superseded.Add(ctx, 1, of)
		return
	case outcome.StartedAt.IsZero():
		return // given back without an attempt
	}
	ended := metric.WithAttributes(queueKey.String(job.Queue), typeKey.String(job.Type), outcomeKey.String(outcome.Outcome))
	o.outcomes.Add(ctx, 1, ended)
	o.run.Record(ctx, outcome.FinishedAt.Sub(outcome.StartedAt).Seconds(), ended)
	if job.Attempt == 1 && job.Crashes == 0 {
		could := job.QueuedAt
		if job.ScheduledAt.After(could) {
			could = job.ScheduledAt
		}
		o.wait.Record(ctx, max(0, outcome.StartedAt.Sub(could).Seconds()), of)
	}
}

func (o *observer) recovered(jobs []store.Recovered) {
	for _, job := range jobs {
		o.recoveries.Add(context.Background(), 1, metric.WithAttributes(typeKey.String(job.Type)))
	}
}

func (o *observer) collect(ctx context.Context, to metric.Observer) error {
	for _, slots := range o.queue.Status().Queues {
		of := metric.WithAttributes(queueKey.String(slots.Queue))
		to.ObserveInt64(o.slotsUsed, int64(slots.Used), of)
		to.ObserveInt64(o.slotsMax, int64(slots.Max), of)
	}
	stats, at, err := o.queue.RecentStats(ctx)
	if err != nil {
		return err
	}
	for _, queue := range stats.Queues {
		for status, n := range map[string]int64{"pending": queue.Pending, "running": queue.Running, "scheduled": queue.Scheduled} {
			to.ObserveInt64(o.depth, n, metric.WithAttributes(queueKey.String(queue.Name), statusKey.String(status)))
		}
		oldest := 0.0
		if queue.Pending > 0 && !queue.Oldest.IsZero() {
			oldest = max(0, at.Sub(queue.Oldest).Seconds())
		}
		to.ObserveFloat64(o.latency, oldest, metric.WithAttributes(queueKey.String(queue.Name)))
	}
	return nil
}
