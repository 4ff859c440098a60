package engine

import (
	"errors"
	"fmt"
	"time"
)

// The causes with which a handler's context ends; context.Cause tells them apart.
var (
	ErrTimeout   = errors.New("timed out")
	ErrDeadline  = errors.New("past its deadline")
	ErrCancelled = errors.New("cancelled")
	ErrStopping  = errors.New("process is stopping")
	ErrLeaseLost = errors.New("process may have lost its jobs")
)

// Cancellation is the cause of a context that a person's request ended. It
// matches ErrCancelled.
type Cancellation struct{ Reason string }

func (c *Cancellation) Error() string {
	if c.Reason == "" {
		return ErrCancelled.Error()
	}
	return "cancelled: " + c.Reason
}

// Is makes errors.Is(err, ErrCancelled) true.
func (c *Cancellation) Is(target error) bool { return target == ErrCancelled }

// The errors by which a handler steers its own outcome.
type (
	// Postponement runs the job again after Delay, or at Until; no attempt is used up.
	Postponement struct {
		Delay  time.Duration
		Until  time.Time // wins over Delay, unless it is zero
		Reason string
	}
	// DelayedRetry retries after Delay instead of the definition's backoff.
	DelayedRetry struct {
		Delay time.Duration
		Err   error
	}
	// Discarded fails the job now, whatever retries are left.
	Discarded struct{ Err error }
	// SelfCancelled ends the job as cancelled.
	SelfCancelled struct{ Err error }
)

func (p *Postponement) Error() string {
	if !p.Until.IsZero() {
		return fmt.Sprintf("postponed until %s: %s", p.Until.UTC().Format(time.RFC3339), p.Reason)
	}
	return fmt.Sprintf("postponed for %v: %s", p.Delay, p.Reason)
}
func (r *DelayedRetry) Error() string  { return text(r.Err, "retry asked for") }
func (r *DelayedRetry) Unwrap() error  { return r.Err }
func (d *Discarded) Error() string     { return text(d.Err, "discarded") }
func (d *Discarded) Unwrap() error     { return d.Err }
func (s *SelfCancelled) Error() string { return text(s.Err, "cancelled by the job itself") }
func (s *SelfCancelled) Unwrap() error { return s.Err }

func text(err error, otherwise string) string {
	if err == nil {
		return otherwise
	}
	return err.Error()
}

// Panicked is the error of an attempt whose handler panicked.
type Panicked struct {
	Value any
	Stack string
}

func (p *Panicked) Error() string { return fmt.Sprintf("panic: %v", p.Value) }

// Unwrap gives the value that was panicked with, if it was an error.
func (p *Panicked) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
