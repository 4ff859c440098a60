package engine

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Status is one process at a glance.
type Status struct {
	ProcessID    int64
	Stopping     bool
	Draining     bool // claims nothing more until it is asked to resume
	Fenced       bool // the lease may be lost: nothing is started until a heartbeat succeeds
	SinceBeat    time.Duration
	PollInterval time.Duration
	Queues       []QueueStatus // by name
	Running      []RunningStatus
	Claimed      int // claimed, waiting for a slot
}

// QueueStatus is the slots of one queue; "" is for the slots that all share.
type QueueStatus struct {
	Queue     string
	Max, Used int
}

// RunningStatus is one job that runs in this process.
type RunningStatus struct {
	ID        int64
	Type      string
	Queue     string
	Attempt   int
	StartedAt time.Time
	Stuck     bool // ignores the end of its context
}

// Status describes the engine as it is now.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := Status{
		ProcessID: e.processID.Load(), Stopping: e.stopping, Draining: e.draining, Fenced: e.fenced,
		SinceBeat: e.sinceBeat(), PollInterval: e.settings.PollInterval,
	}
	for _, queue := range slices.Sorted(maps.Keys(e.lanes)) {
		l := e.lanes[queue]
		s.Queues = append(s.Queues, QueueStatus{queue, l.slots, l.running})
		s.Claimed += len(l.buffer)
	}
	for _, h := range e.allPerforming() {
		s.Running = append(s.Running, RunningStatus{
			ID: h.job.ID, Type: h.job.Type, Queue: h.job.Queue,
			Attempt: h.job.Attempt, StartedAt: h.started, Stuck: h.stuck,
		})
	}
	slices.SortFunc(s.Running, func(a, b RunningStatus) int {
		if byStart := a.StartedAt.Compare(b.StartedAt); byStart != 0 {
			return byStart
		}
		return strings.Compare(a.Type, b.Type)
	})
	return s
}
