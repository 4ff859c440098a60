package engine

import (
	"context"
	"slices"
	"time"
)

// fenceMargin is how long before its death is declared a process stops itself,
// so that the handlers have that long to notice.
const fenceMargin = 2 * time.Second

// noticeSleep is how soon after a suspend a process looks whether it has slept too long.
const noticeSleep = time.Second

// leaseAtRisk reports whether others may be about to declare this process dead.
func (e *Engine) leaseAtRisk() bool {
	return e.sinceBeat() > e.cfg.TimeToDie-min(fenceMargin, e.cfg.TimeToDie/4)
}

// fence stops the process's jobs when no beat has been accepted for too long:
// others may be performing them already. It waits until that can be, but no longer than
// a suspended machine needs to notice that time has passed.
func (e *Engine) fence(context.Context) time.Duration {
	margin := min(fenceMargin, e.cfg.TimeToDie/4)
	if left := e.cfg.TimeToDie - margin - e.sinceBeat(); left > 0 {
		return min(left+time.Millisecond, noticeSleep)
	}
	if e.shut() {
		e.log.Error("no heartbeat was accepted for too long; stopping all jobs of this process", "since", e.sinceBeat())
		e.loseAll()
	}
	return margin
}

// shut lets nothing be claimed or started any more, and reports whether that is new.
func (e *Engine) shut() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	already := e.fenced
	e.fenced = true
	return !already
}

// unfence lets the process work again: it is known to be alive. A beat whose answer
// came late proves only that it was. Executors that found the lease at risk have gone
// home, whatever waited for them.
func (e *Engine) unfence() {
	if e.leaseAtRisk() {
		return
	}
	e.mu.Lock()
	wasFenced := e.fenced
	e.fenced = false
	for _, l := range e.lanes {
		e.staff(l)
	}
	e.mu.Unlock()
	if wasFenced {
		nudge(e.fenceSoon)
		e.wake()
	}
}

// loseAll ends everything that the process holds.
func (e *Engine) loseAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.held {
		e.lose(h)
	}
}

// lose ends a job that may not be this process's any more. Its outcome is
// still offered: the store knows whether the claim holds.
func (e *Engine) lose(h *held) {
	switch h.state {
	case performing:
		h.ctx.end(ErrLeaseLost)
	case buffered:
		e.unbuffer(h)
		e.release(h)
	case done: // the store's verdict will tell
	}
}

// unbuffer takes a job out of its lane's line.
func (e *Engine) unbuffer(h *held) {
	h.lane.buffer = slices.DeleteFunc(h.lane.buffer, func(other *held) bool { return other == h })
}
