package engine

import (
	"context"
	"encoding/json"
	"time"

	"github.com/laterjobs/later/store"
)

// PerformNow performs a job once, in the caller's goroutine, without a store:
// its timeout and its deadline hold, and a panic becomes an error. job.StartedAt is now.
func PerformNow(ctx context.Context, job store.Job, perform Perform) (json.RawMessage, error) {
	if err := late(&job, job.StartedAt); err != nil {
		return nil, err
	}
	if end, cause := limit(&job, time.Now(), job.StartedAt); !end.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, end, cause)
		defer cancel()
	}
	a := attempt{job: &job}
	a.result, a.err = Protect(func() (json.RawMessage, error) {
		return perform(ctx, &Run{Job: &job})
	})
	if a.err == nil {
		return a.result, nil
	}
	switch context.Cause(ctx) {
	case ErrTimeout:
		return nil, timeoutError(a)
	case ErrDeadline:
		return nil, deadlineError(a)
	}
	return a.result, a.err
}
