package engine

import (
	"context"
	"sync"
	"time"
)

// runContext is the context of one attempt. The handlers of most small jobs never
// look at theirs, and a context with a cause and a timer costs more than they do: so
// the real one is made when somebody first looks, and then does everything.
type runContext struct {
	base     context.Context
	deadline time.Time // zero: none
	overrun  error     // the cause once it has passed

	mu    sync.Mutex
	real  context.Context // nil until somebody looks
	stop  context.CancelCauseFunc
	cause error // why the context ended before anybody looked
}

var _ context.Context = (*runContext)(nil)

func (c *runContext) Deadline() (time.Time, bool) { return c.deadline, !c.deadline.IsZero() }

func (c *runContext) Done() <-chan struct{} { return c.look().Done() }

// Value looks. It is how package context finds the cause, and the parent of a
// context made from this one.
func (c *runContext) Value(key any) any { return c.look().Value(key) }

func (c *runContext) Err() error {
	if c.why() == nil {
		return nil
	}
	return c.look().Err()
}

// why is the cause for which the context has ended; nil if it has not.
func (c *runContext) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real != nil {
		return context.Cause(c.real)
	}
	c.expire()
	return c.cause
}

// end ends the context, unless it has ended before.
func (c *runContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real != nil {
		c.stop(cause)
		return
	}
	c.expire()
	switch {
	case c.cause != nil:
	case cause == nil:
		c.cause = context.Canceled
	default:
		c.cause = cause
	}
}

// expire notes that the deadline has passed, as the timer that is not running would.
func (c *runContext) expire() {
	if c.cause == nil && !c.deadline.IsZero() && !time.Now().Before(c.deadline) {
		c.cause = c.overrun
	}
}

// look returns the real context.
func (c *runContext) look() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.real != nil {
		return c.real
	}
	c.expire()
	c.real, c.stop = context.WithCancelCause(c.base)
	if c.cause != nil && c.cause != c.overrun {
		c.stop(c.cause)
	}
	if !c.deadline.IsZero() {
		c.addTimer()
	}
	return c.real
}

func (c *runContext) addTimer() {
	end := c.stop
	ctx, stopTimer := context.WithDeadlineCause(c.real, c.deadline, c.overrun)
	c.real = ctx
	c.stop = func(cause error) { end(cause); stopTimer() }
}
