package engine

import (
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// late says why a job is not to be performed any more at a time; nil if it is.
func late(job *store.Job, now time.Time) error {
	o := job.Options
	switch {
	case o == nil:
		return nil
	case !o.StartBy.IsZero() && now.After(o.StartBy):
		return fmt.Errorf("%w: not performed: it had to start by %s", ErrDeadline, o.StartBy.UTC().Format(time.RFC3339))
	case !o.FinishBy.IsZero() && !now.Before(o.FinishBy):
		return fmt.Errorf("%w: not performed: it had to be finished by %s", ErrDeadline, o.FinishBy.UTC().Format(time.RFC3339))
	}
	return nil
}

// limit is the time at which the context of an attempt ends, and the cause with which:
// by the job's timeout, or by its deadline if that is sooner. now is started by the
// clock that rules the deadline.
func limit(job *store.Job, started, now time.Time) (time.Time, error) {
	var end time.Time
	if job.Timeout > 0 {
		end = started.Add(job.Timeout)
	}
	if o := job.Options; o != nil && !o.FinishBy.IsZero() {
		if last := started.Add(o.FinishBy.Sub(now)); end.IsZero() || last.Before(end) {
			return last, ErrDeadline
		}
	}
	return end, ErrTimeout
}
