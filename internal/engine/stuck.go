package engine

import "time"

// stuckAfter is how long after its context ended a handler may still run before
// it is reported.
const stuckAfter = 5 * time.Second

// reportStuck logs, once each, the handlers that ignore the end of their context,
// with the stack that shows where they hang.
func (e *Engine) reportStuck() {
	for _, h := range e.findStuck() {
		e.log.Error("handler ignores the end of its context; its slot stays taken until it returns",
			"job", h.job.ID, "type", h.job.Type, "attempt", h.job.Attempt,
			"running", time.Since(h.started).Round(time.Second), "stack", stackOfGoroutine(h.executor))
		e.events.Tell(Event{Kind: Stuck, Job: h.job})
	}
}

func (e *Engine) findStuck() (found []*held) {
	e.mu.Lock()
	defer e.mu.Unlock()
	now := time.Now()
	for _, h := range e.held {
		if h.state != performing || h.stuck || h.ctx.why() == nil {
			continue
		}
		if h.ended.IsZero() {
			h.ended = now
		}
		if now.Sub(h.ended) >= stuckAfter {
			h.stuck = true
			found = append(found, h)
		}
	}
	return found
}

func stackOfGoroutine(id int64) string {
	for _, stack := range family(allStacks(), id) {
		return sanitize(stack)
	}
	return "not found"
}
