package engine

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laterjobs/later/store"
)

// EventKind is what has happened to a job.
type EventKind string

// What happens to jobs in a process.
const (
	Enqueued   EventKind = "enqueued"
	Started    EventKind = "started"
	Completed  EventKind = "completed"
	Retried    EventKind = "retried"
	Postponed  EventKind = "postponed"
	Failed     EventKind = "failed"
	Cancelled  EventKind = "cancelled"
	Released   EventKind = "released"
	Superseded EventKind = "superseded"
	Stuck      EventKind = "stuck"
	Recovered  EventKind = "recovered"
)

// Event is one thing that has happened to a job in this process.
type Event struct {
	Kind   EventKind
	At     time.Time // by the clock of this process
	Job    store.Job // as it is afterwards, as far as this process knows it
	Err    error     // of an attempt that has failed its job for good; nil if only its text is known: see Job.Error
	Missed int       // events that this subscriber was too slow for, right before this one
}

// Events passes events on to those who have subscribed. Its zero value is ready; a nil
// one has no subscribers.
type Events struct {
	mu          sync.Mutex
	subscribers atomic.Pointer[[]*subscriber] // nil if there are none; a list is never changed
}

// eventBuffer is how far a subscriber may be behind.
const eventBuffer = 1024

type subscriber struct {
	kinds []EventKind // empty: all

	mu     sync.Mutex
	events chan Event
	missed int
	closed bool
}

// Subscribe returns the events of some kinds, or of all, until ctx ends; then it closes
// the channel.
func (e *Events) Subscribe(ctx context.Context, kinds ...EventKind) <-chan Event {
	s := &subscriber{kinds: slices.Clone(kinds), events: make(chan Event, eventBuffer)}
	e.change(func(all []*subscriber) []*subscriber { return append(all, s) })
	context.AfterFunc(ctx, func() {
		e.change(func(all []*subscriber) []*subscriber {
			return slices.DeleteFunc(all, func(other *subscriber) bool { return other == s })
		})
		s.close()
	})
	return s.events
}

func (e *Events) change(how func([]*subscriber) []*subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*subscriber
	if old := e.subscribers.Load(); old != nil {
		all = slices.Clone(*old)
	}
	if all = how(all); len(all) == 0 {
		e.subscribers.Store(nil)
		return
	}
	e.subscribers.Store(&all)
}

// Wanted reports whether anybody listens to anything.
func (e *Events) Wanted() bool { return e != nil && e.subscribers.Load() != nil }

// Tell passes an event on. It never waits: who is too slow misses it.
func (e *Events) Tell(event Event) {
	if !e.Wanted() {
		return
	}
	all := e.subscribers.Load()
	if all == nil {
		return // the last one has gone meanwhile
	}
	event.At = time.Now()
	for _, s := range *all {
		if len(s.kinds) == 0 || slices.Contains(s.kinds, event.Kind) {
			s.send(event)
		}
	}
}

func (s *subscriber) send(event Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	event.Missed = s.missed
	select {
	case s.events <- event:
		s.missed = 0
	default:
		s.missed++
	}
}

func (s *subscriber) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	close(s.events)
}

func (e *Engine) tellStarted(h *held) {
	if e.events.Wanted() {
		e.events.Tell(Event{Kind: Started, Job: h.job})
	}
}

var eventOf = map[store.OutcomeKind]EventKind{
	store.Complete: Completed, store.Retry: Retried, store.Postpone: Postponed,
	store.Fail: Failed, store.Cancel: Cancelled, store.Release: Released,
}

// tellOutcome says what the store made of an outcome.
func (e *Engine) tellOutcome(c concluded, verdict store.Verdict) {
	if !e.events.Wanted() {
		return
	}
	o := c.outcome
	if cause := c.held.ctx.why(); verdict == store.Accepted && errors.Is(cause, ErrCancelled) {
		o.Kind, o.Error = store.Cancel, cancelReason(cause) // whatever it was: see store.Outcome
	}
	kind, job := eventOf[o.Kind], concluding(c.held.job, o)
	switch {
	case verdict == store.Superseded:
		kind, job = Superseded, c.held.job
	case verdict == store.Repeated && o.Kind != store.Complete, verdict == 0:
		return // what came first has been told, or will be by whoever performs the job again
	}
	e.events.Tell(Event{Kind: kind, Job: job, Err: c.err})
}

var eventOfRecovery = map[store.JobStatus]EventKind{
	store.Pending: Recovered, store.Failed: Failed, store.Cancelled: Cancelled,
}

func (e *Engine) tellRecovery(r store.Recovered) {
	if !e.events.Wanted() {
		return
	}
	e.events.Tell(Event{Kind: eventOfRecovery[r.Status], Job: store.Job{
		ID: r.JobID, Type: r.Type, Status: r.Status, ProcessID: r.ProcessID, Crashes: r.Crashes, Error: store.CrashedReason,
	}})
}
