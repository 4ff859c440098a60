package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

const (
	// reconcileEvery is how often a process looks whether its definitions still hold.
	reconcileEvery = time.Minute
	// tickSlice bounds the schedules of one transaction.
	tickSlice = 50
)

// ticker enqueues the jobs of schedules when they are due. Every process does: the one that
// comes first takes the step, and the others find it taken.
type ticker struct {
	*Engine
	dice         dice
	trouble      trouble
	reconciled   time.Time // when the definitions in code were last compared with the store's
	reconciledAs int64     // as which process
	said         map[string]time.Time
	resting      map[string]resting // by name
}

func (e *Engine) newTicker() *ticker {
	d := e.newDice()
	return &ticker{Engine: e, dice: d, trouble: trouble{dice: d}, said: map[string]time.Time{}, resting: map[string]resting{}}
}

// tick takes the steps that are due, and waits for the next.
func (t *ticker) tick(ctx context.Context) time.Duration {
	next, err := t.all(ctx)
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil:
		return t.trouble.met(t.log, "keep schedules", err)
	}
	t.trouble.over(t.log, "keep schedules")
	poll := t.dice.vary(t.horizon())
	if next.IsZero() {
		return poll
	}
	return min(poll, max(time.Millisecond, next.Sub(t.now())+time.Microsecond))
}

// tickPoll is the least time between two looks at schedules that nobody in this process
// has changed: few change by the second, and an idle process costs little.
const tickPoll = 5 * time.Second

// horizon is how far ahead it looks.
func (t *ticker) horizon() time.Duration { return min(max(t.pollInterval(), tickPoll), time.Hour) }

// all returns when the next schedule is due, if that is soon.
func (t *ticker) all(ctx context.Context) (next time.Time, err error) {
	if err := t.reconcile(ctx); err != nil {
		return time.Time{}, err
	}
	now := t.now()
	soon, err := t.store.Schedules(ctx, store.ScheduleFilter{DueBy: now.Add(2 * t.horizon())})
	if err != nil {
		return time.Time{}, err
	}
	var due []store.Tick
	for _, s := range soon {
		switch {
		case !t.keeps(&s):
		case s.DueAt.After(now):
			next = sooner(next, s.DueAt)
		case t.resting[s.Name].until.After(now):
			next = sooner(next, t.resting[s.Name].until)
		default:
			if step, ok := t.step(ctx, s, now); ok {
				due = append(due, step)
			}
		}
	}
	if len(due) == 0 {
		return next, nil
	}
	for slice := range slices.Chunk(due, tickSlice) {
		if err := t.take(ctx, slice, now); err != nil {
			return time.Time{}, err
		}
	}
	return now, nil // some may be due again
}

// sooner is the earlier of two times; the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// keeps reports whether this process takes the steps of a schedule: one that is defined
// in code belongs to the programs that define it as the store has it. So one whose
// definition has gone from the code is due no more when the last such program has.
func (t *ticker) keeps(s *store.Schedule) bool {
	if s.Code.Hash == "" {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	d, defined := t.schedules[s.Name]
	return defined && d.hash == s.Code.Hash
}

func (t *ticker) step(ctx context.Context, s store.Schedule, now time.Time) (store.Tick, bool) {
	runs := false
	if s.Definition.SkipIfRunning && s.LastJob != 0 {
		last, err := t.store.Get(ctx, s.LastJob)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			t.say(ctx, s.Name, err)
			return store.Tick{}, false
		}
		runs = err == nil && !last.Status.Finished()
	}
	step, err := step(s, now, runs)
	if err != nil {
		t.say(ctx, s.Name, err)
		return store.Tick{}, false
	}
	return step, true
}

// TickFunc takes the steps of schedules, as store.Store.Tick does for nobody.
type TickFunc func(ctx context.Context, steps []store.Tick, now time.Time) ([]store.Ticked, error)

// stepPatience bounds the taking of steps: what surrounds it may be somebody else's code,
// and other schedules wait.
const stepPatience = 15 * time.Second

func (t *ticker) takeSteps(ctx context.Context, steps []store.Tick, now time.Time) error {
	ctx, done := context.WithTimeout(ctx, stepPatience)
	defer done()
	tick := t.cfg.Tick
	if tick == nil {
		tick = func(ctx context.Context, steps []store.Tick, now time.Time) ([]store.Ticked, error) {
			return t.store.Tick(ctx, steps, now, nil)
		}
	}
	_, err := tick(ctx, steps, now)
	return err
}

