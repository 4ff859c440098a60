package later

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

type (
	Cause       = store.Cause       // what failures have in common
	CauseID     = store.CauseID     // names a cause; Filter.Cause selects the jobs that have it now
	CauseFilter = store.CauseFilter // selects causes; zero fields do not filter
)

// Causes returns what is known of the causes of failures, those seen last first, each with
// how many jobs have failed, or are to be retried, because of it: at most f.Limit causes,
// 100 by default, with jobs counted up to f.CountTo, 10,000 by default. Failures of the same
// type of jobs have one cause if their errors are of one Go type and their messages differ
// in numbers, ids, addresses, paths, times and quotations only; panics, if the same function
// panicked as well. To retry what a cause has failed: RetryAll with Filter.Cause.
func (q *JobQueue) Causes(ctx context.Context, f CauseFilter) ([]Cause, error) {
	causes, err := q.store.Causes(ctx, f, q.now())
	if err != nil {
		return nil, fmt.Errorf("list causes: %w", err)
	}
	return causes, nil
}

// Mute says until when a cause raises no attention, in the dashboard and wherever else
// CauseFilter.Unmuted is asked for; its jobs go their way. The zero time ends that.
// ErrNotFound: nothing is known of such a cause (any more).
func (q *JobQueue) Mute(ctx context.Context, id CauseID, until time.Time) error {
	by := q.entry(ctx, "mute", "cause", id.String(), "")
	if !until.IsZero() {
		by.After = "until " + until.UTC().Format(time.RFC3339)
	}
	if err := q.store.Mute(ctx, id, until, q.now(), by); err != nil {
		return fmt.Errorf("mute cause %s: %w", id, err)
	}
	q.logChange(ctx, by, 0)
	return nil
}
