package engine

import (
	"context"
	"encoding/json"

	"github.com/laterjobs/later/store"
)

// PerformNow performs a job once, in the caller's goroutine, without a store:
// its timeout holds, and a panic becomes an error.
func PerformNow(ctx context.Context, job store.Job, perform Perform) (json.RawMessage, error) {
	if job.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, job.Timeout, ErrTimeout)
		defer cancel()
	}
	a := attempt{job: &job}
	a.result, a.err = Protect(func() (json.RawMessage, error) {
		return perform(ctx, &Run{Job: &job})
	})
	if a.err != nil && context.Cause(ctx) == ErrTimeout {
		return nil, timeoutError(a)
	}
	return a.result, a.err
}
