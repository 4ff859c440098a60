package later

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/internal/envelope"
	"github.com/laterjobs/later/store"
)

// Schedule is a recurring rule and the job that it enqueues, as stored. A job that comes
// of one has the schedule's name and the time it was due in its Options.
type Schedule struct {
	Name     string          `json:"name"`
	Rule     string          `json:"rule"`
	Zone     string          `json:"zone,omitempty"` // empty: UTC
	Type     string          `json:"type"`
	Queue    string          `json:"queue"`
	Args     json.RawMessage `json:"args"`
	InCode   bool            `json:"in_code"`            // some program defines it; else SaveSchedule made it
	Edited   bool            `json:"edited,omitempty"`   // SaveSchedule or EditSchedule has changed what is in code
	NextRun  time.Time       `json:"next_run,omitzero"`  // jitter included; zero: never, or paused
	LastTick time.Time       `json:"last_tick,omitzero"` // the last time of the rule that has been dealt with
	LastJob  int64           `json:"last_job,omitempty"` // the job that it enqueued last

	Missed        store.MissedTicks `json:"missed,omitempty"`   // what becomes of times at which no process was there; empty: one job for all
	CatchUp       int               `json:"catch_up,omitempty"` // with store.CatchUpMost: how many at most
	SkipIfRunning bool              `json:"skip_if_running,omitempty"`
	Jitter        time.Duration     `json:"jitter,omitempty"` // it is late by a part of this, always the same; nanoseconds

	PausedAt    time.Time `json:"paused_at,omitzero"`
	PauseReason string    `json:"pause_reason,omitempty"`
	SavedAt     time.Time `json:"saved_at,omitzero"`
	Problem     string    `json:"problem,omitempty"` // why it cannot be kept

	definition store.ScheduleDefinition
}

// NextRuns are the next n times of the schedule's rule, after now, without jitter.
func (s Schedule) NextRuns(n int) ([]time.Time, error) { return nextRuns(s.definition, time.Now(), n) }

// Schedule defines a schedule in code: from Start on, the JobQueue enqueues the call
// whenever the rule is due, once, however many processes define the same. Mistakes are
// returned, and reported by Start again.
//
// The definition is stored when the JobQueue starts. In a deploy, programs with the old
// and the new definition may run side by side: the new one counts as soon as one of them
// has started, and the old one again only if no program has the new one any more. When
// all programs that define a schedule are gone, it is due no more.
func (q *JobQueue) Schedule(name string, rule Rule, call Call, opts ...ScheduleOption) error {
	d, err := q.scheduleDefinition(name, rule, call, opts)
	q.mu.Lock()
	defer q.mu.Unlock()
	if _, taken := q.scheduled[name]; taken && err == nil {
		err = fmt.Errorf("%w: two schedules are named %q", ErrInvalidOption, name)
	}
	if err != nil {
		q.scheduleErrs = append(q.scheduleErrs, err)
		return err
	}
	q.scheduled[name] = d
	if q.engine != nil {
		q.engine.AddSchedule(name, d)
	}
	return nil
}

// scheduleDefinition checks everything and reports all mistakes.
func (q *JobQueue) scheduleDefinition(name string, rule Rule, call Call, opts []ScheduleOption) (store.ScheduleDefinition, error) {
	s := scheduling{definition: store.ScheduleDefinition{Rule: rule.text, Zone: rule.zone}}
	if rule.text == "" && rule.err == nil {
		s.refuse("its rule is the zero Rule: use what Cron or Every returns")
	}
	for _, opt := range opts {
		opt.schedule(&s)
	}
	problems := append([]error{rule.err, checkName("schedule", name), call.check(q.cfg.MaxArgs)}, s.problems...)
	if !call.at.IsZero() || call.in != 0 || call.deadlines != nil && (!call.deadlines.startBy.IsZero() || !call.deadlines.finishBy.IsZero()) {
		problems = append(problems, errors.New("its job has a time of its own (At, In, StartBy or FinishBy); the rule says when"))
	}
	if err := errors.Join(problems...); err != nil {
		return store.ScheduleDefinition{}, fmt.Errorf("%w: schedule %q: %w", ErrInvalidOption, name, err)
	}
	args, err := call.sealArgs(q.cfg.MaxArgs)
	if err != nil {
		return store.ScheduleDefinition{}, fmt.Errorf("schedule %q: %w", name, err)
	}
	s.definition.Job = call.newJob(time.Unix(0, 0))
	s.definition.Job.Args, s.definition.Sealed = args, envelope.Is(args)
	return s.definition, nil
}

