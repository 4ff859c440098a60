package engine

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// A lane is the slots of one queue, or the slots that all queues share. The
// engine's mutex guards it.
type lane struct {
	slots   int
	running int     // executors at work; each performs one job at a time
	buffer  []*held // claimed, not started, in claim order
	average float64 // measured time of an attempt, seconds; 0: nothing measured yet
	drained uint64  // the engine's wakes when a claim last left nothing behind
}

// claim names one claim of one job.
type claim struct{ id, token int64 }

// held is one job in the hands of this process.
type held struct {
	job     store.Job
	handler *Handler
	lane    *lane
	claimed time.Time // when the claim was answered

	// Set by begin under the engine's mutex, before the state is performing, and
	// never again: who has seen that state may read them without the mutex.
	started  time.Time
	executor int64 // the goroutine that performs it
	late     error // why it is not to be performed any more
	ctx      runContext
	run      Run

	// Guarded by the engine's mutex.
	state heldState
	ended time.Time // when the context was first seen to have ended
	stuck bool      // that has been reported
}

// begin gives a job to an executor. now is the time by the clock that rules deadlines.
func (h *held) begin(base context.Context, executor int64, now func() time.Time) {
	h.started, h.executor = time.Now(), executor
	h.ctx.base = base
	if h.job.Options == nil {
		h.ctx.deadline, h.ctx.overrun = limit(&h.job, h.started, time.Time{})
	} else {
		by := now()
		h.late = late(&h.job, by)
		h.ctx.deadline, h.ctx.overrun = limit(&h.job, h.started, by)
	}
	h.state = performing
}

type heldState uint8

const (
	buffered   heldState = iota // claimed, not started
	performing                  // its handler runs
	done                        // its outcome is on the way to the store
)

func (h *held) claim() claim { return claim{h.job.ID, h.job.Token} }

const (
	// maxBatch bounds one claim and one Finish: beyond it a bigger transaction
	// is not faster, only longer.
	maxBatch = 1000
	// maxPrefetch leaves a whole batch to perform while the next one is claimed.
	maxPrefetch = 2 * maxBatch
	// prefetchTime is how much measured work a lane may hold beyond its slots.
	prefetchTime = 200 * time.Millisecond
	// averageWeight is the part of a new measurement in a lane's average.
	averageWeight = 0.1
)

// prefetch is how many jobs the lane may hold beyond its slots.
func (l *lane) prefetch() int {
	if l.average == 0 {
		return 0
	}
	return int(min(maxPrefetch, float64(l.slots)*prefetchTime.Seconds()/l.average))
}

// want is how many jobs the lane would take now. It asks for few big claims
// rather than many small ones: nothing, until half of what it holds is used up.
func (l *lane) want() int {
	spare := l.prefetch()
	free := l.slots - l.running - len(l.buffer)
	if free <= 0 && len(l.buffer) > spare/2 {
		return 0
	}
	return max(0, free+spare)
}

func (l *lane) measure(took time.Duration) {
	seconds := max(took.Seconds(), 1e-6)
	if l.average == 0 {
		l.average = seconds
		return
	}
	l.average += averageWeight * (seconds - l.average)
}

// laneOf finds the lane for a job of a queue; nil if it has lost its lane.
func (e *Engine) laneOf(queue string) *lane {
	if e.settings.Queues == nil {
		return e.lanes[""]
	}
	return e.lanes[queue]
}

// slots counts the slots of all lanes.
func (e *Engine) slots() int {
	n := 0
	for _, l := range e.lanes {
		n += l.slots
	}
	return n
}

// apply gives the lanes the slots of s. A lane that s does not name keeps
// running what it runs, and gives back what it has not started.
func (e *Engine) apply(s Settings) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.settings = s
	slots := s.Queues
	if slots == nil {
		slots = map[string]int{"": s.Concurrency}
	}
	for queue := range slots {
		if e.lanes[queue] == nil {
			e.lanes[queue] = &lane{}
		}
	}
	for queue, l := range e.lanes {
		l.slots = slots[queue]
		if l.slots == 0 {
			e.giveBack(l)
			delete(e.lanes, queue)
		}
	}
}

// giveBack releases what a lane has not started.
func (e *Engine) giveBack(l *lane) {
	for _, h := range l.buffer {
		e.release(h)
	}
	l.buffer = nil
}

// release ends a claim as if it had never been.
func (e *Engine) release(h *held) {
	e.end(h, store.Outcome{JobID: h.job.ID, Token: h.job.Token, Kind: store.Release})
}

// end settles a job that no executor has. It runs under the mutex and does not
// wait for the completer.
func (e *Engine) end(h *held, outcome store.Outcome) {
	h.state = done
	e.ended = append(e.ended, concluded{held: h, outcome: outcome})
	nudge(e.endedSoon)
}
