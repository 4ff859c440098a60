package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// drain performs options.Jobs that are stored already, in processes of their own.
// The clock runs from the word to start until every handler has been called and
// the store holds nothing unfinished. There is a VACUUM ANALYZE before, but no
// checkpoint: the images of whole pages that follow one would hide what a system
// logs for a job.
func drain(processes int) func(context.Context, *cell) error {
	return func(ctx context.Context, c *cell) error {
		return c.within(ctx, func(s session) error {
			filled, err := c.logging(ctx, func() error { return fill(ctx, s, c.options.Jobs, false) })
			if err != nil {
				return err
			}
			if err := c.place.vacuum(ctx); err != nil {
				return err
			}
			before, err := readClocks(c.servers)
			if err != nil {
				return err
			}
			drained, err := c.logging(ctx, func() error { return drainFilled(ctx, c, s, processes) })
			if err != nil || processes > 1 {
				return err
			}
			return c.addCosts(ctx, before, filled, drained)
		})
	}
}

// addCosts tells what draining took besides time.
func (c *cell) addCosts(ctx context.Context, before clocks, filled, drained int64) error {
	after, err := readClocks(c.servers)
	if err != nil {
		return err
	}
	size, err := c.place.size(ctx)
	if err != nil {
		return err
	}
	jobs := float64(c.options.Jobs)
	c.add("processor time, program and server", (after.ours-before.ours)/jobs*1000, "s/1,000 jobs", less)
	if drained > 0 {
		c.add("write-ahead log, insert and drain", float64(filled+drained)/jobs, "bytes/job", less)
		c.add("write-ahead log, drain only", float64(drained)/jobs, "bytes/job", less)
	}
	if size > 0 {
		c.add("on disk afterwards", float64(size)/jobs, "bytes/job", less)
	}
	return nil
}

// logging returns what the write-ahead log grew by meanwhile, in bytes; 0 where
// the place cannot tell.
func (c *cell) logging(ctx context.Context, do func() error) (int64, error) {
	before, err := c.place.logged(ctx)
	if err != nil {
		return 0, err
	}
	if err := do(); err != nil {
		return 0, err
	}
	after, err := c.place.logged(ctx)
	return after - before, err
}

func drainFilled(ctx context.Context, c *cell, s session, processes int) error {
	workers, err := startWorkers(ctx, c, processes)
	if err != nil {
		return err
	}
	began := time.Now()
	err = workers.start()
	if err == nil {
		err = awaitEmpty(ctx, c, s, workers)
	}
	took := time.Since(began)
	peak, stopErr := workers.stop()
	if err != nil {
		return errors.Join(err, stopErr)
	}
	c.add("", float64(c.options.Jobs)/took.Seconds(), "jobs/s", more)
	if stopErr == nil {
		c.add("peak memory of a process", float64(peak)/(1<<20), "MiB", less)
	}
	c.ended(stopErr)
	return nil
}

// awaitEmpty asks the store only when the handlers have been called: asking all
// the time would be part of the work.
func awaitEmpty(ctx context.Context, c *cell, s session, workers workers) error {
	if err := awaitPerformed(ctx, c, workers); err != nil {
		return err
	}
	for {
		some, err := s.unfinished(ctx)
		if err != nil || !some {
			return err
		}
		time.Sleep(time.Millisecond)
	}
}

func awaitPerformed(ctx context.Context, c *cell, workers workers) error {
	for workers.performed() < int64(c.options.Jobs) {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d jobs performed: %w", workers.performed(), c.options.Jobs, ctx.Err())
		case err := <-workers.broken():
			return errors.Join(errors.New("a worker ended before the jobs did"), err)
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}
