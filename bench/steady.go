package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

const (
	steadyBatch = 10 // jobs a call
	steadyEvery = 10 * time.Millisecond
)

// steady is a day's work: 1,000 jobs a second, enqueued and performed by one process,
// for as long as latency is measured. What it costs is more telling than how soon the
// jobs start.
func steady(ctx context.Context, c *cell) error {
	return c.within(ctx, func(s session) error {
		calls := int(c.options.Latency / steadyEvery)
		stamps := make([]time.Time, calls)
		taken := make([]atomic.Int64, calls*steadyBatch)
		var left atomic.Int64
		left.Store(int64(len(taken)))
		done := make(chan struct{})
		err := s.start(ctx, events{performed: func(n int64) {
			took := max(1, time.Since(stamps[n/steadyBatch]))
			if taken[n].CompareAndSwap(0, int64(took)) && left.Add(-1) == 0 {
				close(done)
			}
		}})
		if err != nil {
			return err
		}
		before, err := readClocks(c.servers)
		if err != nil {
			return err
		}
		late, err := enqueueBatches(ctx, s, stamps)
		if err != nil {
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
		after, err := readClocks(c.servers)
		if err != nil {
			return errors.Join(err, s.stop(ctx))
		}
		report(c, loaded(taken))
		c.addMillis("enqueuer late, at most", late)
		c.add("processor time, program and server", (after.ours-before.ours)/float64(len(taken))*1000, "s/1,000 jobs", less)
		c.ended(s.stop(ctx))
		return nil
	})
}

// enqueueBatches keeps to a timetable, and returns by how much it was behind at worst.
func enqueueBatches(ctx context.Context, s session, stamps []time.Time) (late time.Duration, err error) {
	began := time.Now()
	ns := make([]int64, steadyBatch)
	for call := range stamps {
		due := began.Add(time.Duration(call) * steadyEvery)
		time.Sleep(time.Until(due))
		late = max(late, time.Since(due))
		for i := range ns {
			ns[i] = int64(call*steadyBatch + i)
		}
		stamps[call] = time.Now()
		if err := s.enqueueMany(ctx, ns, false); err != nil {
			return late, err
		}
	}
	return late, nil
}
