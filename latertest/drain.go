package latertest

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// DrainOption says what Drain performs besides what is due: Within, AllScheduled.
type DrainOption struct{ horizon time.Duration }

// Within lets Drain perform the jobs that are due within d as well, each in its turn,
// and what these enqueue, postpone or retry until then. The clock stands still
// meanwhile: a handler that asks for the time sees the present. Where that matters, use
// the fake time of testing/synctest.
func Within(d time.Duration) DrainOption { return DrainOption{max(0, d)} }

// AllScheduled lets Drain perform every scheduled and retrying job, however far off. It
// ends the test if a job is to be performed more than 200 times, as one that always
// postpones itself.
func AllScheduled() DrainOption { return DrainOption{math.MaxInt64} }

// Drain performs every job that is due, and those that these enqueue, one after
// the other, and returns how many attempts that took. Failed jobs do not fail the test:
// look at their status.
func Drain(t testing.TB, queue *later.JobQueue, opts ...DrainOption) (performed int) {
	t.Helper()
	d := &draining{t: t, queue: queue, scheduled: map[scheduledJob]time.Duration{}, hurried: map[int64]int{}}
	for _, opt := range opts {
		d.horizon = max(d.horizon, opt.horizon)
	}
	d.end = time.Now().Add(d.horizon)
	for {
		performed += d.due()
		if len(opts) == 0 || !d.hurryNext() {
			return performed
		}
	}
}

// draining is one Drain. It keeps a time of its own, which is ahead of the clock by the
// jobs that were performed before they were due.
type draining struct {
	t         testing.TB
	queue     *later.JobQueue
	horizon   time.Duration
	end       time.Time // of the horizon
	ahead     time.Duration
	scheduled map[scheduledJob]time.Duration // how far ahead the time was when it was scheduled
	hurried   map[int64]int                  // how often, by id
	die       context.CancelCauseFunc        // ends the process that performs jobs now
}

// scheduledJob is one time for which a job was scheduled.
type scheduledJob struct {
	id int64
	at time.Time
}

type drainingKey struct{}

// due performs what is due. A process that crashes is followed by another.
func (d *draining) due() (performed int) {
	d.t.Helper()
	for {
		ctx, die := context.WithCancelCause(context.WithValue(d.t.Context(), drainingKey{}, d))
		d.die = die
		n, err := d.queue.Drain(ctx)
		crashed := errors.Is(context.Cause(ctx), errCrashed)
		die(nil)
		performed += n
		if !crashed {
			if err != nil {
				d.t.Fatal(err)
			}
			return performed
		}
	}
}

// maxHurried bounds how often AllScheduled performs one job before its time.
const maxHurried = 200

// hurryNext makes the job pending that would be due next, and reports whether there is
// one within the horizon.
func (d *draining) hurryNext() bool {
	d.t.Helper()
	var next later.Job
	var nextAt time.Time
	waiting := later.Filter{Status: []later.JobStatus{later.StatusScheduled, later.StatusRetrying}}
	for _, job := range list(d.t, d.queue, waiting) {
		key := scheduledJob{job.ID, job.NextRunAt}
		if _, known := d.scheduled[key]; !known {
			d.scheduled[key] = d.ahead
		}
		if at := job.NextRunAt.Add(d.scheduled[key]); next.ID == 0 || at.Before(nextAt) {
			next, nextAt = job, at
		}
	}
	if next.ID == 0 || d.horizon != math.MaxInt64 && nextAt.After(d.end) {
		return false
	}
	if d.hurried[next.ID]++; d.hurried[next.ID] > maxHurried {
		d.t.Fatalf("job %d (%s) has been performed %d times and is %s again: does it postpone itself for ever? See latertest.Within",
			next.ID, next.Type, maxHurried, next.Status)
	}
	d.ahead = max(d.ahead, time.Until(nextAt))
	if err := d.queue.RunNow(d.t.Context(), next.ID); err != nil && !errors.Is(err, later.ErrConflict) {
		d.t.Fatal(err)
	}
	return true
}
