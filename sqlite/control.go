package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/laterjobs/later/internal/selection"
	"github.com/laterjobs/later/store"
)

// A verb changes at most controlSlice jobs in one transaction, and looks at most at
// controlLook for them, so that "cancel everything" does not hold up the others.
const (
	controlSlice = 2000
	controlLook  = 20_000
)

// change does something to jobs and returns the ids of those that it changed.
type change func(s *session, jobs []placed, m *moves) ([]int64, error)

// control applies a change to all jobs that f selects and whose status is one of
// only, slice by slice, and returns the ids of those that it changed, rising.
func (s *Store) control(ctx context.Context, f store.Filter, only []store.JobStatus, n *noting, do change) ([]int64, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	var changed []int64
	left := f.Limit
	for {
		reach := selection.Reach{Want: controlSlice, Rows: controlLook}
		if left > 0 {
			reach.Want = min(left, controlSlice)
		}
		var found selection.Found
		var done []int64
		var entry int64
		r := &request{rank: rankControl, durable: true, size: controlSlice * rowSize, run: func(s *session) (err error) {
			if found, done, err = controlSome(s, f, only, reach, do); err == nil && len(done) > 0 {
				entry, err = n.note(s, sortedIDs(done))
			}
			return err
		}}
		if err := s.do(ctx, r); err != nil {
			return nil, err
		}
		if len(done) > 0 {
			n.noted(entry, len(done))
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

func controlSome(s *session, f store.Filter, only []store.JobStatus, reach selection.Reach, do change) (found selection.Found, done []int64, err error) {
	found, err = selection.Look(looker{s}, &dialect, f, only, reach)
	if err != nil || len(found.IDs) == 0 {
		return found, nil, err
	}
	jobs, err := places(s, found.IDs)
	if err != nil {
		return found, nil, err
	}
	var m moves
	if done, err = do(s, jobs, &m); err != nil {
		return found, nil, err
	}
	return found, done, m.apply(s)
}

// places reads where jobs stand.
func places(s *session, list []int64) ([]placed, error) {
	var jobs []placed
	err := s.query("places", func(r *sql.Rows) error {
		var job placed
		err := r.Scan(&job.id, &job.finished, &job.waits, &job.ready, &job.running,
			&job.queue, &job.jobType, &job.priority, &job.attempt, &job.crashes, &job.cause)
		jobs = append(jobs, job)
		return err
	}, ids(list))
	return jobs, err
}

// Cancel finishes jobs that wait and asks for the stop of those that run.
func (s *Store) Cancel(ctx context.Context, f store.Filter, reason string, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationCancel.Statuses(), newNoting(by, now), cancelJobs(reason, orNow(now)))
}

func cancelJobs(reason string, now time.Time) change {
	return func(s *session, jobs []placed, m *moves) ([]int64, error) {
		var running, waiting []int64
		for _, job := range jobs {
			if job.running {
				running = append(running, job.id)
			} else {
				waiting = append(waiting, job.id)
			}
		}
		if len(running) > 0 {
			if _, err := s.exec("request_cancel", ids(running), reason, now.UnixMicro()); err != nil {
				return nil, err
			}
			s.wake.Cancels = true
		}
		if err := cancelWaiting(s, jobs, waiting, m, reason, now); err != nil {
			return nil, err
		}
		return append(running, waiting...), nil
	}
}

// cancelWaiting finishes jobs that do not run. They keep who ran them last.
func cancelWaiting(s *session, jobs []placed, waiting []int64, m *moves, reason string, now time.Time) error {
	if len(waiting) == 0 {
		return nil
	}
	started := map[int64]time.Time{}
	process := map[int64]int64{}
	err := s.query("last_attempts", func(r *sql.Rows) error {
		var id, by int64
		var at sql.NullInt64
		err := r.Scan(&id, &by, &at)
		started[id], process[id] = timeOf(at), by
		return err
	}, ids(waiting))
	if err != nil {
		return err
	}
	for _, job := range jobs {
		if job.running {
			continue
		}
		job.process = process[job.id]
		m.toFinished(job, ending{status: cancelled, startedAt: started[job.id], finishedAt: now, error: reason})
	}
	return s.execIDs(waiting, "leave_line", "stop_waiting")
}

// Retry makes finished and retrying jobs pending.
func (s *Store) Retry(ctx context.Context, f store.Filter, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationRetry.Statuses(), newNoting(by, now), retryJobs(orNow(now)))
}

func retryJobs(now time.Time) change {
	return func(s *session, jobs []placed, m *moves) ([]int64, error) {
		var finished, done, waiting []int64
		for _, job := range jobs {
			if job.finished != 0 {
				finished = append(finished, job.id)
			}
		}
		refused, err := retakeKeys(s, finished, now)
		if err != nil {
			return nil, err
		}
		finished = finished[:0]
		for _, job := range jobs {
			if refused[job.id] {
				continue
			}
			if job.finished == 0 {
				waiting = append(waiting, job.id)
				m.toReady(job)
				continue
			}
			finished = append(finished, job.id)
			if job.finished == completed {
				done = append(done, job.id)
			}
			if _, err := s.exec("count_finished", job.finished, -1); err != nil {
				return nil, err
			}
			job.attempt, job.crashes = 0, 0
			m.toReady(job)
		}
		if err := s.execIDs(waiting, "stop_waiting"); err != nil {
			return nil, err
		}
		if err := s.execIDs(finished, "delete_finished", "delete_progress"); err != nil {
			return nil, err
		}
		if err := s.execIDs(done, "delete_steps"); err != nil {
			return nil, err
		}
		return append(finished, waiting...), nil
	}
}

// Reschedule gives jobs that wait a new time.
func (s *Store) Reschedule(ctx context.Context, f store.Filter, at, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationReschedule.Statuses(), newNoting(by, now), rescheduleJobs(at, orNow(now)))
}

