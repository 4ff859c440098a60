package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// keptTicks is how many instants of a schedule are remembered. It moves forward only, so
// that more are not needed: they are for a row that somebody has set back.
const keptTicks = 1000

// Schedules returns schedules by name.
func (s *Store) Schedules(ctx context.Context, f store.ScheduleFilter) ([]store.Schedule, error) {
	var found []store.Schedule
	err := s.read(ctx, func(r *session) error {
		name, args := "schedules", []any(nil)
		switch {
		case f.Names != nil:
			name, args = "schedules_named", []any{texts(f.Names)}
		case !f.DueBy.IsZero():
			name, args = "schedules_due", []any{f.DueBy.UnixMicro()}
		}
		found = nil
		return r.query(name, func(r *sql.Rows) error {
			one, err := scanSchedule(r)
			if f.DueBy.IsZero() || isDue(one, f.DueBy) {
				found = append(found, one)
			}
			return err
		}, args...)
	})
	slices.SortFunc(found, func(a, b store.Schedule) int { return strings.Compare(a.Name, b.Name) })
	return found, err
}

func isDue(s store.Schedule, by time.Time) bool {
	return s.PausedAt.IsZero() && !s.DueAt.IsZero() && !s.DueAt.After(by)
}

func scanSchedule(r *sql.Rows) (one store.Schedule, err error) {
	var definition, code string
	var next, due, last, paused, saved sql.NullInt64
	err = r.Scan(&one.Name, &one.Revision, &definition, &code, &next, &due, &last, &one.LastJob, &paused, &one.PauseReason, &saved)
	one.Read([]byte(definition), []byte(code))
	one.NextTick, one.DueAt, one.LastTick = timeOf(next), timeOf(due), timeOf(last)
	one.PausedAt, one.SavedAt = timeOf(paused), timeOf(saved)
	return one, err
}

// SaveSchedules stores those that are still at their revision.
func (s *Store) SaveSchedules(ctx context.Context, schedules []store.Schedule, now time.Time, by *store.AuditEntry) ([]bool, error) {
	saved := make([]bool, len(schedules))
	err := s.do(ctx, &request{rank: rankControl, durable: true, run: func(s *session) (err error) {
		for i := range schedules {
			if saved[i], err = saveSchedule(s, &schedules[i]); err != nil {
				return err
			}
		}
		if slices.Contains(saved, true) {
			_, err = newNoting(by, now).note(s, nil)
		}
		return err
	}})
	if err != nil {
		return nil, err // what the writer may still be filling in
	}
	return saved, nil
}

func saveSchedule(s *session, one *store.Schedule) (bool, error) {
	definition, code, err := one.Texts()
	if err != nil {
		return false, err
	}
	statement := "change_schedule"
	if one.Revision == 0 {
		statement = "add_schedule"
	}
	changed, err := s.exec(statement, one.Name, one.Revision, definition, code, nullableTime(one.NextTick), nullableTime(one.DueAt),
		nullableTime(one.LastTick), one.LastJob, nullableTime(one.PausedAt), one.PauseReason, nullableTime(one.SavedAt))
	return changed > 0, err
}

func nullableTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// Tick takes steps of schedules, all in one transaction.
func (s *Store) Tick(ctx context.Context, ticks []store.Tick, now time.Time, by *store.AuditEntry) ([]store.Ticked, error) {
	now = orNow(now)
	size := 0
	for _, tick := range ticks {
		for _, job := range tick.Jobs {
			size += rowSize + len(job.Job.Args) + len(job.Job.Metadata)
		}
	}
	var answers []store.Ticked
	err := s.do(ctx, &request{rank: rankEnqueue, durable: true, size: size, run: func(s *session) error {
		var enqueued []int64
		answers = make([]store.Ticked, len(ticks))
		for i := range ticks {
			if err := tick(s, &ticks[i], &answers[i], now); err != nil {
				return err
			}
			enqueued = append(enqueued, answers[i].Jobs...)
		}
		if len(enqueued) == 0 {
			return nil
		}
		_, err := newNoting(by, now).note(s, enqueued)
		return err
	}})
	if err != nil {
		return nil, err // what the writer may still be filling in
	}
	return answers, nil
}

func tick(s *session, t *store.Tick, answer *store.Ticked, now time.Time) (err error) {
	if answer.Accepted, err = saveSchedule(s, &t.Schedule); err != nil || !answer.Accepted {
		return err
	}
	jobs := make([]enqueuing, 0, len(t.Jobs))
	answer.Answers = make([]store.Enqueued, len(t.Jobs))
	for i, job := range t.Jobs {
		if !job.At.IsZero() {
			if added, err := s.exec("add_tick", t.Schedule.Name, job.At.UnixMicro()); err != nil {
				return err
			} else if added == 0 {
				continue
			}
		}
		jobs = append(jobs, enqueuing{job.Job, now, &answer.Answers[i]})
	}
	if err := enqueueTick(s, jobs); err != nil {
		return err
	}
	for _, one := range answer.Answers {
		if one.ID != 0 {
			answer.Jobs = append(answer.Jobs, one.ID)
		}
	}
	if len(answer.Jobs) > 0 {
		if _, err := s.exec("note_last_job", t.Schedule.Name, answer.Jobs[len(answer.Jobs)-1]); err != nil {
			return err
		}
	}
	if len(jobs) == 0 {
		return nil
	}
	_, err = s.exec("prune_ticks", t.Schedule.Name, keptTicks)
	return err
}

// enqueueTick stores the jobs of a step: one by one if some have a key, since the one that
// must not meet a holder fails none of the others.
func enqueueTick(s *session, jobs []enqueuing) error {
	if len(jobs) == 0 {
		return nil
	}
	if !slices.ContainsFunc(jobs, func(e enqueuing) bool { return e.job.Options.UniqueKey() != nil }) {
		return insertJobs(s, jobs)
	}
	for i := range jobs {
		if err := (&uniquely{jobs: jobs[i : i+1], now: jobs[i].now}).run(s); err != nil {
			return err
		}
	}
	return nil
}

// DeleteSchedules removes schedules.
func (s *Store) DeleteSchedules(ctx context.Context, names []string, by *store.AuditEntry) (int, error) {
	var deleted int64
	err := s.do(ctx, &request{rank: rankControl, durable: true, run: func(s *session) error {
		deleted = 0
		for _, name := range names {
			n, err := s.exec("delete_schedule", name)
			if err != nil {
				return err
			}
			if _, err := s.exec("delete_ticks", name); err != nil {
				return err
			}
			deleted += n
		}
		if deleted == 0 {
			return nil
		}
		_, err := newNoting(by, time.Time{}).note(s, nil)
		return err
	}})
	if err != nil {
		return 0, err // what the writer may still be filling in
	}
	return int(deleted), nil
}
