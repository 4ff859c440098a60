package engine

import (
	"context"
	"fmt"

	"github.com/laterjobs/later/store"
)

// Drain performs every job that is due, one after the other in the caller's
// goroutine, jobs enqueued meanwhile included, and returns how many it
// performed. It takes the place of Start and Stop: the jobs are promoted,
// claimed, performed and finished by the same code.
func (e *Engine) Drain(ctx context.Context) (performed int, err error) {
	e.prepare(ctx)
	if err := e.join(ctx, dice{}); err != nil {
		e.endLoops()
		return 0, err
	}
	e.loop(constant(e.cfg.Heartbeat), e.beatSoon, e.newHeart().beat)
	defer func() {
		if left := e.leave(); err == nil {
			err = left
		}
	}()
	for ctx.Err() == nil {
		h, err := e.next(ctx)
		if err != nil || h == nil {
			return performed, err
		}
		e.perform(h, func(c concluded) { e.settle([]concluded{c}) })
		performed++
	}
	return performed, context.Cause(ctx)
}

// next promotes what is due and claims one job; nil when nothing is left.
func (e *Engine) next(ctx context.Context) (*held, error) {
	if _, err := e.store.Promote(ctx, maxBatch, e.now()); err != nil {
		return nil, fmt.Errorf("promote due jobs: %w", err)
	}
	demand := store.Demand{
		ProcessID: e.processID.Load(), Token: dice{}.id(),
		Types: e.names, Limit: 1,
	}
	jobs, err := e.store.Claim(ctx, demand, e.now())
	if err == nil && len(jobs) == 0 {
		demand.Suspects = true // alone they are, here
		jobs, err = e.store.Claim(ctx, demand, e.now())
	}
	if err != nil || len(jobs) == 0 {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	h := &held{job: jobs[0], handler: e.handlers[jobs[0].Type], lane: &lane{slots: 1}}
	h.begin(e.base, goroutineID(), e.now)
	e.held[h.claim()] = h
	return h, nil
}
