package store

import (
	"encoding/json"
	"time"
)

// JobStatus is where a job stands, in the words that people read.
type JobStatus string

// The statuses. Failed always means "needs a person".
const (
	Scheduled JobStatus = "scheduled" // will become pending at NextRunAt: enqueued for later, or postponed
	Blocked   JobStatus = "blocked"   // waits for another job, a limit or a lock
	Pending   JobStatus = "pending"   // can start now; waits for a free slot
	Running   JobStatus = "running"   // a process has it
	Retrying  JobStatus = "retrying"  // failed; will run again by itself at NextRunAt
	Completed JobStatus = "completed" // finished without an error
	Failed    JobStatus = "failed"    // out of retries, or not retryable
	Cancelled JobStatus = "cancelled" // stopped on request
)

// Statuses lists every status in the order of a job's life.
var Statuses = []JobStatus{Scheduled, Blocked, Pending, Running, Retrying, Completed, Failed, Cancelled}

// Finished reports whether a job with this status is at its end: only a
// person's retry makes it run again.
func (s JobStatus) Finished() bool {
	return s == Completed || s == Failed || s == Cancelled
}

// Valid reports whether s is one of Statuses.
func (s JobStatus) Valid() bool {
	_, ok := transitions[s]
	return ok
}

// Job is one piece of work, as stored.
type Job struct {
	ID       int64     `json:"id"`
	Type     string    `json:"type"`
	Queue    string    `json:"queue"`
	Status   JobStatus `json:"status"`
	Priority int       `json:"priority"` // higher first, −32768…32767

	Args     json.RawMessage `json:"args"`               // as enqueued, byte for byte
	Result   json.RawMessage `json:"result,omitempty"`   // of a completed job, if its handler returns one
	Metadata json.RawMessage `json:"metadata,omitempty"` // a JSON object of the caller's own
	UserID   string          `json:"user_id,omitempty"`  // who owns the job
	TargetID string          `json:"target_id,omitempty"`
	Tags     []string        `json:"tags,omitempty"`
	Options  *Options        `json:"options,omitempty"` // nil: none

	Attempt    int           `json:"attempt"`              // attempts so far, the running one included; postponed, released and crashed ones do not count
	MaxRetries int           `json:"max_retries"`          // attempts beyond the first
	Crashes    int           `json:"crashes"`              // processes that died while they had the job
	Timeout    time.Duration `json:"timeout"`              // per attempt, nanoseconds; 0: none
	Error      string        `json:"error,omitempty"`      // of the last attempt that failed, or why the job was cancelled
	Cause      CauseID       `json:"cause,omitzero"`       // of Error, while the job is failed or retrying
	Reason     string        `json:"reason,omitempty"`     // why a scheduled job waits, if it was postponed
	Progress   Progress      `json:"progress,omitzero"`    // as last reported
	ProcessID  int64         `json:"process_id,omitempty"` // the process that runs it or ran it last
	Token      int64         `json:"-"`                    // authority over a running job: see Outcome

	QueuedAt    time.Time `json:"queued_at"`
	ScheduledAt time.Time `json:"scheduled_at,omitzero"` // the time that was asked for at enqueue
	StartedAt   time.Time `json:"started_at,omitzero"`   // of the running or the last attempt
	FinishedAt  time.Time `json:"finished_at,omitzero"`
	NextRunAt   time.Time `json:"next_run_at,omitzero"` // of a scheduled or retrying job

	RuleRetries map[string]int `json:"-"` // as in the last Attempt of this round that was retried; only Claim tells

	CancelRequested bool `json:"cancel_requested,omitempty"` // running, and asked to stop

	// Of what an enqueue returns.
	Deduplicated bool `json:"deduplicated,omitempty"` // the job was there before, and holds the unique key
	Replaced     bool `json:"replaced,omitempty"`     // and it has taken over what this enqueue asked for
}

// NewJob is what Enqueue stores. The caller has validated it; a store checks
// only what would break its own tables.
type NewJob struct {
	Type, Queue      string
	Priority         int
	Args             json.RawMessage // valid JSON without NUL characters
	Metadata         json.RawMessage `json:",omitempty"` // a JSON object, or empty
	UserID, TargetID string          // empty: none
	Tags             []string
	MaxRetries       int
	Timeout          time.Duration
	RunAt            time.Time  // the zero time, or a time not after now: at once
	Options          *Options   // nil: none
	OnConflict       OnConflict // with the holder of Options.Unique

	// NotifyInTx tells other processes with the commit of the caller's transaction,
	// where a store can: see Tx.
	NotifyInTx bool
}

// Enqueued is where one NewJob went.
type Enqueued struct {
	ID       int64
	Status   JobStatus // Pending or Scheduled
	QueuedAt time.Time

	// Holder is the job that holds the unique key, if there was one: then nothing new
	// was stored, and the other fields are the holder's.
	Holder   *Job // as it is after the call
	Replaced bool // Holder has taken over what this NewJob asks for
}

// Progress is how far a running job says it is.
type Progress struct {
	Done    int64     `json:"done"`
	Total   int64     `json:"total"` // 0: unknown
	Message string    `json:"message,omitempty"`
	At      time.Time `json:"at,omitzero"`
}

// LogLine is one line of a job's own log.
type LogLine struct {
	JobID   int64           `json:"job_id"`
	Attempt int             `json:"attempt"`
	At      time.Time       `json:"at"`
	Level   string          `json:"level"` // DEBUG, INFO, WARN, ERROR, as slog prints it
	Message string          `json:"message"`
	Attrs   json.RawMessage `json:"attrs,omitempty"` // a JSON object
}

// Attempt is one performing that did not simply complete: a failure, a
// postponement, a crash or a cancellation.
type Attempt struct {
	JobID      int64          `json:"job_id"`
	Number     int            `json:"number"` // 1 for the first
	Outcome    AttemptOutcome `json:"outcome"`
	ProcessID  int64          `json:"process_id"`
	StartedAt  time.Time      `json:"started_at"`
	FinishedAt time.Time      `json:"finished_at"`
	Error      string         `json:"error,omitempty"`
	Stack      string         `json:"stack,omitempty"` // of a panic
	Cause      CauseID        `json:"cause,omitzero"`  // of a failure

	// RuleRetries is how often each rule of RetryOn has retried the job since it was
	// enqueued, or started over by a person, up to this attempt; of a retried one only.
	RuleRetries map[string]int `json:"rule_retries,omitempty"`
}

// AttemptOutcome is what a recorded attempt led to.
type AttemptOutcome string

// The outcomes that leave an Attempt row, but for completed: most jobs complete at
// once, and need none.
const (
	AttemptCompleted  AttemptOutcome = "completed"
	AttemptRetried    AttemptOutcome = "retried"
	AttemptProgressed AttemptOutcome = "progressed" // retried, and did not count: it had got ahead
	AttemptPostponed  AttemptOutcome = "postponed"
	AttemptFailed     AttemptOutcome = "failed"
	AttemptCancelled  AttemptOutcome = "cancelled"
	AttemptCrashed    AttemptOutcome = "crashed"
)
