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

// attempt is one handler that runs: a goroutine that does only what the driver
// tells it.
type attempt struct {
	p     *process
	run   *engine.Run
	job   store.Job
	order *order
	ctx   context.Context
	acts  chan act

	began time.Time
	told  time.Time // when its context ended; zero: it has not
	cause error
	ended bool  // the driver has told it to return, or its process is gone
	did   error // what it returned

	passed  int    // durable steps that are behind it
	saved   int    // those of them that it has done itself
	busy    bool   // with a call of the store, for a step
	waiting []act  // until it is not busy
	leaving func() // the same, to return
}

// act is one thing that a handler does.
type act struct {
	do  func()
	err error // without do: return this
}

var (
	errHome  = errors.New("the simulation is over")
	errFlaky = errors.New("not this time")
)

// handlersOf are the types that a process performs.
func (w *world) handlersOf(p *process) (handlers []*engine.Handler) {
	for _, d := range definitions {
		handlers = append(handlers, &engine.Handler{
			Type:    store.JobType{Name: d.Name()},
			Rules:   engine.Rules{Backoff: engine.Exponential(backoffBase, backoffLimit)},
			Perform: p.perform,
		})
	}
	return handlers
}

const (
	backoffBase  = time.Second
	backoffLimit = 20 * time.Second
)

// perform runs in the engine's goroutine.
func (p *process) perform(ctx context.Context, run *engine.Run) (json.RawMessage, error) {
	a := &attempt{p: p, run: run, job: *run.Job, ctx: ctx, acts: make(chan act, 1)}
	unwatch := context.AfterFunc(ctx, func() { a.bring("told", func() { p.w.tell(a) }) })
	defer unwatch()
	a.bring("perform", func() { p.w.begin(a) })
	for act := range a.acts {
		if act.do != nil {
			act.do()
			continue
		}
		if panicked, ok := act.err.(panicking); ok {
			panic(panicked.said)
		}
		return json.RawMessage(fmt.Sprintf(`{"by":%q}`, p.name)), act.err
	}
	return nil, errHome
}

// bring tells the driver of something that the handler has met.
func (a *attempt) bring(what string, handled func()) {
	a.p.w.bring(arrival{by: a.p, what: what, id: a.job.ID, token: a.job.Token, handled: handled})
}

func (a *attempt) report() {
	if a.job.ID%2 == 0 { // not both: the engine may store one report or two, as it happens to run
		a.run.Progress(store.Progress{Done: 1, Total: 2, Message: "half"})
	} else {
		a.run.Log(store.LogLine{At: time.Now(), Level: "INFO", Message: "half done"})
	}
}

// panicking is what a handler is to panic with.
type panicking struct{ said string }

func (p panicking) Error() string { return p.said }

// begin starts an attempt's clock.
func (w *world) begin(a *attempt) {
	w.ledger.parked[a.p] = append(w.ledger.parked[a.p], a)
	if w.over {
		a.p.exitQuietly()
		return
	}
	a.p.awake(func() {
		a.began = time.Now()
		a.order = w.orderOf(a.job)
		a.p.attempts = append(a.p.attempts, a)
		w.history.add(a.p.name, "begins %d, attempt %d", a.job.ID, a.job.Attempt)
		w.ledger.begin(a)
		if a.order.reports {
			w.after(a.order.takes/2, func() { a.act(act{do: a.report}) })
		}
		w.goOn(a)
		if !a.told.IsZero() {
			w.heed(a)
		}
	})
}

func (a *attempt) act(act act) {
	a.p.awake(func() {
		switch {
		case a.ended:
		case a.busy:
			a.waiting = append(a.waiting, act)
		default:
			a.acts <- act
		}
	})
}

// conclude ends an attempt when its work is done.
func (w *world) conclude(a *attempt) {
	a.p.awake(func() {
		if a.ended {
			return
		}
		if a.order.kind == poison {
			w.ledger.killed(a)
			w.crash(a.p, fmt.Sprintf("poisoned by %d", a.job.ID))
			return
		}
		w.letReturn(a, w.returns(a))
	})
}

// returns is what a handler returns at the end of its work.
func (w *world) returns(a *attempt) error {
	o := a.order
	switch {
	case o.kind == flaky && a.job.Attempt <= o.failures:
		if o.number%3 == 0 {
			return panicking{"a bug"}
		}
		return errFlaky
	case o.kind == postponing && w.ledger.postponed(a) < o.failures:
		return &engine.Postponement{Delay: 2 * time.Second, Reason: "not ready"}
	case o.kind == discarding:
		return &engine.Discarded{Err: errFlaky}
	}
	return nil
}

// tell notices the end of an attempt's context. Those that heed it return soon.
func (w *world) tell(a *attempt) {
	if a.ended || w.over || a.p.state == crashed {
		return
	}
	a.told, a.cause = time.Now(), context.Cause(a.ctx)
	w.history.add(a.p.name, "tells %d: %v", a.job.ID, a.cause)
	if a.order != nil { // otherwise its process froze before it began
		w.heed(a)
	}
}

// heed lets a handler that looks at its context return soon.
func (w *world) heed(a *attempt) {
	if a.order.stubborn {
		return
	}
	w.after(w.upTo(300*time.Millisecond), func() {
		a.p.awake(func() { w.letReturn(a, a.ctx.Err()) })
	})
}

func (w *world) letReturn(a *attempt, err error) {
	if a.ended {
		return
	}
	if a.busy {
		if a.leaving == nil {
			a.leaving = func() { w.letReturn(a, err) }
		}
		return
	}
	a.ended, a.did = true, err
	w.history.add(a.p.name, "returns from %d: %v", a.job.ID, err)
	w.ledger.end(a)
	for i, other := range a.p.attempts {
		if other == a {
			a.p.attempts = append(a.p.attempts[:i], a.p.attempts[i+1:]...)
			break
		}
	}
	w.ledger.unpark(a)
	a.acts <- act{err: err}
}
