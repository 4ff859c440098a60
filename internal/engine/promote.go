package engine

import (
	"context"
	"time"
)

// promoter makes jobs ready when their time comes. It sleeps until the next
// one is due, and looks again when something new may wait.
type promoter struct {
	*Engine
	lookedAt time.Time
	dice     dice
	trouble  trouble
}

func (e *Engine) newPromoter() *promoter {
	d := e.newDice()
	return &promoter{Engine: e, dice: d, trouble: trouble{dice: d}}
}

// promotePause is the least time between two looks, however much is enqueued.
const promotePause = 20 * time.Millisecond

func (p *promoter) promote(ctx context.Context) time.Duration {
	if early := promotePause - time.Since(p.lookedAt); early > 0 {
		return early
	}
	for {
		p.lookedAt = time.Now()
		promoted, err := p.store.Promote(ctx, maxBatch, p.now())
		switch {
		case ctx.Err() != nil:
			return 0
		case err != nil:
			return p.trouble.met(p.log, "promote due jobs", err)
		case promoted.Count > 0:
			p.wake()
		}
		p.trouble.over(p.log, "promote due jobs")
		if promoted.Count < maxBatch {
			return p.until(promoted.Next)
		}
	}
}

// until is how long to wait for next; at most a poll interval, in case a wake
// is lost or the clock jumps.
func (p *promoter) until(next time.Time) time.Duration {
	poll := p.dice.vary(p.pollInterval())
	if next.IsZero() {
		return poll
	}
	return min(poll, max(time.Millisecond, next.Sub(p.now())+time.Microsecond))
}
