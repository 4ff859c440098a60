package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// keptTicks is how many instants of a schedule are remembered. It moves forward only, so
// that more are not needed: they are for a row that somebody has set back.
const keptTicks = 1000

// Schedules returns schedules by name.
func (s *Store) Schedules(ctx context.Context, f store.ScheduleFilter) ([]store.Schedule, error) {
	var found []store.Schedule
	err := s.readOnce(ctx, func(r *session) error {
		name, args := "schedules", []any(nil)
		switch {
		case f.Names != nil:
			name, args = "schedules_named", []any{f.Names}
		case !f.DueBy.IsZero():
			name, args = "schedules_due", []any{f.DueBy}
		}
		found = nil
		return r.query(name, func(r row) error {
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

func scanSchedule(r row) (one store.Schedule, err error) {
	var definition, code string
	var next, due, last, paused, saved pgtype.Timestamptz
	err = r.Scan(&one.Name, &one.Revision, &definition, &code, &next, &due, &last, &one.LastJob, &paused, &one.PauseReason, &saved)
	one.Read([]byte(definition), []byte(code))
	one.NextTick, one.DueAt, one.LastTick = timeOf(next), timeOf(due), timeOf(last)
	one.PausedAt, one.SavedAt = timeOf(paused), timeOf(saved)
	return one, err
}

// SaveSchedules stores those that are still at their revision.
func (s *Store) SaveSchedules(ctx context.Context, schedules []store.Schedule, now time.Time, by *store.AuditEntry) ([]bool, error) {
	saved := make([]bool, len(schedules))
	err := s.inOneTx(ctx, func(s *session) (err error) {
		for i := range schedules {
			if saved[i], err = saveSchedule(s, &schedules[i]); err != nil {
				return err
			}
		}
		if slices.Contains(saved, true) {
			_, err = s.store.newNoting(by, now).note(s, nil)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return saved, nil
}

// inOneTx runs fn in a transaction, and once more if nothing has come of the first.
func (s *Store) inOneTx(ctx context.Context, fn func(*session) error) error {
	return s.scheduleIn(ctx, s.pool, fn)
}

func (s *Store) scheduleIn(ctx context.Context, in beginner, fn func(*session) error) error {
	if err := s.alive(ctx); err != nil {
		return err
	}
	again := func(err error) bool { return harmless(err) && !keyTaken(err) }
	err := s.insist(ctx, again, func() error { return s.inTx(ctx, in, fn) })
	if keyTaken(err) {
		return fmt.Errorf("%w: a transaction that has not ended has taken the unique key of a scheduled job, or has its holder in hand: %w", store.ErrConflict, err)
	}
	return s.classify(ctx, err)
}

// saveSchedule takes the lock of the row: whoever waits for it finds another revision.
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

func nullableTime(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}

// Tick takes steps of schedules, all in one transaction.
func (s *Store) Tick(ctx context.Context, ticks []store.Tick, now time.Time, by *store.AuditEntry) ([]store.Ticked, error) {
	now = s.orNow(now)
	var answers []store.Ticked
	var n *news
	var in beginner = s.pool
	if slices.ContainsFunc(ticks, func(t store.Tick) bool { return slices.ContainsFunc(t.Jobs, hasKeyAt) }) {
		in = uniqueBeginning{s.pool}
	}
	err := s.scheduleIn(ctx, in, func(s *session) error {
		var enqueued []int64
		answers, n = make([]store.Ticked, len(ticks)), &news{}
		for i := range ticks {
			if err := tick(s, &ticks[i], &answers[i], n, now); err != nil {
				return err
			}
			enqueued = append(enqueued, answers[i].Jobs...)
		}
		if len(enqueued) == 0 {
			return nil
		}
		_, err := s.store.newNoting(by, now).note(s, enqueued)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.tell(n)
	return answers, nil
}

func tick(s *session, t *store.Tick, answer *store.Ticked, n *news, now time.Time) (err error) {
	if answer.Accepted, err = saveSchedule(s, &t.Schedule); err != nil || !answer.Accepted {
		return err
	}
	jobs, places := make([]store.NewJob, 0, len(t.Jobs)), make([]int, 0, len(t.Jobs))
	for i, job := range t.Jobs {
		if !job.At.IsZero() {
			if added, err := s.exec("add_tick", t.Schedule.Name, micro(job.At)); err != nil {
				return err
			} else if added == 0 {
				continue
			}
		}
		jobs, places = append(jobs, job.Job), append(places, i)
	}
	stored, err := enqueueTick(s, jobs, n, now)
	if err != nil {
		return err
	}
	answer.Answers = make([]store.Enqueued, len(t.Jobs))
	for i, one := range stored {
		if answer.Answers[places[i]] = one; one.ID != 0 {
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

func hasKeyAt(job store.TickJob) bool { return job.Job.Options.UniqueKey() != nil }

// enqueueTick stores the jobs of a step: one by one if some have a key, since the one that
// must not meet a holder fails none of the others.
func enqueueTick(s *session, jobs []store.NewJob, n *news, now time.Time) ([]store.Enqueued, error) {
	if len(jobs) == 0 {
		return nil, nil
	}
	if !hasKey(jobs) {
		e := &enqueuing{store: s.store}
		e.add(jobs, now)
		name, args := e.statement()
		found, err := s.on.Query(s.ctx, s.store.query(name), args...)
		if err == nil {
			err = e.scan(found)
		}
		if err != nil {
			return nil, fmt.Errorf("enqueue: %w", err)
		}
		e.committed(n)
		return e.answers, nil
	}
	answers := make([]store.Enqueued, len(jobs))
	for i := range jobs {
		u := &uniquely{store: s.store, jobs: jobs[i : i+1], now: now}
		switch err := u.run(s); {
		case errors.Is(err, store.ErrDuplicate):
			continue
		case err != nil:
			return nil, err
		}
		answers[i] = u.answers[0]
		n.merge(&u.news)
	}
	return answers, nil
}

// DeleteSchedules removes schedules.
func (s *Store) DeleteSchedules(ctx context.Context, names []string, by *store.AuditEntry) (int, error) {
	var deleted int64
	err := s.inOneTx(ctx, func(s *session) error {
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
		_, err := s.store.newNoting(by, time.Time{}).note(s, nil)
		return err
	})
	if err != nil {
		return 0, err
	}
	return int(deleted), nil
}