// take stores steps. If that fails they are tried one by one, so that a bad one does not
// stop the others. It stays due, and is tried again in a while.
func (t *ticker) take(ctx context.Context, steps []store.Tick, now time.Time) error {
	err := t.takeSteps(ctx, steps, now)
	switch {
	case err == nil:
		for i := range steps {
			delete(t.resting, steps[i].Schedule.Name)
		}
		return nil
	case ctx.Err() != nil || errors.Is(err, store.ErrUnavailable):
		return err
	case len(steps) == 1:
		t.rest(ctx, steps[0].Schedule.Name, err)
		return nil
	}
	for i := range steps {
		if err := t.take(ctx, steps[i:i+1], now); err != nil {
			return err
		}
	}
	return nil
}

// resting is a schedule whose steps cannot be taken.
type resting struct {
	wait  time.Duration
	until time.Time
}

const (
	firstRest   = time.Second
	longestRest = time.Minute
)

// rest lets a schedule alone for a while.
func (t *ticker) rest(ctx context.Context, name string, err error) {
	t.say(ctx, name, err)
	wait := min(max(2*t.resting[name].wait, firstRest), longestRest)
	t.resting[name] = resting{wait, t.now().Add(t.dice.vary(wait))}
}

// say reports that a schedule cannot be kept, once in a while.
func (t *ticker) say(ctx context.Context, name string, err error) {
	if ctx.Err() != nil || time.Since(t.said[name]) < sayAgain {
		return
	}
	if len(t.said) > 1000 {
		clear(t.said)
	}
	t.said[name] = time.Now()
	t.log.Error("a schedule cannot be kept; the others go on", "schedule", name, "error", err)
}

// AddSchedule defines a schedule in code, on an engine that works or will.
func (e *Engine) AddSchedule(name string, d store.ScheduleDefinition) {
	e.mu.Lock()
	e.schedules[name] = defined{d, hashOf(d)}
	e.unreconciled = true
	e.mu.Unlock()
	e.SchedulesChanged()
}

// SchedulesChanged lets the engine look at once.
func (e *Engine) SchedulesChanged() { nudge(e.tickSoon) }

// reconcile compares the definitions in code with those in the store, now and then.
func (t *ticker) reconcile(ctx context.Context) error {
	t.mu.Lock()
	definitions := maps.Clone(t.schedules)
	news := t.unreconciled
	t.unreconciled = false
	t.mu.Unlock()
	self := t.processID.Load()
	if len(definitions) == 0 || !news && self == t.reconciledAs && time.Since(t.reconciled) < reconcileEvery {
		return nil
	}
	if err := t.reconcileAll(ctx, definitions, self); err != nil {
		t.mu.Lock()
		t.unreconciled = true
		t.mu.Unlock()
		return fmt.Errorf("save the schedules that are defined in code: %w", err)
	}
	t.reconciled, t.reconciledAs = time.Now(), self
	return nil
}

// reconcileAll saves what differs, again and again as long as others change the same.
func (t *ticker) reconcileAll(ctx context.Context, definitions map[string]defined, self int64) error {
	names := slices.Sorted(maps.Keys(definitions))
	for {
		changed, err := t.differing(ctx, names, definitions, self)
		if err != nil || len(changed) == 0 {
			return err
		}
		saved, err := t.store.SaveSchedules(ctx, changed, t.now(), nil)
		if err != nil {
			return err
		}
		if !slices.Contains(saved, false) {
			return nil
		}
	}
}

// differing lists the schedules as they should be that are not.
func (t *ticker) differing(ctx context.Context, names []string, definitions map[string]defined, self int64) (changed []store.Schedule, err error) {
	stored, err := t.store.Schedules(ctx, store.ScheduleFilter{Names: names})
	if err != nil {
		return nil, err
	}
	processes, err := t.store.Processes(ctx)
	if err != nil {
		return nil, err
	}
	alive := func(id int64) bool {
		return slices.ContainsFunc(processes, func(p store.Process) bool { return p.ID == id })
	}
	for _, name := range names {
		s := store.Schedule{Name: name}
		if i := slices.IndexFunc(stored, func(s store.Schedule) bool { return s.Name == name }); i >= 0 {
			s = stored[i]
		}
		is, differs, err := reconcile(s, definitions[name], self, alive, t.now())
		switch {
		case err != nil:
			t.say(ctx, name, err)
		case differs:
			changed = append(changed, is)
		}
	}
	return changed, nil
}
