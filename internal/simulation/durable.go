package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// durable follows durable steps: their effects, which handlers have, and what the store
// keeps of them. A step that is recorded is found by everybody who begins after that,
// with the result that was recorded, and has no effect again.
type durable struct {
	w        *world
	recorded map[stepOf]string // the results
	effects  map[stepOf]int
}

// stepOf names a step of a job.
type stepOf struct {
	job  int64
	name string
}

func newDurable(w *world) *durable {
	return &durable{w: w, recorded: map[stepOf]string{}, effects: map[stepOf]int{}}
}

// goOn lets a handler come to its next step, or to the end of its work.
func (w *world) goOn(a *attempt) {
	wait := a.order.takes / time.Duration(a.order.steps+1)
	if a.passed == a.order.steps {
		w.after(wait, func() { w.conclude(a) })
		return
	}
	step := stepOf{a.job.ID, fmt.Sprintf("step %d", a.passed+1)}
	w.after(wait, func() {
		a.ask(func() {
			saved, found, err := a.run.Steps(nil, nil).Begin(a.ctx, step.name, store.StepDone)
			a.bring("step", func() { a.answered(func() { w.stepBegun(a, step, string(saved.Result), found, err) }) })
		})
	})
}

// ask lets a handler call the store: until the driver has heard of the answer it does
// nothing else.
func (a *attempt) ask(call func()) {
	a.p.awake(func() {
		if !a.ended {
			a.act(act{do: call})
			a.busy = true
		}
	})
}

// answered goes on after a call: with then, or with what has waited for its end.
func (a *attempt) answered(then func()) {
	a.p.awake(func() {
		if a.p.w.over || a.ended {
			return
		}
		a.busy = false
		for _, act := range a.waiting {
			a.acts <- act
		}
		a.waiting = nil
		if a.leaving != nil {
			a.leaving()
			return
		}
		then()
	})
}

// stepBegun passes over a step that is done, and does one that is not.
func (w *world) stepBegun(a *attempt, step stepOf, result string, found bool, err error) {
	want, recorded := w.durable.recorded[step]
	switch {
	case err != nil:
		w.letReturn(a, err)
	case w.durable.holds(a.claim()) && (found != recorded || result != want):
		w.checker.violate("I21", "job %d comes to %s in %s: found %v %s, recorded %v %s", a.job.ID, step.name, a.p.name, found, result, recorded, want)
		w.letReturn(a, errFlaky)
	case found:
		a.passed++
		w.goOn(a)
	case a.p.state == stopping: // as later.Step does
		w.after(w.latency(), func() {
			a.p.awake(func() { w.letReturn(a, fmt.Errorf("%s is not begun: %w", step.name, engine.ErrStopping)) })
		})
	default:
		w.after(w.upTo(50*time.Millisecond), func() { w.effect(a, step) })
	}
}

// effect is what a step is for, and then it is saved.
func (w *world) effect(a *attempt, step stepOf) {
	a.p.awake(func() {
		if a.ended {
			return
		}
		if result, recorded := w.durable.recorded[step]; recorded && w.durable.holds(a.claim()) {
			w.checker.violate("I21", "job %d does %s again in %s, which is recorded as %s", a.job.ID, step.name, a.p.name, result)
		}
		w.durable.effects[step]++
		result := json.RawMessage(fmt.Sprintf(`{"order":%d,"effect":%d}`, a.order.number, w.durable.effects[step]))
		w.history.add(a.p.name, "does %s of %d: %s", step.name, a.job.ID, result)
		a.ask(func() {
			err := a.run.Steps(nil, nil).Save(a.ctx, store.Step{Name: step.name, Kind: store.StepDone, Result: result})
			a.bring("step", func() {
				a.p.awake(func() { w.stepSaved(a, step, string(result), err) })
			})
		})
	})
}

// stepSaved goes on after a step. That it is saved counts, even if the handler has to go.
func (w *world) stepSaved(a *attempt, step stepOf, result string, err error) {
	if err == nil && !w.over && !a.ended {
		a.passed++
		a.saved++
		if w.durable.recorded[step] != result && w.durable.holds(a.claim()) && w.checker.rollups == 0 {
			w.checker.violate("I21", "%s of job %d was acknowledged as %s and is recorded as %q", step.name, a.job.ID, result, w.durable.recorded[step])
		}
	}
	a.answered(func() {
		if err != nil {
			w.letReturn(a, err)
			return
		}
		w.goOn(a)
	})
}

// holds reports whether a claim is the present one of its job.
func (d *durable) holds(c claim) bool {
	row := d.w.checker.rows[c.id]
	return row.Status == store.Running && row.Token == c.token
}

// savedBy looks at what SaveSteps has done: only the present claim may record, and what
// is recorded stands.
func (d *durable) savedBy(op *operation) {
	job, holds := op.about.id, d.holds(op.about)
	switch {
	case op.err == nil && !holds:
		d.w.checker.violate("I21", "steps of job %d were recorded under a token that is not the present one", job)
	case holds && errors.Is(op.err, store.ErrConflict):
		d.w.checker.violate("I21", "steps of job %d were refused under its present token", job)
	}
	if op.err != nil {
		return
	}
	for _, step := range op.in.([]store.Step) {
		key, result := stepOf{job, step.Name}, string(step.Result)
		if before, known := d.recorded[key]; known && before != result {
			d.w.checker.violate("I21", "%s of job %d was recorded as %s and then as %s", step.Name, job, before, result)
		}
		d.recorded[key] = result
	}
}

// forget: a completed job that a person retries starts over, and so does one that gets other
// arguments.
func (d *durable) forget(job int64) {
	for key := range d.recorded {
		if key.job == job {
			delete(d.recorded, key)
		}
	}
}

// rolledBack takes over what the store still knows.
func (d *durable) rolledBack(rows []store.Job) {
	clear(d.recorded)
	for _, row := range rows {
		steps, err := d.w.truth.Steps(context.Background(), row.ID)
		if err != nil {
			d.w.checker.violate("I21", "cannot read the steps of job %d: %v", row.ID, err)
		}
		for _, step := range steps {
			d.recorded[stepOf{row.ID, step.Name}] = string(step.Result)
		}
	}
}

// checkEnd: every step that was recorded is there, and nothing else.
func (d *durable) checkEnd() {
	if !d.w.plan.durable {
		return
	}
	for _, id := range d.w.checker.ids {
		steps, err := d.w.subject.Steps(context.Background(), id)
		if err != nil {
			d.w.checker.violate("I21", "cannot read the steps of job %d: %v", id, err)
		}
		there := 0
		for key := range d.recorded {
			if key.job == id {
				there++
			}
		}
		if there != len(steps) {
			d.w.checker.violate("I21", "job %d has %d steps in the end, %d are recorded", id, len(steps), there)
		}
		for _, step := range steps {
			if want := d.recorded[stepOf{id, step.Name}]; want != string(step.Result) {
				d.w.checker.violate("I21", "%s of job %d is %s in the end, recorded was %q", step.Name, id, step.Result, want)
			}
		}
	}
}
