package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/selection"
	"github.com/laterjobs/later/store"
)

// A verb changes at most controlSlice jobs in one transaction, and looks at most at
// controlLook for them, so that "cancel everything" does not hold up the others.
const (
	controlSlice = 2000
	controlLook  = 100_000
)

// change does something to jobs and returns the ids of those that it changed.
type change func(s *session, list []int64, n *news) ([]int64, error)

// control applies change to all jobs that f selects and whose status is one of
// only, slice by slice, and returns the ids of those that it changed, rising.
func (s *Store) control(ctx context.Context, f store.Filter, only []store.JobStatus, by *noting, do change) ([]int64, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	if err := s.alive(ctx); err != nil {
		return nil, err
	}
	var changed []int64
	left := f.Limit
	for {
		reach := selection.Reach{Want: controlSlice, Rows: controlLook}
		if left > 0 {
			reach.Want = min(left, controlSlice)
		}
		found, done, err := s.controlSome(ctx, f, only, reach, by, do)
		if err != nil {
			return nil, s.classify(ctx, err)
		}
		changed = append(changed, done...)
		if f.Before = found.Next; f.Before == 0 || left > 0 && left <= len(found.IDs) {
			return sortedIDs(changed), nil
		}
		if left > 0 {
			left -= len(found.IDs)
		}
	}
}

func (s *Store) controlSome(ctx context.Context, f store.Filter, only []store.JobStatus, reach selection.Reach, by *noting, do change) (found selection.Found, done []int64, err error) {
	var n *news
	var entry int64
	err = s.insist(ctx, harmless, func() error {
		n, done = &news{}, nil
		return s.inTx(ctx, s.pool, func(r *session) (err error) {
			if found, err = selection.Look(looker{r}, &dialect, f, only, reach); err != nil || len(found.IDs) == 0 {
				return err
			}
			if done, err = do(r, sortedIDs(slices.Clone(found.IDs)), n); err == nil && len(done) > 0 {
				entry, err = by.note(r, sortedIDs(slices.Clone(done)))
			}
			return err
		})
	})
	if err != nil {
		return found, nil, err
	}
	s.tell(n)
	if len(done) > 0 {
		by.noted(entry, len(done))
	}
	return found, done, nil
}

// ready notes the jobs that a statement has made ready, and returns their ids.
func (n *news) ready(s *session, name string, list []int64) (ids []int64, err error) {
	err = s.query(name, func(r row) error {
		var id, position int64
		var at lane
		err := r.Scan(&id, &at.queue, &at.priority, &position)
		n.lineUp(at, position)
		ids = append(ids, id)
		return err
	}, list)
	return ids, err
}

// Cancel finishes jobs that wait and asks for the stop of those that run.
func (s *Store) Cancel(ctx context.Context, f store.Filter, reason string, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationCancel.Statuses(), s.newNoting(by, now), cancelJobs(reason, s.orNow(now)))
}

func cancelJobs(reason string, now time.Time) change {
	return func(s *session, list []int64, n *news) ([]int64, error) { return cancel(s, list, n, reason, now) }
}

// cancelRounds is how often jobs that are on the move are looked for anew. Each
// round takes the time of a claim or an outcome.
const cancelRounds = 100

// cancel goes after jobs that move from place to place while the statement looks
// for them: one that has not finished and was not caught is tried again.
func cancel(s *session, list []int64, n *news, reason string, now time.Time) (done []int64, err error) {
	for range cancelRounds {
		err = s.query("cancel", func(r row) error {
			var id int64
			var runs bool
			err := r.Scan(&id, &runs)
			done = append(done, id)
			n.wake.Cancels = n.wake.Cancels || runs
			n.wake.Finished = n.wake.Finished || !runs
			return err
		}, list, reason, now)
		if err != nil {
			return nil, err
		}
		if list, err = s.ids("unfinished", without(list, done)); err != nil || len(list) == 0 {
			return done, err
		}
	}
	return done, nil
}

// without is the ids of list that are not in others.
func without(list, others []int64) []int64 {
	gone := make(map[int64]bool, len(others))
	for _, id := range others {
		gone[id] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(id int64) bool { return gone[id] })
}

// Retry makes finished and retrying jobs pending.
func (s *Store) Retry(ctx context.Context, f store.Filter, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationRetry.Statuses(), s.newNoting(by, now), retryJobs(s.orNow(now)))
}

func retryJobs(now time.Time) change {
	return func(s *session, list []int64, n *news) ([]int64, error) {
		list, err := retakeKeys(s, list, now)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		return n.ready(s, "retry", list)
	}
}

// Reschedule gives jobs that wait a new time.
func (s *Store) Reschedule(ctx context.Context, f store.Filter, at, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationReschedule.Statuses(), s.newNoting(by, now), rescheduleJobs(at, s.orNow(now)))
}

func rescheduleJobs(at, now time.Time) change {
	return func(s *session, list []int64, n *news) ([]int64, error) {
		if !isLater(at, now) {
			return n.ready(s, "bring_forward", list)
		}
		n.wake.Work = true // somebody has to look when it is due
		return s.ids("put_off", list, micro(at))
	}
}

// Delete removes jobs that do not run.
func (s *Store) Delete(ctx context.Context, f store.Filter, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationDelete.Statuses(), s.newNoting(by, time.Time{}), deleteJobs)
}

func deleteJobs(s *session, list []int64, _ *news) ([]int64, error) {
	return s.ids("delete", list, true)
}

// Pause stops claims from a queue.
func (s *Store) Pause(ctx context.Context, queue, reason string, now time.Time, by *store.AuditEntry) error {
	now = s.orNow(now)
	person := ""
	if by != nil {
		person = by.Person
	}
	return s.again(ctx, func(r *session) error {
		if _, err := r.exec("pause", queue, now, reason, person); err != nil {
			return err
		}
		_, err := s.newNoting(by, now).note(r, nil)
		return err
	})
}

// again runs fn, which may as well be run twice, in a transaction.
func (s *Store) again(ctx context.Context, fn func(*session) error) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	return s.reading(ctx, func() error { return s.inTx(ctx, s.pool, fn) })
}

// Resume allows claims from a queue again.
func (s *Store) Resume(ctx context.Context, queue string, by *store.AuditEntry) error {
	err := s.again(ctx, func(r *session) error {
		resumed, err := r.exec("resume", queue)
		if err == nil && resumed > 0 {
			_, err = s.newNoting(by, time.Time{}).note(r, nil)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.lanes.want()
	s.tell(&news{wake: store.Wake{Work: true}})
	return nil
}
