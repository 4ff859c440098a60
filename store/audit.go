package store

import "time"

// AuditEntry says who has changed what, and why. The verbs of control keep the one that
// they are given in the transaction of the change, if there is one: whoever looks finds
// both or neither. A process that does what its rules say gives none.
type AuditEntry struct {
	ID     int64       `json:"id"`
	At     time.Time   `json:"at"` // zero: the store's now
	Person string      `json:"person,omitempty"`
	Source AuditSource `json:"source"` // what the person used
	Action string      `json:"action"` // such as cancel or pause
	Kind   string      `json:"kind"`   // of the target: job, jobs, queue, schedule, operation, …
	Target string      `json:"target"` // an id, a name, or the query of a filter
	Reason string      `json:"reason,omitempty"`
	Jobs   int64       `json:"jobs,omitempty"`   // how many were changed
	Before string      `json:"before,omitempty"` // what it was, where that is short
	After  string      `json:"after,omitempty"`
}

// AuditSource is what a person used to change something.
type AuditSource string

// The sources.
const (
	FromProgram   AuditSource = "program" // code that calls the library
	FromDashboard AuditSource = "dashboard"
	FromCLI       AuditSource = "cli"
	FromAPI       AuditSource = "api"
)

// AuditFilter selects entries of the audit. Zero fields do not filter.
type AuditFilter struct {
	Person string
	Source AuditSource
	Action string
	Kind   string
	Target string
	Job    int64 // only changes of this job: see AuditedJobs

	Before int64 // only ids below; keyset paging, newest first
	Limit  int   // 0 means 100, at most 1,000
}

const (
	// AuditKept is how long the entries of the audit are kept.
	AuditKept = 90 * 24 * time.Hour
	// AuditedJobs is of how many jobs that one call changes the ids are kept.
	AuditedJobs = 1000
)

// Page is how many entries the filter asks for.
func (f AuditFilter) Page() int {
	const usual, most = 100, 1000
	if f.Limit <= 0 {
		return usual
	}
	return min(f.Limit, most)
}
