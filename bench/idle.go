package main

import (
	"context"
	"errors"
	"time"
)

// idleSettle is how long a process may take to become quiet.
const idleSettle = 3 * time.Second

// idle is what a process that has nothing to do costs, its server included.
func idle(ctx context.Context, c *cell) error {
	all, err := startWorkers(ctx, c, 1)
	if err != nil {
		return err
	}
	cores, err := idleCores(ctx, c, all)
	_, stopErr := all.stop()
	if err != nil {
		return errors.Join(err, stopErr)
	}
	c.add("", cores*100, "% of a core", less)
	c.ended(stopErr)
	return nil
}

func idleCores(ctx context.Context, c *cell, all workers) (float64, error) {
	if err := all.start(); err != nil {
		return 0, err
	}
	if err := waitFor(ctx, idleSettle); err != nil {
		return 0, err
	}
	watched := servers{all[0].cmd.Process.Pid}
	watched = append(watched, c.servers...)
	before := watched.time()
	if err := waitFor(ctx, c.options.Latency); err != nil {
		return 0, err
	}
	return (watched.time() - before) / c.options.Latency.Seconds(), nil
}

// time is the processor time of all of them, in seconds.
func (s servers) time() (sum float64) {
	for _, server := range s {
		if server != 0 {
			sum += serverTime(server)
		}
	}
	return sum
}

func waitFor(ctx context.Context, span time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(span):
		return nil
	}
}