// SaveSchedule makes a schedule, or changes one: rule, job and options become what is
// given. It stays until DeleteSchedule. A change to one that is defined in code stands until
// the definition in code changes.
func (q *JobQueue) SaveSchedule(ctx context.Context, name string, rule Rule, call Call, opts ...ScheduleOption) error {
	d, err := q.scheduleDefinition(name, rule, call, opts)
	if err != nil {
		return err
	}
	by := q.entry(ctx, "save", "schedule", name, "")
	by.After = ruleText(&d)
	return q.changeSchedule(ctx, by, func(s *store.Schedule) error {
		if by.Before = ""; s.Revision != 0 {
			by.Before = ruleText(&s.Definition)
		}
		s.Code.Edited = s.Code.Hash != ""
		return engine.Define(s, d, q.now())
	})
}

// EditSchedule changes the rule of a schedule and, unless args is nil, the arguments of its
// job, which are checked as Enqueue does. All else stays as it is. A change to one that is
// defined in code stands until the definition in code changes. ErrNotFound: there is none.
func (q *JobQueue) EditSchedule(ctx context.Context, name string, rule Rule, args json.RawMessage) error {
	by := q.entry(ctx, "save", "schedule", name, "")
	err := rule.err
	if err == nil {
		_, err = engine.RuleOf(&store.Schedule{Name: name, Definition: store.ScheduleDefinition{Rule: rule.text, Zone: rule.zone}})
	}
	if err != nil {
		return fmt.Errorf("%w: edit: %w", ErrInvalidOption, err)
	}
	return q.changeSchedule(ctx, by, func(s *store.Schedule) error {
		if s.Revision == 0 {
			return ErrNotFound
		}
		d := s.Definition
		if d.Rule, d.Zone = rule.text, rule.zone; args != nil {
			if err := q.editArgs(ctx, &d, args); err != nil {
				return err
			}
		}
		by.Before, by.After = ruleText(&s.Definition), ruleText(&d)
		s.Code.Edited = s.Code.Hash != ""
		return engine.Define(s, d, q.now())
	})
}

// editArgs gives the job of a schedule other arguments, and the unique key that follows
// from them.
func (q *JobQueue) editArgs(ctx context.Context, d *store.ScheduleDefinition, args json.RawMessage) error {
	call, err := q.callByName(ctx, d.Job.Type, args, nil)
	if err == nil {
		err = call.check(q.cfg.MaxArgs)
	}
	if err != nil {
		return err
	}
	if d.Job.Args, err = call.sealArgs(q.cfg.MaxArgs); err != nil {
		return err
	}
	d.Sealed = envelope.Is(d.Job.Args)
	if made := call.newJob(time.Unix(0, 0)).Options; made != nil && made.Unique != nil {
		options := store.Options{}
		if d.Job.Options != nil {
			options = *d.Job.Options
		}
		options.Unique = made.Unique
		d.Job.Options = &options
	}
	return nil
}

// ruleText is what is noted of a definition: when it is due, and which job.
func ruleText(d *store.ScheduleDefinition) string {
	text := d.Rule
	if d.Zone != "" {
		text += " " + d.Zone
	}
	return engine.Printable(text+", "+d.Job.Type+" in "+d.Job.Queue, maxReason)
}

// PauseSchedule lets a schedule enqueue nothing until ResumeSchedule. The reason is shown
// to people.
func (q *JobQueue) PauseSchedule(ctx context.Context, name, reason string) error {
	by := q.entry(ctx, "pause", "schedule", name, reason)
	return q.changeSchedule(ctx, by, func(s *store.Schedule) error {
		if s.Revision == 0 {
			return ErrNotFound
		}
		s.PausedAt, s.PauseReason = q.now(), by.Reason
		s.DueAt = time.Time{}
		return nil
	})
}

// ResumeSchedule lets a paused schedule go on. What was due meanwhile is not made up for.
func (q *JobQueue) ResumeSchedule(ctx context.Context, name string) error {
	return q.changeSchedule(ctx, q.entry(ctx, "resume", "schedule", name, ""), func(s *store.Schedule) error {
		if s.Revision == 0 {
			return ErrNotFound
		}
		if s.PausedAt.IsZero() {
			return nil
		}
		s.PausedAt, s.PauseReason = time.Time{}, ""
		return engine.Restart(s, q.now())
	})
}

// DeleteSchedule removes a schedule. One that is defined in code comes back when a program
// that defines it starts. The jobs that it has enqueued stay.
func (q *JobQueue) DeleteSchedule(ctx context.Context, name string) error {
	by := q.entry(ctx, "delete", "schedule", name, "")
	deleted, err := q.store.DeleteSchedules(ctx, []string{name}, by)
	if err == nil && deleted == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("delete schedule %q: %w", name, err)
	}
	q.logChange(ctx, by, 0)
	return nil
}

