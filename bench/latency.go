package main

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	latencyRate = 50 // jobs per second
	latencyWarm = 50 // jobs before those that count
)

// latency is the time from just before a job is enqueued until its handler is
// called, by a process that enqueues and performs, with nothing else to do.
func latency(ctx context.Context, c *cell) error {
	return c.within(ctx, func(s session) error {
		jobs := latencyWarm + int(c.options.Latency.Seconds()*latencyRate)
		if itself, ok := s.(measuresItself); ok {
			taken, err := itself.delays(ctx, jobs, time.Second/latencyRate)
			if err == nil {
				report(c, taken[latencyWarm:])
			}
			return err
		}
		stamps := make([]time.Time, jobs)
		taken := make([]atomic.Int64, jobs)
		var left atomic.Int64
		left.Store(int64(jobs))
		done := make(chan struct{})
		err := s.start(ctx, events{performed: func(n int64) {
			took := time.Since(stamps[n])
			if taken[n].CompareAndSwap(0, int64(took)) && left.Add(-1) == 0 {
				close(done)
			}
		}})
		if err != nil {
			return err
		}
		if err := enqueueSteadily(ctx, s, stamps); err != nil {
			return err
		}
		select {
		case <-done:
		case <-ctx.Done():
			return ctx.Err()
		}
		report(c, loaded(taken[latencyWarm:]))
		c.ended(s.stop(ctx))
		return nil
	})
}

func enqueueSteadily(ctx context.Context, s session, stamps []time.Time) error {
	ticks := time.NewTicker(time.Second / latencyRate)
	defer ticks.Stop()
	for n := range stamps {
		<-ticks.C
		stamps[n] = time.Now()
		if err := s.enqueue(ctx, int64(n)); err != nil {
			return err
		}
	}
	return nil
}

var percentiles = []struct {
	name string
	part float64
}{{"p50", 0.50}, {"p95", 0.95}, {"p99", 0.99}}

func loaded(taken []atomic.Int64) (all durations) {
	for i := range taken {
		all = append(all, time.Duration(taken[i].Load()))
	}
	return all
}

func report(c *cell, all durations) {
	for _, p := range percentiles {
		c.addMillis(p.name, all.percentile(p.part))
	}
}
