package store

import (
	"encoding/json"
	"time"
)

// ProcessState is what a process says of itself.
type ProcessState string

// The states.
const (
	ProcessRunning  ProcessState = "running"
	ProcessDraining ProcessState = "draining" // claims nothing more until it is asked to resume
	ProcessStopping ProcessState = "stopping" // claims nothing more
)

// Process is one running JobQueue that works. A new start is a new process.
type Process struct {
	ID        int64          `json:"id"` // random, positive
	Beat      int64          `json:"beat"`
	BeatAt    time.Time      `json:"beat_at"` // for people; death is never computed from it
	State     ProcessState   `json:"state"`
	Host      string         `json:"host"`
	PID       int            `json:"pid"`
	Version   string         `json:"version"` // of the program, if it says so
	StartedAt time.Time      `json:"started_at"`
	Queues    map[string]int `json:"queues,omitempty"` // slots per queue; nil: every queue
	Slots     int            `json:"slots"`
	Performs  []string       `json:"performs,omitempty"` // names of types that it has handlers for, former ones included; nil: not known
	Types     []JobType      `json:"-"`                  // published by Join

	// Ended: the operating system of this host has let go of its lock, so that it is
	// dead, whatever its heartbeat says. Of processes of other hosts nothing is known.
	Ended bool `json:"ended,omitempty"`
	// ClockAhead is by how much its clock was ahead of the database's when it sent its last
	// heartbeat, less what the measurement may be wrong by; negative: behind.
	ClockAhead time.Duration `json:"clock_ahead,omitempty"`
}

// JobType is what a process publishes of a handler's definition, so that
// others can enqueue by name with the same checks and defaults.
type JobType struct {
	Name        string        `json:"name"`
	Description string        `json:"description,omitempty"`
	Queue       string        `json:"queue"`
	Priority    int           `json:"priority"`
	MaxRetries  int           `json:"max_retries"`
	Timeout     time.Duration `json:"timeout"`

	StartWithin  time.Duration `json:"start_within,omitempty"` // after the job is due; 0: whenever
	FinishWithin time.Duration `json:"finish_within,omitempty"`

	Schema json.RawMessage `json:"schema,omitempty"` // JSON Schema of the arguments
	Unique *UniqueRule     `json:"unique,omitempty"` // nil: its jobs have no keys by themselves
	SeenAt time.Time       `json:"seen_at"`          // when a process last published it
}

// Heartbeat is what a process says of itself, again and again.
type Heartbeat struct {
	ProcessID int64
	State     ProcessState
	Held      []Claimed // the claims that it knows of, in any order; ClaimedAt is not looked at
	Search    bool      // for claims that it does not know of, such as those whose answer was lost
}

// Beaten is the answer to a heartbeat.
type Beaten struct {
	// Claims are those of Held that the store says are this process's, under that token.
	// If Searched they are all claims of the process.
	Claims []Claimed
	// Searched: a search was asked for and made. A store may give one up that takes too long.
	Searched bool
	Cancels  []CancelRequest // for the jobs of Claims
	// Requests are those to this process that have no answer and have not expired, at
	// most MaxRequests, the oldest first.
	Requests []Request
}

// Claimed is one job in the hands of a process.
type Claimed struct {
	JobID, Token int64
	ClaimedAt    time.Time
}

// CancelRequest asks the process that runs a job to stop it.
type CancelRequest struct {
	JobID  int64
	Reason string
}

// Silent names a process whose Beat somebody has watched, unchanged, for the
// whole time-to-die.
type Silent struct {
	ProcessID, Beat int64
}

// Recovered is one job taken back from a dead process.
type Recovered struct {
	JobID, ProcessID int64
	Type             string
	Status           JobStatus // Pending; Failed at the crash limit; Cancelled if that was asked for
	Crashes          int
}

// SuspectAfter is how many processes may die with a job in hand before it is a
// suspect: from then on it is performed alone in its process, so that a further
// crash tells the guilty from the bystanders.
const SuspectAfter = 2

// MaxCrashes is how many processes may die with a job in hand, the last three
// with that job alone, before it is failed with the reason CrashedReason.
const MaxCrashes = SuspectAfter + 3

// CrashedReason is the error of a job that reached MaxCrashes.
const CrashedReason = "crashed its process"
