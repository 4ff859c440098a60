package simulation

import (
	"math"
	"time"
)

// fate is what becomes of one call: when it reaches the store (never, if negative)
// and when and with what error the caller hears of it.
type fate struct {
	name     string // empty: all goes well
	applied  time.Duration
	answered time.Duration
	err      error
	twice    bool
}

// latency is the way to the store or back: mostly short, now and then long.
func (w *world) latency() time.Duration {
	const shortest, spread = 20e3, 250 // 20 µs to 5 ms
	return time.Duration(shortest * math.Pow(spread, w.random.Float64()))
}

// delay is longer than a lease about every third time.
func (w *world) delay() time.Duration { return w.upTo(3 * w.plan.timeToDie / 2) }

func (w *world) fateOf(op *operation) fate {
	there, back := w.latency(), w.latency()
	fine := fate{applied: there, answered: there + back}
	if w.out {
		return w.unreachable(there)
	}
	if w.quiet || op.verb == "Listen" && w.chance(0.9) {
		return fine
	}
	roll := w.random.Float64()
	for _, possible := range []struct {
		p    float64
		fate func() fate
	}{
		{w.plan.refuse, func() fate { return fate{name: "refused", applied: -1, answered: there, err: errUnavailable} }},
		{w.plan.lose, func() fate {
			return fate{name: "lost on the way back", applied: there, answered: there + back, err: errUnavailable}
		}},
		{w.plan.slow, func() fate { return fate{name: "answered late", applied: there, answered: there + w.delay()} }},
		{w.plan.late, func() fate {
			wait := w.delay()
			return fate{name: "applied late", applied: wait, answered: wait + back}
		}},
		{w.plan.ghost, func() fate {
			return fate{name: "applied after an error", applied: there + w.delay(), answered: there, err: errUnavailable}
		}},
		{w.plan.repeat, func() fate {
			if !repeatable[op.verb] {
				return fine
			}
			return fate{name: "applied twice", applied: there, answered: there + back, twice: true}
		}},
	} {
		if roll < possible.p {
			return possible.fate()
		}
		roll -= possible.p
	}
	return fine
}

// repeatable verbs change nothing when they come again.
var repeatable = map[string]bool{
	"Finish": true, "Leave": true, "Pause": true, "Resume": true, "Recover": true, "SaveSteps": true, "Tick": true,
}

// unreachable is the fate of a call while the store is down: an error soon, or
// only when it is back.
func (w *world) unreachable(soon time.Duration) fate {
	if w.chance(0.5) {
		return fate{name: "without a store", applied: -1, answered: soon, err: errDown}
	}
	return fate{name: "hanging", applied: -1, answered: min(w.upTo(5*time.Second), time.Until(w.backAt)+w.latency()), err: errDown}
}
