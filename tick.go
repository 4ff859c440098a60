package later

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/laterjobs/later/internal/envelope"
	"github.com/laterjobs/later/store"
)

// tickCall is what a call has that comes of a schedule.
type tickCall struct {
	step     int // which one of those that are taken together
	at       time.Time
	schedule string
}

// ticking is steps of schedules on their way through the middleware of their jobs.
type ticking struct {
	queue  *JobQueue
	steps  []store.Tick
	now    time.Time
	by     *store.AuditEntry // who wants them; nil: the schedules
	ticked []store.Ticked    // nil: not stored yet
}

// tick takes the steps of schedules, and lets their jobs go through the middleware
// together, as those of any enqueue. What fails before they are stored leaves the steps
// as they are, and the schedules due.
func (q *JobQueue) tick(ctx context.Context, steps []store.Tick, now time.Time) ([]store.Ticked, error) {
	return q.tickBy(ctx, steps, now, nil)
}

// tickBy is tick for somebody.
func (q *JobQueue) tickBy(ctx context.Context, steps []store.Tick, now time.Time, by *store.AuditEntry) ([]store.Ticked, error) {
	t := &ticking{queue: q, steps: steps, now: now, by: by}
	calls := t.calls()
	if len(calls) == 0 || !q.surrounded(calls) && !q.events.Wanted() {
		return q.store.Tick(ctx, steps, now, by)
	}
	err := t.surrounded(ctx, calls)
	switch {
	case err != nil && t.ticked == nil:
		return nil, err
	case err != nil: // stored is stored
		q.cfg.Logger.Error("an Enqueue middleware failed after jobs of schedules were stored", "jobs", describe(calls), "error", err)
	case t.ticked == nil: // it wants none of them
		_, err := t.store(ctx, nil)
		return t.ticked, err
	}
	return t.ticked, nil
}

func (t *ticking) surrounded(ctx context.Context, calls []Call) (err error) {
	defer func() { // nobody else would catch it, and the process has other things to do
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("an Enqueue middleware panicked: %v\n%s", panicked, debug.Stack())
		}
	}()
	if err := t.queue.checkCalls(calls); err != nil {
		return err
	}
	_, err = t.queue.throughMiddleware(ctx, calls, t.store)
	return err
}

// calls are the jobs of all steps.
func (t *ticking) calls() (calls []Call) {
	for i, step := range t.steps {
		for _, job := range step.Jobs {
			c := t.queue.callOf(job.Job)
			c.tick = &tickCall{step: i, at: job.At, schedule: step.Schedule.Name}
			calls = append(calls, c)
		}
	}
	return calls
}

// callOf is the call that makes a job.
func (q *JobQueue) callOf(n store.NewJob) Call {
	c := Call{
		jobType: n.Type, args: n.Args, metadata: n.Metadata, user: n.UserID, target: n.TargetID, at: n.RunAt,
		settings: settings{
			queue: n.Queue, priority: n.Priority, maxRetries: n.MaxRetries, timeout: n.Timeout, tags: n.Tags, notifyInTx: n.NotifyInTx,
		},
	}
	q.mu.Lock()
	if h, registered := q.handlers[n.Type]; registered {
		c.definition = h.definition
	}
	q.mu.Unlock()
	if c.definition != nil && envelope.Is(n.Args) {
		if plain, err := c.definition.open(sealedArgs, n.Args); err == nil {
			c.args = plain
		}
	}
	if o := n.Options; o != nil {
		c.carried = o.Carried
		if !o.StartBy.IsZero() || !o.FinishBy.IsZero() {
			c.deadlines = &deadlines{startBy: o.StartBy, finishBy: o.FinishBy}
		}
		if u := o.Unique; u != nil {
			c.uniqueness = &uniqueness{key: u.Key, UniqueRule: store.UniqueRule{Scope: u.Scope, Period: u.Period, OnConflict: n.OnConflict}}
		}
	}
	return c
}

