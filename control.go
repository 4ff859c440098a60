package later

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/engine"
)

// maxReason bounds a reason that a person gives, in bytes.
const maxReason = 4 << 10

// Cancel stops a job: one that waits is cancelled at once, one that runs has its
// context ended with ErrCancelled, in whatever process it runs. Once Cancel has
// returned, the job ends as cancelled whatever its handler returns. ErrNotFound:
// no such job. ErrConflict: it has finished.
func (q *JobQueue) Cancel(ctx context.Context, id int64, reason string) error {
	n, err := q.CancelAll(ctx, Filter{IDs: []int64{id}}, reason)
	return q.explain(ctx, n, err, id, "cancel")
}

// CancelAll cancels every job that f selects and that has not finished, and
// returns how many those were. A zero Filter selects every job.
func (q *JobQueue) CancelAll(ctx context.Context, f Filter, reason string) (int, error) {
	ids, err := q.store.Cancel(ctx, f, engine.Printable(reason, maxReason), q.now())
	if err != nil {
		return 0, fmt.Errorf("cancel: %w", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.engine != nil {
		q.engine.Cancelled(ids, reason)
	}
	q.finished.send()
	return len(ids), nil
}

// Retry makes a finished or retrying job pending again; a finished one starts
// over with its full retries, and takes its unique key again. ErrConflict: it is
// running, pending or scheduled; or, with a *DuplicateError, another job holds the key.
func (q *JobQueue) Retry(ctx context.Context, id int64) error {
	n, err := q.RetryAll(ctx, Filter{IDs: []int64{id}})
	return q.explain(ctx, n, err, id, "retry")
}

// RetryAll retries every finished or retrying job that f selects, and returns
// how many those were. Jobs whose unique key another one holds are left alone.
func (q *JobQueue) RetryAll(ctx context.Context, f Filter) (int, error) {
	ids, err := q.store.Retry(ctx, f, q.now())
	return changed(ids, err, "retry")
}

// RunNow makes a job pending now: a scheduled or retrying one before its time, a
// finished one again. A pending job is left as it is. ErrConflict: it is running.
func (q *JobQueue) RunNow(ctx context.Context, id int64) error {
	f, now := Filter{IDs: []int64{id}}, q.now()
	ids, err := q.store.Reschedule(ctx, f, now, now)
	if err == nil && len(ids) == 0 {
		ids, err = q.store.Retry(ctx, f, now)
	}
	n, err := changed(ids, err, "run now")
	return q.explain(ctx, n, err, id, "run")
}

// Reschedule gives a scheduled, pending or retrying job a new time; one in the
// past means now. ErrConflict: it runs or has finished.
func (q *JobQueue) Reschedule(ctx context.Context, id int64, at time.Time) error {
	n, err := q.RescheduleAll(ctx, Filter{IDs: []int64{id}}, at)
	return q.explain(ctx, n, err, id, "reschedule")
}

// RescheduleAll gives every scheduled, pending or retrying job that f selects a new
// time, and returns how many those were.
func (q *JobQueue) RescheduleAll(ctx context.Context, f Filter, at time.Time) (int, error) {
	if at.IsZero() || at.UTC().Year() > maxYear {
		return 0, fmt.Errorf("%w: cannot reschedule to %v", ErrInvalidOption, at)
	}
	ids, err := q.store.Reschedule(ctx, f, at, q.now())
	return changed(ids, err, "reschedule")
}

// Delete removes a job and its history. ErrConflict: it is running; cancel it
// first.
func (q *JobQueue) Delete(ctx context.Context, id int64) error {
	n, err := q.DeleteAll(ctx, Filter{IDs: []int64{id}})
	return q.explain(ctx, n, err, id, "delete")
}

// DeleteAll removes every job that f selects and that does not run, and returns
// how many those were. A zero Filter selects every job.
func (q *JobQueue) DeleteAll(ctx context.Context, f Filter) (int, error) {
	ids, err := q.store.Delete(ctx, f)
	return changed(ids, err, "delete")
}

// Pause stops every process from starting jobs of a queue, until Resume. Jobs
// that run are not disturbed. The reason is shown to people.
func (q *JobQueue) Pause(ctx context.Context, queue, reason string) error {
	if err := checkName("queue", queue); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidOption, err)
	}
	if err := q.store.Pause(ctx, queue, engine.Printable(reason, maxReason), q.now()); err != nil {
		return fmt.Errorf("pause %s: %w", queue, err)
	}
	return nil
}

// Resume lets a paused queue go on. It may be repeated.
func (q *JobQueue) Resume(ctx context.Context, queue string) error {
	if err := q.store.Resume(ctx, queue); err != nil {
		return fmt.Errorf("resume %s: %w", queue, err)
	}
	return nil
}

func changed(ids []int64, err error, what string) (int, error) {
	if err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	return len(ids), nil
}

// explain says why a verb has changed nothing.
func (q *JobQueue) explain(ctx context.Context, changed int, err error, id int64, what string) error {
	if err != nil || changed > 0 {
		return err
	}
	job, err := q.Get(ctx, id)
	if err != nil {
		return err
	}
	if key := job.Options.UniqueKey(); key != nil && job.Status.Finished() && (what == "retry" || what == "run") {
		if holder, err := q.store.Holder(ctx, job.Type, key.Key, q.now()); err == nil && holder != id {
			return fmt.Errorf("%w: cannot %s job %d: %w", ErrConflict, what, id, &DuplicateError{Type: job.Type, Key: key.Key, Holder: holder})
		}
	}
	return fmt.Errorf("%w: cannot %s job %d: it is %s", ErrConflict, what, id, job.Status)
}
