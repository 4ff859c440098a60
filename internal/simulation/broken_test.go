package simulation

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// broken is a store with one verb replaced; nil functions change nothing.
type broken struct {
	store.Store
	enqueue func(store.Store, context.Context, []store.NewJob, time.Time) ([]store.Enqueued, error)
	claim   func(store.Store, context.Context, store.Demand, time.Time) ([]store.Job, error)
	finish  func(store.Store, context.Context, []store.Outcome, time.Time) ([]store.Verdict, error)
	beat    func(store.Store, context.Context, store.Heartbeat, time.Time) (store.Beaten, error)
	leave   func(store.Store, context.Context, int64, time.Time) error
	recover func(store.Store, context.Context, []store.Silent, time.Time) ([]store.Recovered, error)
	promote func(store.Store, context.Context, int, time.Time) (store.Promoted, error)
	pause   func(store.Store, context.Context, string, string, time.Time) error
	stats   func(store.Store, context.Context) (store.Stats, error)
	save    func(store.Store, context.Context, int64, int64, []store.Step, time.Time) error
	steps   func(store.Store, context.Context, int64) ([]store.Step, error)
	tick    func(store.Store, context.Context, []store.Tick, time.Time) ([]store.Ticked, error)
}

func (b *broken) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if b.enqueue != nil {
		return b.enqueue(b.Store, ctx, jobs, now)
	}
	return b.Store.Enqueue(ctx, jobs, now)
}

func (b *broken) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	if b.claim != nil {
		return b.claim(b.Store, ctx, d, now)
	}
	return b.Store.Claim(ctx, d, now)
}

func (b *broken) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if b.finish != nil {
		return b.finish(b.Store, ctx, outcomes, now)
	}
	return b.Store.Finish(ctx, outcomes, now)
}

func (b *broken) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	if b.beat != nil {
		return b.beat(b.Store, ctx, h, now)
	}
	return b.Store.Beat(ctx, h, now)
}

func (b *broken) Leave(ctx context.Context, id int64, now time.Time) error {
	if b.leave != nil {
		return b.leave(b.Store, ctx, id, now)
	}
	return b.Store.Leave(ctx, id, now)
}

func (b *broken) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	if b.recover != nil {
		return b.recover(b.Store, ctx, silent, now)
	}
	return b.Store.Recover(ctx, silent, now)
}

func (b *broken) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	if b.promote != nil {
		return b.promote(b.Store, ctx, limit, now)
	}
	return b.Store.Promote(ctx, limit, now)
}

func (b *broken) Pause(ctx context.Context, queue, reason string, now time.Time, by *store.AuditEntry) error {
	if b.pause != nil {
		return b.pause(b.Store, ctx, queue, reason, now)
	}
	return b.Store.Pause(ctx, queue, reason, now, by)
}

func (b *broken) Stats(ctx context.Context) (store.Stats, error) {
	if b.stats != nil {
		return b.stats(b.Store, ctx)
	}
	return b.Store.Stats(ctx)
}

func (b *broken) SaveSteps(ctx context.Context, id, token int64, steps []store.Step, now time.Time) error {
	if b.save != nil {
		return b.save(b.Store, ctx, id, token, steps, now)
	}
	return b.Store.SaveSteps(ctx, id, token, steps, now)
}

func (b *broken) Steps(ctx context.Context, id int64) ([]store.Step, error) {
	if b.steps != nil {
		return b.steps(b.Store, ctx, id)
	}
	return b.Store.Steps(ctx, id)
}

func (b *broken) Tick(ctx context.Context, ticks []store.Tick, now time.Time, by *store.AuditEntry) ([]store.Ticked, error) {
	if b.tick != nil {
		return b.tick(b.Store, ctx, ticks, now)
	}
	return b.Store.Tick(ctx, ticks, now, by)
}

// with is a Break of one verb.
func with(b broken) Break {
	return Break{Store: func(s store.Store) store.Store {
		b := b
		b.Store = s
		return &b
	}}
}
