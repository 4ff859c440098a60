//go:build linux

package main

import (
	"context"
	"math/rand/v2"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// observed is the store of a worker: it writes down what passes, has a clock that
// can be set, and offers some outcomes twice.
type observed struct {
	store.Store
	log    func(history.Event)
	offset atomic.Int64 // nanoseconds
}

// Now makes observed a store.Clock, like a store whose clock is wrong.
func (o *observed) Now() time.Time {
	return engine.Now(o.Store).Add(time.Duration(o.offset.Load()))
}

// followClock sets the clock by a file, which holds nanoseconds, until ctx ends.
func (o *observed) followClock(ctx context.Context, path string) {
	follow(ctx, path, func(text []byte) error {
		offset, err := strconv.ParseInt(string(text), 10, 64)
		if err == nil && o.offset.Swap(offset) != offset {
			o.log(history.Event{Kind: history.Clock, Code: offset})
		}
		return err
	})
}

func (o *observed) Join(ctx context.Context, p store.Process, now time.Time) error {
	sent := monotonic()
	o.log(history.Event{Kind: history.Joined, Process: p.ID, Sent: sent})
	return o.Store.Join(ctx, p, now)
}

func (o *observed) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	sent := monotonic()
	beaten, err := o.Store.Beat(ctx, h, now)
	if err == nil {
		o.log(history.Event{Kind: history.Beat, Process: h.ProcessID, Sent: sent})
	}
	return beaten, err
}

// againOneIn is how many batches of outcomes there are for each that is offered
// twice.
const againOneIn = 20

func (o *observed) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	verdicts, err := o.Store.Finish(ctx, outcomes, now)
	if err != nil {
		return verdicts, err
	}
	o.verdicts(history.Finish, outcomes, verdicts)
	if rand.IntN(againOneIn) == 0 {
		if again, err := o.Store.Finish(ctx, outcomes, now); err == nil {
			o.verdicts(history.Again, outcomes, again)
		}
	}
	return verdicts, err
}

func (o *observed) verdicts(kind history.Kind, outcomes []store.Outcome, verdicts []store.Verdict) {
	e := history.Event{Kind: kind}
	for i, verdict := range verdicts {
		e.Jobs = append(e.Jobs, outcomes[i].JobID)
		e.Tokens = append(e.Tokens, outcomes[i].Token)
		e.Codes = append(e.Codes, int64(verdict))
	}
	o.log(e)
}

// ofObserved is a transaction of the store beneath that says it is of this one.
type ofObserved struct {
	store.Tx
	of store.Store
}

func (t ofObserved) Of() store.Store { return t.of }
