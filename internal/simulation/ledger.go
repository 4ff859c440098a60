package simulation

import (
	"errors"
	"slices"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// ledger knows what handlers really did, whatever the store says.
type ledger struct {
	w       *world
	running map[*order][]*attempt
	parked  map[*process][]*attempt // goroutines that wait for an act
	past    map[claim]*attempt
	put     map[*order]int // postponements
	kills   map[*order]int
}

func newLedger(w *world) *ledger {
	return &ledger{
		w: w, running: map[*order][]*attempt{}, parked: map[*process][]*attempt{}, past: map[claim]*attempt{},
		put: map[*order]int{}, kills: map[*order]int{},
	}
}

// begin: nobody else performs the job, unless one of the two has been told to stop
// or cannot hear.
func (l *ledger) begin(a *attempt) {
	for _, other := range l.running[a.order] {
		if other.told.IsZero() && !other.p.frozen && a.told.IsZero() && l.w.checker.rollups == 0 {
			l.w.checker.violate("I5", "job %d begins in %s while it runs in %s, which has not been told to stop",
				a.job.ID, a.p.name, other.p.name)
		}
	}
	if given, known := l.w.checker.claims[a.claim()]; known && given.process != a.p.id {
		l.w.checker.violate("I5", "job %d begins in %s under a claim of the process that it was before it was declared dead",
			a.job.ID, a.p.name)
	}
	l.alone(a)
	l.running[a.order] = append(l.running[a.order], a)
	l.past[a.claim()] = a
}

// alone: a suspect has its process for itself.
func (l *ledger) alone(a *attempt) {
	for _, other := range a.p.attempts {
		if other != a && (a.job.Crashes >= store.SuspectAfter || other.job.Crashes >= store.SuspectAfter) {
			l.w.checker.violate("I9", "job %d (%d crashes) and job %d (%d crashes) run in one process",
				a.job.ID, a.job.Crashes, other.job.ID, other.job.Crashes)
		}
	}
}

func (a *attempt) claim() claim { return claim{a.job.ID, a.job.Token} }

func (l *ledger) end(a *attempt) {
	l.running[a.order] = slices.DeleteFunc(l.running[a.order], func(other *attempt) bool { return other == a })
	var postponed *engine.Postponement
	if errors.As(a.did, &postponed) {
		l.put[a.order]++
	}
}

func (l *ledger) unpark(a *attempt) {
	l.parked[a.p] = slices.DeleteFunc(l.parked[a.p], func(other *attempt) bool { return other == a })
}

func (l *ledger) postponed(a *attempt) int { return l.put[a.order] }

// killed: a poisoned job ends at most so many processes.
func (l *ledger) killed(a *attempt) {
	l.kills[a.order]++
	if l.kills[a.order] > store.MaxCrashes && l.w.checker.rollups == 0 {
		l.w.checker.violate("I9", "job %d has ended %d processes", a.job.ID, l.kills[a.order])
	}
}

// judge: an outcome that counts as a failure is a failure of the handler, not of
// what is around it; and no failure is forgotten.
func (l *ledger) judge(o store.Outcome) {
	a := l.past[claim{o.JobID, o.Token}]
	switch {
	case a == nil:
		if o.Kind != store.Release {
			l.w.checker.violate("I8", "job %d has outcome %s without having been performed", o.JobID, kindNames[o.Kind])
		}
	case o.Kind == store.Release && !a.ended && a.p.state != stopping:
		l.w.checker.violate("I8", "job %d was released while its handler runs in %s", o.JobID, a.p.name)
	case o.Progressed != (o.Kind == store.Retry && a.saved > 0):
		l.w.checker.violate("I8", "job %d has outcome %s that counts: %v, after %d new steps", o.JobID, kindNames[o.Kind], !o.Progressed, a.saved)
	case o.Kind == store.Retry || o.Kind == store.Fail:
		timedOut := errors.Is(a.cause, engine.ErrTimeout)
		var stack panicking
		if !errors.Is(a.did, errFlaky) && !errors.As(a.did, &stack) && !timedOut {
			l.w.checker.violate("I8", "job %d has outcome %s, but its handler returned %v (%v)", o.JobID, kindNames[o.Kind], a.did, a.cause)
		}
	case o.Kind == store.Complete && a.did != nil:
		l.w.checker.violate("I8", "job %d is completed, but its handler returned %v", o.JobID, a.did)
	}
}
