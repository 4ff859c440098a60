package storetest

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// instant is one of a schedule.
type instant struct {
	schedule string
	at       int64 // in microseconds
}

// Schedules returns schedules by name.
func (r *Reference) Schedules(ctx context.Context, f store.ScheduleFilter) (found []store.Schedule, err error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.schedules)) {
		one := r.schedules[name]
		due := one.PausedAt.IsZero() && !one.DueAt.IsZero() && !one.DueAt.After(f.DueBy)
		if (f.Names == nil || slices.Contains(f.Names, name)) && (f.DueBy.IsZero() || due) {
			found = append(found, one)
		}
	}
	return found, nil
}

// SaveSchedules stores those that are still at their revision.
func (r *Reference) SaveSchedules(ctx context.Context, schedules []store.Schedule, now time.Time, by *store.AuditEntry) ([]bool, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	saved := make([]bool, len(schedules))
	for i, one := range schedules {
		saved[i] = r.saveSchedule(one)
	}
	if slices.Contains(saved, true) {
		r.note(by, nil, orNow(now))
	}
	return saved, nil
}

func (r *Reference) saveSchedule(one store.Schedule) bool {
	if r.schedules[one.Name].Revision != one.Revision {
		return false
	}
	one.Revision++
	r.schedules[one.Name] = one
	return true
}

// Tick takes steps of schedules.
func (r *Reference) Tick(ctx context.Context, ticks []store.Tick, now time.Time, by *store.AuditEntry) ([]store.Ticked, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	var enqueued []int64
	answers := make([]store.Ticked, len(ticks))
	for i, t := range ticks {
		if answers[i].Accepted = r.saveSchedule(t.Schedule); answers[i].Accepted {
			r.tick(t, &answers[i], orNow(now))
			enqueued = append(enqueued, answers[i].Jobs...)
		}
	}
	r.noteJobs(by, enqueued, orNow(now))
	return answers, nil
}

func (r *Reference) tick(t store.Tick, answer *store.Ticked, now time.Time) {
	answer.Answers = make([]store.Enqueued, len(t.Jobs))
	for i, one := range t.Jobs {
		at := instant{t.Schedule.Name, one.At.UnixMicro()}
		if !one.At.IsZero() && r.ticks[at] {
			continue
		}
		if !one.At.IsZero() {
			r.ticks[at] = true
		}
		stored, err := r.enqueue([]store.NewJob{one.Job}, now)
		if err != nil {
			continue // of ConflictFail
		}
		answer.Answers[i] = stored[0]
		answer.Jobs = append(answer.Jobs, stored[0].ID)
		schedule := r.schedules[t.Schedule.Name]
		schedule.LastJob = stored[0].ID
		r.schedules[t.Schedule.Name] = schedule
	}
}

// DeleteSchedules removes schedules.
func (r *Reference) DeleteSchedules(ctx context.Context, names []string, by *store.AuditEntry) (deleted int, err error) {
	if err := r.begin(ctx); err != nil {
		return 0, err
	}
	defer r.mu.Unlock()
	for _, name := range names {
		if _, known := r.schedules[name]; known {
			deleted++
		}
		delete(r.schedules, name)
		maps.DeleteFunc(r.ticks, func(i instant, _ bool) bool { return i.schedule == name })
	}
	if deleted > 0 {
		r.note(by, nil, orNow(time.Time{}))
	}
	return deleted, nil
}
