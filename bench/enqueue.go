package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// anyNumber is the argument of jobs whose argument does not matter.
const anyNumber = 123

const perCall = 1000

// enqueueOneByOne stores a job a call for a while.
func enqueueOneByOne(callers int) func(context.Context, *cell) error {
	return func(ctx context.Context, c *cell) error {
		return c.within(ctx, func(s session) error {
			if err := s.enqueue(ctx, anyNumber); err != nil { // connects
				return err
			}
			began := time.Now()
			stored, err := storeFor(ctx, s, callers, c.options.OneByOne)
			c.add("", float64(stored)/time.Since(began).Seconds(), "jobs/s", more)
			return err
		})
	}
}

func storeFor(ctx context.Context, s session, callers int, span time.Duration) (int64, error) {
	if itself, ok := s.(measuresItself); ok {
		return itself.storeFor(ctx, callers, span)
	}
	end := time.Now().Add(span)
	var stored atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for time.Now().Before(end) && failed.Load() == nil {
				if err := s.enqueue(ctx, anyNumber); err != nil {
					failed.Store(&err)
					return
				}
				stored.Add(1)
			}
		})
	}
	all.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return stored.Load(), nil
}

// enqueueBulk stores options.Jobs with perCall a call, from one caller.
func enqueueBulk(ids bool) func(context.Context, *cell) error {
	return func(ctx context.Context, c *cell) error {
		return c.within(ctx, func(s session) error {
			if err := s.enqueueMany(ctx, numbers(perCall), ids); err != nil { // connects
				return err
			}
			began := time.Now()
			err := fill(ctx, s, c.options.Jobs, ids)
			c.add("", float64(c.options.Jobs)/time.Since(began).Seconds(), "jobs/s", more)
			return err
		})
	}
}

func fill(ctx context.Context, s session, jobs int, ids bool) error {
	for left := jobs; left > 0; left -= perCall {
		if err := s.enqueueMany(ctx, numbers(min(left, perCall)), ids); err != nil {
			return err
		}
	}
	return nil
}

func numbers(count int) []int64 {
	ns := make([]int64, count)
	for i := range ns {
		ns[i] = anyNumber
	}
	return ns
}
