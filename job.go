package later

import "github.com/laterjobs/later/store"

// The words of the store that users meet.
type (
	Job        = store.Job        // one piece of work, as stored
	JobStatus  = store.JobStatus  // where a job stands
	Filter     = store.Filter     // selects jobs; zero fields do not filter
	Found      = store.Found      // what a search has found
	Reach      = store.Reach      // how far it looks
	Stats      = store.Stats      // counts of jobs
	QueueStats = store.QueueStats // one queue at a glance
	Retention  = store.Retention  // how long finished jobs are kept
	Attempt    = store.Attempt    // one performing of a job
	LogLine    = store.LogLine    // one line of a job's own log
	JobStep    = store.Step       // what a job remembers from one performing to the next
	Progress   = store.Progress   // how far a running job says it is
	Process    = store.Process    // one running JobQueue that works

	RollupFilter   = store.RollupFilter   // selects what charts are drawn from
	DuplicateError = store.DuplicateError // says which job holds a unique key
)

// What an attempt led to.
const (
	AttemptCompleted = store.AttemptCompleted
	AttemptRetried   = store.AttemptRetried
	AttemptPostponed = store.AttemptPostponed
	AttemptFailed    = store.AttemptFailed
	AttemptCancelled = store.AttemptCancelled
	AttemptCrashed   = store.AttemptCrashed
)

// The statuses of a job. Failed always means "needs a person".
const (
	StatusScheduled = store.Scheduled // will become pending at NextRunAt
	StatusBlocked   = store.Blocked   // waits for another job, a limit or a lock
	StatusPending   = store.Pending   // can start now; waits for a free slot
	StatusRunning   = store.Running   // a process has it
	StatusRetrying  = store.Retrying  // failed; will run again by itself at NextRunAt
	StatusCompleted = store.Completed // finished without an error
	StatusFailed    = store.Failed    // out of retries, or not retryable
	StatusCancelled = store.Cancelled // stopped on request
)
