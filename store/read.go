package store

import "time"

// Reach is how far a search looks before it says how far it has come. What an index
// answers, it looks up over the whole table; the rest it looks for in those jobs.
type Reach struct {
	Jobs int64         // at so many jobs; 0: 100,000
	Time time.Duration // for about so long; 0: 250 ms
}

// Found is what a search has found.
type Found struct {
	Jobs   []Job `json:"jobs"`   // newest first
	Looked int64 `json:"looked"` // at so many jobs
	Next   int64 `json:"next"`   // the Filter.Before to go on with: at more jobs, or for more of them; 0: this was all
}

// CountedTo is how far statistics count, so that they cost little however many jobs
// there are: the pending jobs of each queue (of each of more than five queues less, at
// least 100), those that run, and those that are scheduled or retrying, of which the
// ones that are due next are counted. Finished jobs are counted as they finish, all of
// them. Where counting has ended early, a count is a lower bound, and marked: see
// Stats.More.
const CountedTo = 10_000

// Stats counts jobs, unfinished ones up to CountedTo.
type Stats struct {
	Counts map[JobStatus]int64 `json:"counts"`         // every status is present
	More   map[JobStatus]bool  `json:"more,omitempty"` // statuses of which there may be more jobs than were counted
	Queues []QueueStats        `json:"queues"`         // by name; one that has none but scheduled jobs that were not counted is missing
}

// QueueStats is one queue at a glance.
type QueueStats struct {
	Name      string `json:"name"`
	Pending   int64  `json:"pending"`
	Running   int64  `json:"running"`
	Scheduled int64  `json:"scheduled"` // and retrying
	// Whether there may be more jobs than were counted: see CountedTo.
	PendingMore   bool `json:"pending_more,omitempty"`
	RunningMore   bool `json:"running_more,omitempty"`
	ScheduledMore bool `json:"scheduled_more,omitempty"`
	// When the pending job that waits longest was queued; if there may be more than were
	// counted, of those and of the first of each priority.
	Oldest      time.Time `json:"oldest,omitzero"`
	PausedAt    time.Time `json:"paused_at,omitzero"`
	PausedBy    string    `json:"paused_by,omitempty"` // empty: nobody said
	PauseReason string    `json:"pause_reason,omitempty"`
}

// Retention is how long finished jobs are kept, per status. Negative: for ever.
type Retention struct {
	Completed, Failed, Cancelled time.Duration
}

// Promoted is the answer to Promote.
type Promoted struct {
	Count int
	Next  time.Time // when the next waiting job is due; zero: none waits
}
