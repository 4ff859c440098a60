package simulation

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// operation is one call of a verb of the store. The fields up to apply are the
// caller's, and the driver's once it is parked.
type operation struct {
	verb   string
	reads  bool  // changes nothing
	about  claim // of the one job that it is about, if it is
	in     any   // what the checker looks at
	now    time.Time
	by     *process
	ctx    context.Context
	answer chan error
	apply  func(store.Store) error

	unwatch   func() bool
	sent      time.Time
	fate      string
	out       any
	err       error
	applied   bool
	appliedAt time.Time
	rollups   int // how often the store had been rolled back then
	answered  bool
	doomed    bool // the caller crashed before the store had read it
}

// claim names one claim of one job.
type claim struct{ id, token int64 }

func compareClaims(id, token, otherID, otherToken int64) int {
	return cmp.Or(cmp.Compare(id, otherID), cmp.Compare(token, otherToken))
}

// park brings a call to the driver, and the end of its context, should that come
// first.
func (w *world) park(op *operation) {
	op.sent = time.Now()
	w.bring(arrival{by: op.by, what: op.verb, id: op.about.id, token: op.about.token, handled: func() { w.received(op) }})
	op.unwatch = context.AfterFunc(op.ctx, func() {
		w.bring(arrival{by: op.by, what: op.verb + " given up", id: op.about.id, token: op.about.token, handled: func() {
			w.after(w.latency(), func() { w.reply(op, op.ctx.Err()) })
		}})
	})
}

// received sends a call on its way, as soon as its process is awake.
func (w *world) received(op *operation) {
	if w.over {
		op.answered = true
		op.answer <- store.ErrClosed
		return
	}
	op.by.open = append(op.by.open, op)
	w.strikeAt(op)
	op.by.awake(func() { w.decide(op) })
}

// decide lets a call have its fate.
func (w *world) decide(op *operation) {
	fate := w.fateOf(op)
	op.fate = fate.name
	if fate.name != "" {
		w.faults++
		op.by.beatHindered = op.by.beatHindered || (op.verb == "Beat" || op.verb == "Join") && !w.out
		w.history.add(op.by.name, "%s is %s", op.verb, fate.name)
	}
	if fate.applied >= 0 {
		w.after(fate.applied, func() { w.apply(op) })
	}
	if fate.twice {
		w.after(fate.applied+w.latency(), func() { w.applyAgain(op) })
	}
	w.after(fate.answered, func() { w.reply(op, fate.err) })
}

var (
	errUnavailable = fmt.Errorf("simulated fault: %w", store.ErrUnavailable)
	errDown        = fmt.Errorf("simulated outage: %w", store.ErrUnavailable)
)

func (w *world) apply(op *operation) {
	if op.doomed || w.over {
		return
	}
	if w.out {
		op.err = errDown
		return
	}
	op.err = op.apply(w.subject)
	op.applied, op.appliedAt, op.rollups = true, time.Now(), w.checker.rollups
	if !op.reads {
		w.history.add(op.by.name, "%s%s%s", op.verb, w.describe(op), late(op))
		w.checker.after(op)
	}
	w.passWakes()
}

// applyAgain is a verb that reaches the store twice: the second time must change
// nothing, unless the store has forgotten the first. Nor does Recover come twice once
// that may be: a process that the store has forgotten claims on until it hears of it,
// and what it has claimed since the first time would be taken back as well.
func (w *world) applyAgain(op *operation) {
	if !op.applied || op.err != nil || w.out || w.over {
		return
	}
	if w.checker.rollups > op.rollups || w.checker.rollups > 0 && op.verb == "Recover" {
		return
	}
	first := op.out
	w.checker.repeated(op, op.apply(w.subject))
	op.out = first
}

// reply lets the caller go on: with err, or with what the store said.
func (w *world) reply(op *operation, err error) {
	op.by.awake(func() {
		if op.answered || w.over {
			return
		}
		if err == nil {
			err = op.err
		}
		if err == nil && !op.applied { // it hangs in an outage
			w.after(time.Second, func() { w.reply(op, errDown) })
			return
		}
		op.answered = true
		op.unwatch()
		op.by.closed(op)
		if err != nil {
			w.history.add(op.by.name, "%s: %v", op.verb, err)
		}
		w.checker.answered(op, err)
		op.answer <- err
	})
}

func late(op *operation) string {
	if op.answered {
		return " after the caller has given up"
	}
	if op.by.state == crashed {
		return " after the crash"
	}
	return ""
}

// describe says what a verb did, in words that do not depend on random numbers.
func (w *world) describe(op *operation) string {
	if op.err != nil {
		return ": " + op.err.Error()
	}
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	switch op.verb {
	case "Enqueue":
		for i, e := range op.out.([]store.Enqueued) {
			say("%d %s %s", e.ID, op.in.([]store.NewJob)[i].Args, e.Status)
		}
	case "Claim":
		d := op.in.(store.Demand)
		if d.Suspects {
			say("suspects")
		}
		for _, job := range op.out.([]store.Job) {
			say("%d", job.ID)
		}
		say("under %s", w.tokenName(d.Token))
	case "Finish":
		for i, o := range op.in.([]store.Outcome) {
			say("%d %s %s %s", o.JobID, w.tokenName(o.Token), kindNames[o.Kind], verdictNames[op.out.([]store.Verdict)[i]])
		}
	case "Beat":
		if op.in.(store.Heartbeat).Search {
			say("search")
		}
		for _, c := range op.out.(store.Beaten).Claims {
			say("%d", c.JobID)
		}
		for _, c := range op.out.(store.Beaten).Cancels {
			say("cancel %d", c.JobID)
		}
	case "Recover":
		for _, s := range op.in.([]store.Silent) {
			say("silent %s", w.processName(s.ProcessID))
		}
		for _, r := range op.out.([]store.Recovered) {
			say("%d of %s %s", r.JobID, w.processName(r.ProcessID), r.Status)
		}
	case "Join":
		say("as %s", w.processName(op.in.(store.Process).ID))
	case "Leave":
		say("as %s", w.processName(op.in.(int64)))
	case "Promote":
		say("%d", op.out.(store.Promoted).Count)
	case "Cancel", "Retry", "Reschedule":
		say("%v", op.out)
	case "Pause", "Resume":
		say("%v", op.in)
	case "SaveSteps", "Tick":
		said = append(said, w.describeParts(op)...)
	}
	return " " + strings.Join(said, ", ")
}

// describeParts names steps and ticks.
func (w *world) describeParts(op *operation) (said []string) {
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	switch op.verb {
	case "SaveSteps":
		say("%d %s", op.about.id, w.tokenName(op.about.token))
		for _, step := range op.in.([]store.Step) {
			say("%s %s", step.Name, step.Result)
		}
	case "Tick":
		for i, t := range op.in.([]store.Tick) {
			say("%s %v", t.Schedule.Name, op.out.([]store.Ticked)[i].Jobs)
		}
	}
	return said
}

var kindNames = map[store.OutcomeKind]string{
	store.Complete: "complete", store.Retry: "retry", store.Postpone: "postpone",
	store.Fail: "fail", store.Cancel: "cancel", store.Release: "release",
}

var verdictNames = map[store.Verdict]string{
	store.Accepted: "accepted", store.Superseded: "superseded", store.Repeated: "repeated",
}
