package later

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
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
	by := q.entryFor(ctx, "cancel", f, reason)
	ids, err := q.store.Cancel(ctx, f, by.Reason, q.now(), by)
	if err != nil {
		return 0, fmt.Errorf("cancel: %w", err)
	}
	if len(ids) > 0 {
		q.logChange(ctx, by, len(ids))
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
	by := q.entryFor(ctx, "retry", f, "")
	ids, err := q.store.Retry(ctx, f, q.now(), by)
	return q.changed(ctx, ids, err, by)
}

// RunNow makes a job pending now: a scheduled or retrying one before its time, a
// finished one again. A pending job is left as it is. ErrConflict: it is running.
func (q *JobQueue) RunNow(ctx context.Context, id int64) error {
	f, now := Filter{IDs: []int64{id}}, q.now()
	by := q.entryFor(ctx, "run now", f, "")
	ids, err := q.store.Reschedule(ctx, f, now, now, by)
	if err == nil && len(ids) == 0 {
		ids, err = q.store.Retry(ctx, f, now, by)
	}
	n, err := q.changed(ctx, ids, err, by)
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
	by := q.entryFor(ctx, "reschedule", f, "")
	by.After = at.UTC().Format(time.RFC3339)
	ids, err := q.store.Reschedule(ctx, f, at, q.now(), by)
	return q.changed(ctx, ids, err, by)
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
	by := q.entryFor(ctx, "delete", f, "")
	ids, err := q.store.Delete(ctx, f, by)
	return q.changed(ctx, ids, err, by)
}

// Pause stops every process from starting jobs of a queue, until Resume. Jobs
// that run are not disturbed. The reason is shown to people.
func (q *JobQueue) Pause(ctx context.Context, queue, reason string) error {
	if err := checkName("queue", queue); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalidOption, err)
	}
	by := q.entry(ctx, "pause", "queue", queue, reason)
	if err := q.store.Pause(ctx, queue, by.Reason, q.now(), by); err != nil {
		return fmt.Errorf("pause %s: %w", queue, err)
	}
	q.logChange(ctx, by, 0)
	return nil
}

// Resume lets a paused queue go on. It may be repeated.
func (q *JobQueue) Resume(ctx context.Context, queue string) error {
	by := q.entry(ctx, "resume", "queue", queue, "")
	if err := q.store.Resume(ctx, queue, by); err != nil {
		return fmt.Errorf("resume %s: %w", queue, err)
	}
	q.logChange(ctx, by, 0)
	return nil
}

// changed ends a verb that changes jobs.
func (q *JobQueue) changed(ctx context.Context, ids []int64, err error, by *store.AuditEntry) (int, error) {
	if err != nil {
		return 0, fmt.Errorf("%s: %w", by.Action, err)
	}
	if len(ids) > 0 {
		q.logChange(ctx, by, len(ids))
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
