package simulation

import (
	"context"
	"errors"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// The schedules: one that people save, whose missed ticks are made up for, and one that
// every process defines in its code.
const (
	savedSchedule = "saved"
	savedEvery    = 7 * time.Second
	savedCatchUp  = 30 // more than can be missed while something fails

	codedSchedule = "coded"
	codedEvery    = 11 * time.Second
)

var codedDefinition = store.ScheduleDefinition{
	Rule: "@every " + codedEvery.String(),
	Job: store.NewJob{
		Type: second.Name(), Queue: queueNames[0], Args: []byte(`{"order":0}`), MaxRetries: 3, Timeout: 5 * time.Minute,
	},
}

// schedules are the names of those that a plan has.
func (p plan) schedules() (names []string) {
	if p.saved {
		names = append(names, savedSchedule)
	}
	if p.coded {
		names = append(names, codedSchedule)
	}
	return names
}

// instant is a tick of a schedule.
type instant struct {
	schedule string
	at       int64 // in microseconds
}

// instantOf is the tick that a job is for, if it is of a schedule.
func instantOf(job store.Job) (instant, bool) {
	if job.Options == nil || job.Options.Schedule == "" {
		return instant{}, false
	}
	return instant{job.Options.Schedule, job.Options.Tick.UnixMicro()}, true
}

// orderAt is the order of a tick. How its job behaves is drawn when that appears.
func (w *world) orderAt(at instant) *order {
	if w.ticked[at] == nil {
		o := w.newOrder()
		if o.kind == overrunning || o.kind == poison { // a timeout would be in the definition; and there are enough who kill
			o.kind, o.retries, o.timeout = plain, 3, 5*time.Minute
		}
		w.ticked[at] = o
	}
	return w.ticked[at]
}

// saveSchedules is what a person does first, and again until it is done.
func (w *world) saveSchedules() {
	if !w.plan.saved || w.quiet {
		return
	}
	call := first.With(orderArgs{0})
	w.ask(func(ctx context.Context) error {
		return w.queue.SaveSchedule(ctx, savedSchedule, later.Every(savedEvery), call, later.CatchUp(savedCatchUp))
	}, func(err error) {
		if err != nil {
			w.after(time.Second, w.saveSchedules)
		}
	})
}

// stopSchedules is what people do when everything is calm, so that there is an end.
func (w *world) stopSchedules() {
	for _, name := range w.plan.schedules() {
		w.stopSchedule(name)
	}
}

// stopSchedule tries until the store can be reached, and the schedule is there: one that a
// rollback has taken away is saved again by the processes that define it, or was not to be.
func (w *world) stopSchedule(name string) {
	w.ask(func(ctx context.Context) error { return w.queue.PauseSchedule(ctx, name, "a person") }, func(err error) {
		if err == nil || name == savedSchedule && errors.Is(err, later.ErrNotFound) {
			w.stopped++
			return
		}
		w.after(time.Second, func() { w.stopSchedule(name) })
	})
}

var intervals = map[string]time.Duration{savedSchedule: savedEvery, codedSchedule: codedEvery}

// atInstant: a schedule has one job for each tick, no earlier than that.
func (c *checker) atInstant(op *operation, row store.Job, at instant) {
	when := time.UnixMicro(at.at)
	switch {
	case op.verb != "Tick" || op.err != nil:
		c.violate("I12", "%s made job %d of the schedule %s: %v", op.verb, row.ID, at.schedule, op.err)
	case c.instants[at]:
		c.violate("I12", "job %d is the second one of the schedule %s for %v", row.ID, at.schedule, when)
	case when.After(op.now):
		c.violate("I10", "job %d of the schedule %s is %v early", row.ID, at.schedule, when.Sub(op.now))
	case intervals[at.schedule] == 0 || when.UnixNano()%int64(intervals[at.schedule]) != 0:
		c.violate("I12", "job %d of the schedule %s is for %v, when nothing is due", row.ID, at.schedule, when)
	}
	c.instants[at] = true
}

// schedulesAtCalm notes how far schedules have come.
func (c *checker) schedulesAtCalm() {
	all, err := c.w.truth.Schedules(context.Background(), store.ScheduleFilter{})
	if err != nil {
		c.violate("I12", "cannot read schedules: %v", err)
	}
	for _, s := range all {
		c.dealtWith[s.Name] = s
	}
}

// schedulesInTheEnd: they have gone on, and no tick that was dealt with is without its job.
func (c *checker) schedulesInTheEnd() {
	all, err := c.w.truth.Schedules(context.Background(), store.ScheduleFilter{})
	if err != nil {
		c.violate("I12", "cannot read schedules: %v", err)
	}
	for _, s := range all {
		if was, known := c.dealtWith[s.Name]; known && !s.LastTick.After(was.LastTick) {
			c.violate("I12", "the schedule %s has dealt with %v, and nothing since", s.Name, s.LastTick)
		}
	}
	if c.w.plan.steps || c.w.plan.skew || c.rollups > 0 {
		return // a clock that was ahead has dealt with what was to come
	}
	for at := range c.instants {
		next := instant{at.schedule, at.at + savedEvery.Microseconds()}
		if at.schedule == savedSchedule && !c.instants[next] && !time.UnixMicro(next.at).After(c.dealtWith[savedSchedule].LastTick) {
			c.violate("I12", "the schedule %s has no job for %v", next.schedule, time.UnixMicro(next.at))
		}
	}
}
