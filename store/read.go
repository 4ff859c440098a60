package store

import "time"

// Filter selects jobs. Zero fields do not filter; the others must all match.
type Filter struct {
	IDs    []int64
	Status []JobStatus
	Type   string
	Queue  string
	User   string
	Target string
	Tag    string
	Cause  CauseID // of the latest error of jobs that are failed or retrying: no others match
	Text   string  // occurs in the arguments or the error, ignoring ASCII case

	QueuedAfter, QueuedBefore     time.Time // QueuedAfter ≤ queued_at < QueuedBefore
	FinishedAfter, FinishedBefore time.Time // FinishedAfter ≤ finished_at < FinishedBefore

	Before int64 // only ids below; keyset paging, newest first
	Limit  int   // List: 0 means 100, at most 10,000. Bulk verbs: 0 means all
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
