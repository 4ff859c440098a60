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

// Stats counts jobs.
type Stats struct {
	Counts map[JobStatus]int64 `json:"counts"` // every status is present
	Queues []QueueStats        `json:"queues"` // by name
}

// QueueStats is one queue at a glance.
type QueueStats struct {
	Name        string    `json:"name"`
	Pending     int64     `json:"pending"`
	Running     int64     `json:"running"`
	Scheduled   int64     `json:"scheduled"`       // and retrying
	Oldest      time.Time `json:"oldest,omitzero"` // when the pending job that waits longest was queued
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
