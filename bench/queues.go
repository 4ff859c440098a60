package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// hasQueues is what a session also is that can put jobs in queues, and hold them back.
type hasQueues interface {
	enqueueIn(ctx context.Context, queue string, ns []int64) error
	enqueueAt(ctx context.Context, at time.Time, ns []int64) error
}

const (
	allQueues = 2000
	hotQueues = 50
)

// manyQueues: each of 2,000 queues has had a job, and 50 of them hold all that is to be
// done. One process serves all.
func manyQueues(ctx context.Context, c *cell) error {
	return c.within(ctx, func(s session) error {
		in, ok := s.(hasQueues)
		if !ok {
			return errSkip
		}
		for queue := range allQueues {
			if err := in.enqueueIn(ctx, queueName(queue), numbers(1)); err != nil {
				return err
			}
		}
		rest := c.options.Jobs - allQueues
		for call := 0; rest > 0; call++ {
			count := min(perCall, rest)
			if err := in.enqueueIn(ctx, queueName(call%hotQueues*(allQueues/hotQueues)), numbers(count)); err != nil {
				return err
			}
			rest -= count
		}
		if err := c.place.vacuum(ctx); err != nil {
			return err
		}
		return drainFilled(ctx, c, s, 1)
	})
}

func queueName(n int) string { return fmt.Sprintf("queue-%d", n) }

// besideScheduled: options.Scheduled jobs wait for next year while others are drained,
// which should be none the slower.
func besideScheduled(ctx context.Context, c *cell) error {
	return c.within(ctx, func(s session) error {
		in, ok := s.(hasQueues)
		if !ok {
			return errSkip
		}
		nextYear := time.Now().AddDate(1, 0, 0)
		for left := c.options.Scheduled; left > 0; left -= perCall {
			if err := in.enqueueAt(ctx, nextYear, numbers(min(left, perCall))); err != nil {
				return err
			}
		}
		if err := fill(ctx, s, c.options.Jobs, false); err != nil {
			return err
		}
		if err := c.place.vacuum(ctx); err != nil {
			return err
		}
		workers, err := startWorkers(ctx, c, 1)
		if err != nil {
			return err
		}
		began := time.Now()
		if err = workers.start(); err == nil {
			err = awaitPerformed(ctx, c, workers)
		}
		took := time.Since(began)
		_, stopErr := workers.stop()
		if err != nil {
			return errors.Join(err, stopErr)
		}
		c.add("", float64(c.options.Jobs)/took.Seconds(), "jobs/s", more)
		c.ended(stopErr)
		return nil
	})
}