// store takes the steps with the jobs that have come through. Those that a middleware has
// added go before those of the first schedule; of one that it has doubled, the second is
// of no instant.
func (t *ticking) store(ctx context.Context, calls []Call) ([]Job, error) {
	if t.ticked != nil {
		return nil, fmt.Errorf("%w: an Enqueue middleware called next twice for the jobs of schedules", ErrInvalidOption)
	}
	if err := t.queue.checkCalls(calls); err != nil {
		return nil, err
	}
	steps, places, err := t.fill(calls)
	if err != nil {
		return nil, err
	}
	if t.ticked, err = t.queue.store.Tick(ctx, steps, t.now, t.by); err != nil {
		t.ticked = nil
		return nil, fmt.Errorf("enqueue %s of schedules: %w", describe(calls), err)
	}
	jobs, fresh := make([]Job, len(calls)), make([]Job, 0, len(calls))
	for i, at := range places {
		job, answers := steps[at.step].Jobs[at.index].Job, t.ticked[at.step].Answers
		if t.ticked[at.step].Accepted && answers[at.index].ID != 0 {
			jobs[i] = enqueuedJob(job, answers[at.index])
		} else {
			jobs[i] = t.queue.othersJob(ctx, steps[at.step].Schedule.Name, job)
		}
		if !jobs[i].Deduplicated {
			fresh = append(fresh, jobs[i])
		}
	}
	t.queue.tellEnqueued(fresh)
	return jobs, nil
}

// place is where a call is among the steps.
type place struct{ step, index int }

// fill gives the steps the jobs of the calls.
func (t *ticking) fill(calls []Call) ([]store.Tick, []place, error) {
	steps, places := make([]store.Tick, len(t.steps)), make([]place, len(calls))
	for i := range steps {
		steps[i] = store.Tick{Schedule: t.steps[i].Schedule}
	}
	used := map[*tickCall]bool{}
	for _, scheduled := range []bool{false, true} {
		for i := range calls {
			c := &calls[i]
			if (c.tick != nil) != scheduled {
				continue
			}
			job, err := t.newJob(c)
			if err != nil {
				return nil, nil, err
			}
			step, one := 0, store.TickJob{Job: job}
			if scheduled {
				step = c.tick.step
				if !used[c.tick] {
					one.At, used[c.tick] = c.tick.at, true
				}
			}
			places[i] = place{step, len(steps[step].Jobs)}
			steps[step].Jobs = append(steps[step].Jobs, one)
		}
	}
	return steps, places, nil
}

func (t *ticking) newJob(c *Call) (store.NewJob, error) {
	job := c.newJob(t.now)
	if c.tick == nil || !envelope.Is(c.args) { // else as the schedule has it, whose keys may be elsewhere
		args, err := c.sealArgs(t.queue.cfg.MaxArgs)
		if err != nil {
			return job, err
		}
		job.Args = args
	}
	if c.tick != nil {
		var options store.Options
		if job.Options != nil {
			options = *job.Options
		}
		options.Schedule, options.Tick = c.tick.schedule, c.tick.at
		job.Options = &options
	}
	return job, nil
}

// othersJob is the job of an instant that another process has dealt with.
func (q *JobQueue) othersJob(ctx context.Context, schedule string, n store.NewJob) Job {
	job := enqueuedJob(n, store.Enqueued{})
	if s, err := q.storedSchedule(ctx, schedule); err == nil && s.LastJob != 0 {
		if last, err := q.store.Get(ctx, s.LastJob); err == nil {
			job = last
		}
	}
	job.Deduplicated = true
	return job
}

// ranByHand is the job that RunSchedule has enqueued.
func (q *JobQueue) ranByHand(ctx context.Context, name string, n store.NewJob, ticked store.Ticked, now time.Time) (Job, error) {
	if len(ticked.Jobs) > 0 {
		job, err := q.Get(ctx, ticked.Jobs[len(ticked.Jobs)-1])
		if err == nil && len(ticked.Answers) > 0 {
			last := ticked.Answers[len(ticked.Answers)-1]
			job.Deduplicated, job.Replaced = last.Holder != nil, last.Replaced
		}
		return job, err
	}
	if unique := n.Options.UniqueKey(); unique != nil && len(ticked.Answers) > 0 {
		holder, err := q.store.Holder(ctx, n.Type, unique.Key, now)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return Job{}, fmt.Errorf("run schedule %q: %w", name, err)
		}
		return Job{}, fmt.Errorf("run schedule %q: %w", name, &DuplicateError{Type: n.Type, Key: unique.Key, Holder: holder})
	}
	return Job{}, fmt.Errorf("run schedule %q: %w: a middleware has not let its job through", name, ErrConflict)
}