// RunSchedule enqueues the schedule's job now, even if it is paused. When it is due next
// does not change. A *DuplicateError: another job holds its unique key, and it is to Fail.
func (q *JobQueue) RunSchedule(ctx context.Context, name string) (Job, error) {
	by := q.entry(ctx, "run", "schedule", name, "")
	for {
		s, err := q.storedSchedule(ctx, name)
		switch {
		case err != nil:
		case s.Revision == 0:
			err = ErrNotFound
		case s.Problem != "":
			err = errors.New(s.Problem)
		}
		if err != nil {
			return Job{}, fmt.Errorf("run schedule %q: %w", name, err)
		}
		now := q.now()
		job := engine.JobOf(&s, time.Time{}, now)
		ticked, err := q.tickBy(ctx, []store.Tick{{Schedule: s, Jobs: []store.TickJob{{Job: job}}}}, now, by)
		switch {
		case err != nil:
			return Job{}, fmt.Errorf("run schedule %q: %w", name, err)
		case ticked[0].Accepted:
			q.logChange(ctx, by, 1)
			return q.ranByHand(ctx, name, job, ticked[0], now)
		}
	}
}

// Schedules are all schedules, by name.
func (q *JobQueue) Schedules(ctx context.Context) ([]Schedule, error) {
	stored, err := q.store.Schedules(ctx, store.ScheduleFilter{})
	if err != nil {
		return nil, fmt.Errorf("schedules: %w", err)
	}
	schedules := make([]Schedule, len(stored))
	for i := range stored {
		schedules[i] = shownSchedule(&stored[i])
	}
	return schedules, nil
}

func shownSchedule(s *store.Schedule) Schedule {
	if _, err := engine.RuleOf(s); err != nil && s.Problem == "" {
		s.Problem = err.Error()
	}
	d := s.Definition
	return Schedule{
		Name: s.Name, Rule: d.Rule, Zone: d.Zone, Type: d.Job.Type, Queue: d.Job.Queue, Args: d.Job.Args,
		InCode: s.Code.Hash != "", Edited: s.Code.Edited, NextRun: s.DueAt, LastTick: s.LastTick, LastJob: s.LastJob,
		Missed: d.Missed, CatchUp: d.CatchUp, SkipIfRunning: d.SkipIfRunning, Jitter: d.Jitter,
		PausedAt: s.PausedAt, PauseReason: s.PauseReason, SavedAt: s.SavedAt, Problem: s.Problem, definition: d,
	}
}

// changeSchedule changes a schedule as it is, however often others change it meanwhile. One
// that does not exist has revision 0.
func (q *JobQueue) changeSchedule(ctx context.Context, by *store.AuditEntry, change func(*store.Schedule) error) error {
	name := by.Target
	for {
		s, err := q.storedSchedule(ctx, name)
		if err == nil {
			err = change(&s)
		}
		var saved []bool
		if err == nil {
			saved, err = q.store.SaveSchedules(ctx, []store.Schedule{s}, q.now(), by)
		}
		if err != nil {
			return fmt.Errorf("%s schedule %q: %w", by.Action, name, err)
		}
		if saved[0] {
			break
		}
	}
	q.logChange(ctx, by, 0)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.engine != nil {
		q.engine.SchedulesChanged()
	}
	return nil
}

func (q *JobQueue) storedSchedule(ctx context.Context, name string) (store.Schedule, error) {
	stored, err := q.store.Schedules(ctx, store.ScheduleFilter{Names: []string{name}})
	if err != nil || len(stored) == 0 {
		return store.Schedule{Name: name}, err
	}
	return stored[0], nil
}

// schedulesInCode are those of Schedule and those that registered definitions carry. It
// runs under the mutex.
func (q *JobQueue) schedulesInCode() (map[string]store.ScheduleDefinition, error) {
	all, problems := maps.Clone(q.scheduled), slices.Clone(q.scheduleErrs)
	for name, h := range q.handlers {
		on := h.definition.onSchedule
		if on == nil || name != h.definition.name {
			continue
		}
		if _, taken := q.scheduled[name]; taken {
			problems = append(problems, fmt.Errorf("%w: two schedules are named %q: one of OnSchedule, one of Schedule", ErrInvalidOption, name))
			continue
		}
		d, err := q.scheduleDefinition(name, on.rule, h.definition.zeroCall(), on.opts)
		if err != nil {
			err = fmt.Errorf("OnSchedule enqueues the zero value of the arguments: %w", err)
		}
		all[name], problems = d, append(problems, err)
	}
	return all, errors.Join(problems...)
}
