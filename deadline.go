package later

import (
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// StartBy is the last moment at which an attempt may start. A job that is claimed later
// fails with ErrDeadline without being performed, and no retry is planned beyond.
func StartBy(at time.Time) CallOption {
	return callOption(func(c *Call) {
		at := c.deadline("start by", at)
		c.limit(func(d *deadlines) { d.startBy, d.startWithin = at, 0 })
	})
}

// StartWithin is StartBy in a while after the job is due: after it is enqueued, or
// after the time that it is enqueued for. 0 for none, which is the default.
func StartWithin(limit time.Duration) Option {
	return sharedOption(func(s *settings) {
		within := s.within("start", limit)
		s.limit(func(d *deadlines) { d.startWithin, d.startBy = within, time.Time{} })
	})
}

// FinishBy is when the job must have been finished. Then the context of an attempt ends
// with ErrDeadline, which fails the job unless the handler completes it all the same. A
// job that is claimed later fails without being performed, and no retry is planned
// beyond.
func FinishBy(at time.Time) CallOption {
	return callOption(func(c *Call) {
		at := c.deadline("finish by", at)
		c.limit(func(d *deadlines) { d.finishBy, d.finishWithin = at, 0 })
	})
}

// FinishWithin is FinishBy in a while after the job is due, as StartWithin counts it. 0
// for none, which is the default.
func FinishWithin(limit time.Duration) Option {
	return sharedOption(func(s *settings) {
		within := s.within("finish", limit)
		s.limit(func(d *deadlines) { d.finishWithin, d.finishBy = within, time.Time{} })
	})
}

// deadlines are those of a definition or a call: of each kind a time, or one in relation
// to when the job is due.
type deadlines struct {
	startBy, finishBy         time.Time
	startWithin, finishWithin time.Duration
}

// limits are the deadlines, none if there are none.
func (s *settings) limits() deadlines {
	if s.deadlines == nil {
		return deadlines{}
	}
	return *s.deadlines
}

func (s *settings) limit(change func(*deadlines)) {
	d := s.limits()
	change(&d)
	s.deadlines = &d
}

func (s *settings) deadline(what string, at time.Time) time.Time {
	if at.IsZero() {
		s.refuse("the time to %s is the zero time; leave it away for none", what)
	}
	return at
}

func (s *settings) within(what string, limit time.Duration) time.Duration {
	if limit < 0 {
		s.refuse("the time to %s within, %v, is negative; 0 means none", what, limit)
	}
	return limit
}

// neverInTime says why the call can never be kept to its deadlines.
func (c *Call) neverInTime() error {
	if c.deadlines == nil {
		return nil
	}
	for what, by := range map[string]time.Time{"start": c.deadlines.startBy, "finish": c.deadlines.finishBy} {
		if !by.IsZero() && by.Before(c.at) {
			return fmt.Errorf("%w of %s: it is to %s by %v, and not to be performed before %v", ErrInvalidOption, c.jobType, what, by, c.at)
		}
	}
	return nil
}

// options is what few jobs have; nil if this one has nothing of it.
func (c *Call) options(now, runAt time.Time) *store.Options {
	unique := c.uniqueness.stored()
	if unique == nil && c.carried == nil && c.deadlines == nil {
		return nil
	}
	d := c.limits()
	due := now
	if runAt.After(now) {
		due = runAt
	}
	return &store.Options{
		StartBy: deadlineOf(d.startBy, due, d.startWithin), FinishBy: deadlineOf(d.finishBy, due, d.finishWithin), Carried: c.carried,
		Unique: unique,
	}
}

func deadlineOf(at, due time.Time, within time.Duration) time.Time {
	if within > 0 {
		at = due.Add(within)
	}
	if at.IsZero() {
		return at
	}
	return store.Storable(at.UTC().Truncate(time.Microsecond))
}
