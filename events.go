package later

import (
	"context"

	"github.com/laterjobs/later/internal/engine"
)

// Event is something that has happened to a job in this process.
type Event = engine.Event

// EventKind is what has happened.
type EventKind = engine.EventKind

// The kinds of events.
const (
	EventEnqueued   = engine.Enqueued   // stored; in a transaction of the caller's, not committed yet
	EventStarted    = engine.Started    // its handler is about to be called
	EventCompleted  = engine.Completed  // finished without an error
	EventRetried    = engine.Retried    // failed; will run again at NextRunAt
	EventPostponed  = engine.Postponed  // will run again at NextRunAt, at its own wish
	EventFailed     = engine.Failed     // for good
	EventCancelled  = engine.Cancelled  // while it ran here, or was taken back from a process that died
	EventReleased   = engine.Released   // given back untouched
	EventSuperseded = engine.Superseded // its outcome came too late: others have the job, or had it
	EventStuck      = engine.Stuck      // ignores the end of its context
	EventRecovered  = engine.Recovered  // taken back from a process that died; only ID, Type, ProcessID and Crashes are known
)

// Subscribe returns what happens to jobs in this process from now on: to those that it
// enqueues, performs and takes back, not what other processes do, nor what people do to
// jobs that wait. Outcomes are told once they are stored. Without kinds it returns all.
// The channel is closed when ctx ends.
//
// Nobody waits for a subscriber. One that is 1024 events behind misses what comes until
// it reads on: Event.Missed says how many those were.
func (q *JobQueue) Subscribe(ctx context.Context, kinds ...EventKind) <-chan Event {
	return q.events.Subscribe(ctx, kinds...)
}

// tellEnqueued says what has been stored.
func (q *JobQueue) tellEnqueued(jobs []Job) {
	if !q.events.Wanted() {
		return
	}
	for _, job := range jobs {
		q.events.Tell(Event{Kind: EventEnqueued, Job: job})
	}
}
