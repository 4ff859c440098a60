package simulation

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// plan is what one seed enables: a random part of all faults and features, so that
// each also meets the others' absence.
type plan struct {
	processes            int
	heartbeat, timeToDie time.Duration
	poll                 time.Duration
	soft, hard           time.Duration
	length               time.Duration // of the part with faults

	// The parts of all calls that meet each fate: see fates.go.
	refuse, lose, slow, late, ghost, repeat float64

	// What happens to processes and the store, see nemesis.go.
	crashes, freezes, stops, outages, steps, skew, rollbacks, spurious, configures bool
	proofs                                                                         bool // the store can prove deaths

	dropped, doubled, delayed float64 // wakes

	// What people do, see people.go.
	kinds                                 []kind
	cancels, retries, pauses, reschedules bool
	bulk, priorities, queues, scheduled   bool
	tight                                 bool // every process has one slot, or one for each queue
	stubborn                              bool // some jobs ignore the end of their context
	durable                               bool // some jobs have durable steps
	unique                                bool // some have unique keys
	saved, coded                          bool // there is a schedule that people save, one that is defined in code
	pace                                  time.Duration
}

func newPlan(r *rand.Rand) plan {
	coin := func(p float64) bool { return r.Float64() < p }
	part := func(p, most float64) float64 {
		if !coin(p) {
			return 0
		}
		return most * r.Float64()
	}
	p := plan{
		processes: 1 + r.IntN(4), heartbeat: time.Second, timeToDie: 4 * time.Second,
		poll: time.Duration(1+r.IntN(5)) * time.Second, soft: 3 * time.Second, hard: 2 * time.Second,
		length: time.Duration(60+r.IntN(90)) * time.Second,
		pace:   time.Duration(300+r.IntN(3000)) * time.Millisecond,
	}
	if coin(0.3) {
		p.heartbeat, p.timeToDie = 3*time.Second, 15*time.Second
	}
	if coin(0.6) {
		p.refuse, p.lose, p.slow = part(0.5, 0.1), part(0.5, 0.1), part(0.5, 0.05)
		p.late, p.ghost, p.repeat = part(0.5, 0.05), part(0.5, 0.05), part(0.5, 0.1)
	}
	p.crashes, p.freezes, p.stops, p.outages = coin(0.4), coin(0.4), coin(0.4), coin(0.3)
	p.steps, p.skew, p.rollbacks, p.proofs = coin(0.2), coin(0.2), coin(0.1), coin(0.4)
	p.spurious, p.configures = coin(0.2), coin(0.2)
	p.dropped, p.doubled, p.delayed = part(0.5, 1), part(0.3, 0.3), part(0.3, 0.5)
	for k := plain; k <= poison; k++ {
		if k == plain || coin(0.4) {
			p.kinds = append(p.kinds, k)
		}
	}
	p.cancels, p.retries, p.pauses, p.reschedules = coin(0.4), coin(0.3), coin(0.3), coin(0.3)
	p.bulk, p.priorities, p.queues, p.scheduled = coin(0.4), coin(0.4), coin(0.4), coin(0.4)
	p.stubborn, p.tight = coin(0.3), coin(0.3)
	p.durable, p.unique, p.saved, p.coded = coin(0.4), coin(0.4), coin(0.3), coin(0.2)
	return p
}

// String is what is on, for the head of a history.
func (p plan) String() string {
	type fields plan // without this method
	return fmt.Sprintf("%+v", fields(p))
}

// calm is the time until the next fault.
func (p plan) calm() time.Duration { return 4 * time.Second }

// calls fail: some are refused, lost, late or repeated.
func (p plan) callsFail() bool { return p.refuse+p.lose+p.slow+p.late+p.ghost > 0 }

// onlyPoison: nothing but a poisoned job ends a process, or keeps it from its beats.
func (p plan) onlyPoison() bool {
	return !p.callsFail() && !p.crashes && !p.freezes && !p.outages && !p.rollbacks
}

func (p plan) engineConfig(w *world, of *process) engine.Config {
	cfg := engine.Config{
		Settings: p.settings(w, of.number), SoftStop: p.soft, HardStop: p.hard,
		Heartbeat: p.heartbeat, TimeToDie: p.timeToDie,
		Retention: store.Retention{Completed: -1, Failed: -1, Cancelled: -1},
	}
	if p.coded {
		cfg.Schedules = map[string]store.ScheduleDefinition{codedSchedule: codedDefinition}
	}
	return cfg
}

// settings of a process. In the end all serve every queue, with slots enough.
func (p plan) settings(w *world, number int) engine.Settings {
	s := engine.Settings{Concurrency: 1 + w.random.IntN(5), PollInterval: p.poll}
	if w.quiet {
		s.Concurrency = 10
	} else if p.queues && number%2 == 0 {
		s.Queues = map[string]int{queueNames[0]: 1 + w.random.IntN(3), queueNames[number/2%len(queueNames)]: 1 + w.random.IntN(3)}
	}
	if p.tight && !w.quiet {
		s.Concurrency = 1
		for queue := range s.Queues {
			s.Queues[queue] = 1
		}
	}
	return s
}

// offsetOf is how wrong the clock of a new process is.
func (p plan) offsetOf(w *world) time.Duration {
	if !p.skew || w.quiet {
		return w.clock()
	}
	return w.clock() + w.upTo(2*time.Hour) - time.Hour
}

// clock is how far all clocks are ahead of the bubble's: in the quiet time so far
// that whatever was put off by a clock that was ahead is due.
func (w *world) clock() time.Duration {
	if w.quiet {
		return 3 * time.Hour
	}
	return 0
}