func rescheduleJobs(at, now time.Time) change {
	return func(s *session, jobs []placed, m *moves) ([]int64, error) {
		var moved, all []int64
		for _, job := range jobs {
			all = append(all, job.id)
			switch {
			case isLater(at, now):
				m.toWaiting(job, waitsAs(job.waits), at, "")
			case job.ready:
				continue // pending already: it keeps its place in line
			default:
				m.toReady(job)
			}
			moved = append(moved, job.id)
		}
		return all, s.execIDs(moved, "leave_line", "stop_waiting")
	}
}

// waitsAs is how a job waits for its new time: a retrying one still retries.
func waitsAs(kind int64) int64 {
	if kind == waitsRetrying {
		return waitsRetrying
	}
	return waitsScheduled
}

// Delete removes jobs that do not run.
func (s *Store) Delete(ctx context.Context, f store.Filter, by *store.AuditEntry) ([]int64, error) {
	return s.control(ctx, f, store.OperationDelete.Statuses(), newNoting(by, time.Time{}), deleteJobs)
}

func deleteJobs(s *session, jobs []placed, _ *moves) ([]int64, error) {
	var all []int64
	for _, job := range jobs {
		all = append(all, job.id)
		if job.finished == 0 {
			continue
		}
		if _, err := s.exec("count_finished", job.finished, -1); err != nil {
			return nil, err
		}
	}
	if err := s.execIDs(all, "leave_line", "stop_waiting"); err != nil {
		return nil, err
	}
	return all, forget(s, all)
}

// Pause stops claims from a queue.
func (s *Store) Pause(ctx context.Context, queue, reason string, now time.Time, by *store.AuditEntry) error {
	now = orNow(now)
	person := ""
	if by != nil {
		person = by.Person
	}
	return s.do(ctx, &request{rank: rankControl, durable: true, run: func(s *session) error {
		if _, err := s.exec("pause", queue, now.UnixMicro(), reason, person); err != nil {
			return err
		}
		_, err := newNoting(by, now).note(s, nil)
		return err
	}})
}

// Resume allows claims from a queue again.
func (s *Store) Resume(ctx context.Context, queue string, by *store.AuditEntry) error {
	return s.do(ctx, &request{rank: rankControl, durable: true, run: func(s *session) error {
		s.wake.Work = true
		resumed, err := s.exec("resume", queue)
		if err == nil && resumed > 0 {
			_, err = newNoting(by, time.Time{}).note(s, nil)
		}
		return err
	}})
}
