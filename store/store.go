package store

import (
	"context"
	"time"
)

// Tx is the part of a store that can take part in a transaction of the
// caller's. What it does becomes true when that transaction commits, and never
// happened if it rolls back.
type Tx interface {
	// Enqueue stores jobs in one statement and returns one Enqueued for each, in
	// order, with rising ids. A store returns after the commit. Of the jobs of one
	// type with one key (Options.Unique) at most one holds it: a job that meets a
	// holder, stored before or earlier in jobs, is not stored but goes the way of its
	// OnConflict. Where another transaction that has not ended has taken the key,
	// Enqueue waits until it is known whether that holds, or ctx ends.
	Enqueue(ctx context.Context, jobs []NewJob, now time.Time) ([]Enqueued, error)

	// Finish ends claims and returns one Verdict for each outcome, in order. When it has
	// returned without an error, the caller may write over outcomes.
	Finish(ctx context.Context, outcomes []Outcome, now time.Time) ([]Verdict, error)

	// SaveSteps stores steps of one job, all of them or none, while it is claimed
	// under the token; steps of the same names are replaced. ErrConflict: it is not,
	// and nothing was stored. Until the caller's transaction ends, nobody can take the
	// job from its process. A failed or cancelled job that a person retries keeps its
	// steps, a completed one loses them.
	SaveSteps(ctx context.Context, jobID, token int64, steps []Step, now time.Time) error

	// Report stores what running jobs say of themselves.
	Report(ctx context.Context, reports []Report, now time.Time) error

	// Of returns the store whose database the transaction works on.
	Of() Store
}

// Clock is what a Store also is whose database has a clock of its own. That clock
// rules: the processes that use the database may have clocks that differ.
type Clock interface {
	Now() time.Time
}

// Alarmed is what a Store also is that can be in trouble while its verbs succeed.
type Alarmed interface {
	// Alarm says what a person should see to; nothing, if all is well.
	Alarm() string
}

// Store is all that the engine and the JobQueue ask of a database. Errors match
// the sentinels of this package with errors.Is.
type Store interface {
	// Work: any process, any time.

	Enqueue(ctx context.Context, jobs []NewJob, now time.Time) ([]Enqueued, error)
	// Claim hands over ready jobs in the order priority DESC, then first in
	// first out, never from a paused queue, never more than the limits. The jobs
	// come back in that order, Running, with Attempt counting the one to come. They are
	// the caller's, who may write over them: a store keeps none.
	Claim(ctx context.Context, d Demand, now time.Time) ([]Job, error)
	// Suspected reports whether a claim of suspects with d would find one.
	Suspected(ctx context.Context, d Demand) (bool, error)
	Finish(ctx context.Context, outcomes []Outcome, now time.Time) ([]Verdict, error)
	// Report does not wait for a job that somebody's transaction has in hand: what is said
	// of its Metadata and Tags may be lost then.
	Report(ctx context.Context, reports []Report, now time.Time) error
	// SaveSteps: see Tx.
	SaveSteps(ctx context.Context, jobID, token int64, steps []Step, now time.Time) error
	// Listen delivers wakes until ctx ends, then closes the channel. Wakes that
	// meet an undelivered one are merged with it.
	Listen(ctx context.Context) (<-chan Wake, error)

	// Liveness.

	// Join makes p known with beat 0 and publishes its types.
	Join(ctx context.Context, p Process, now time.Time) error
	// Beat raises the process's beat, and compares what the process and the store know of
	// its claims. ErrProcessGone: it was declared dead.
	Beat(ctx context.Context, h Heartbeat, now time.Time) (Beaten, error)
	// Leave removes the process and releases the claims it still has, as far as they are
	// found in a moment: a search for them that takes long is given up. Those that are left,
	// and those that a transaction has in hand, are taken back by Recover.
	Leave(ctx context.Context, processID int64, now time.Time) error
	// Recover declares dead those silent processes whose beat is still the
	// one named, and those that the store itself can prove dead, and takes the
	// jobs of every process that is not known (any more) back into ready with
	// Attempt unchanged and Crashes raised.
	Recover(ctx context.Context, silent []Silent, now time.Time) ([]Recovered, error)

	// Upkeep: safe from any process.

	// Promote makes at most limit due jobs ready.
	Promote(ctx context.Context, limit int, now time.Time) (Promoted, error)
	// Prune deletes finished jobs past their retention, looking at no more than
	// limit of them with ids above after, and returns how many it deleted and
	// where to go on: 0 means that nothing further can be due. A job that holds its
	// unique key for a period is kept that long. With after 0 it forgets the periods
	// that are over as well, the audit and the operations of longer ago than AuditKept, what
	// undoing operations needed of longer ago than OperationUndoable, the causes that have
	// not been seen for CauseKept, have no jobs and are not muted, and counts of causes older
	// than CauseCountsKept.
	Prune(ctx context.Context, keep Retention, after int64, limit int, now time.Time) (deleted int, next int64, err error)

	// Rollup stores rollups of a minute, adds the counts of those that are older than
	// RollupKept says to the next longer span, and deletes the oldest. Rollups are for
	// charts: stored twice, they count twice.
	Rollup(ctx context.Context, rollups []Rollup, now time.Time) error
	// RecordCauses adds to what is known of causes: Total and Counts are added, FirstSeen
	// and LastSeen widened, MutedUntil put off; the rest is stored of those that are new.
	// Recorded twice, they count twice.
	RecordCauses(ctx context.Context, causes []Cause, now time.Time) error
	// Tick takes each step whose schedule is still at its revision: stores the schedule,
	// and enqueues the jobs of those instants that have had none, all in one
	// transaction. The last of Ticked.Jobs becomes LastJob. Unique keys hold as they do
	// for Enqueue, but a job that goes the way of ConflictFail fails nothing: it is not
	// enqueued. ErrConflict: a transaction that has not ended has taken a key; nothing was
	// done. by: as in the verbs of control.
	Tick(ctx context.Context, ticks []Tick, now time.Time, by *AuditEntry) ([]Ticked, error)

	// Control: people, by filter. Each returns the ids of the jobs it changed,
	// rising, and leaves the others alone. One that has changed something keeps by, with
	// the number of the jobs and the ids of the first AuditedJobs, in the same
	// transaction; nil: nobody is noted. Of a change that takes several transactions the
	// entry comes with the first, and counts on with the others. ErrInvalidFilter, as of
	// what reads by filter: the filter has a condition that makes no sense.

	// Cancel finishes jobs that wait and asks for the stop of those that run.
	Cancel(ctx context.Context, f Filter, reason string, now time.Time, by *AuditEntry) ([]int64, error)
	// Retry makes finished and retrying jobs pending; finished ones start over
	// with Attempt and Crashes 0, and take their unique key again. Where another job
	// holds it, or another of the same call has taken it, they are left alone. Completed
	// ones lose their steps.
	Retry(ctx context.Context, f Filter, now time.Time, by *AuditEntry) ([]int64, error)
	// Reschedule gives scheduled, pending and retrying jobs a new time; one that
	// is not after now makes them pending.
	Reschedule(ctx context.Context, f Filter, at, now time.Time, by *AuditEntry) ([]int64, error)
	// Delete removes jobs that do not run, with their history.
	Delete(ctx context.Context, f Filter, by *AuditEntry) ([]int64, error)
	// Pause stops claims from a queue; Resume allows them again. A queue need
	// not have jobs to be paused. Both may be repeated. The queue
	// shows who paused it: by.Person.
	Pause(ctx context.Context, queue, reason string, now time.Time, by *AuditEntry) error
	Resume(ctx context.Context, queue string, by *AuditEntry) error

	// Ask stores a request to a process, hastens the process's next beat, and forgets
	// requests that are older than RequestKept. ErrNotFound: the process is not known
	// (any more).
	Ask(ctx context.Context, r Request, now time.Time) error
	// Answer stores what came of a request. The first answer stays, and one to a
	// request that is not known any more is dropped silently.
	Answer(ctx context.Context, requestID int64, answer string, now time.Time) error
	// Mute says until when a cause raises no attention; the zero time: it does again.
	// ErrNotFound: nothing is known of it.
	Mute(ctx context.Context, id CauseID, until, now time.Time, by *AuditEntry) error

	// SaveSchedules stores each schedule that is still at its revision, or, at revision
	// 0, that does not exist, and reports which those were.
	SaveSchedules(ctx context.Context, schedules []Schedule, now time.Time, by *AuditEntry) ([]bool, error)
	// DeleteSchedules removes schedules with what is known of their ticks, and returns
	// how many there were.
	DeleteSchedules(ctx context.Context, names []string, by *AuditEntry) (int, error)

	// Operations: changes of many jobs, as durable work.

	// AddOperation stores a running operation of Action, Filter, At, Person, Source and
	// Reason, over the jobs that there are, and keeps by as the verbs of control do: its
	// Jobs count on with the steps.
	AddOperation(ctx context.Context, o Operation, by *AuditEntry, now time.Time) (Operation, error)
	// StepOperation takes one step, in one transaction: changes at most OperationStep jobs
	// and keeps what they were, or restores those of one step. It may be called by any number
	// of processes at once, and does nothing for an operation that has ended or that another
	// process is at. An operation whose filter cannot be read fails.
	StepOperation(ctx context.Context, id int64, now time.Time) (Operation, error)
	// TurnOperation ends a running operation (OperationCancelled) or lets one that is done
	// or cancelled be undone (OperationUndoing), and keeps by. ErrNotFound, ErrConflict: its
	// state does not allow it, or its end is longer ago than OperationUndoable.
	TurnOperation(ctx context.Context, id int64, to OperationState, by *AuditEntry, now time.Time) (Operation, error)
	Operations(ctx context.Context, f OperationFilter) ([]Operation, error) // newest first

	// Reading.

	Get(ctx context.Context, id int64) (Job, error) // ErrNotFound
	// List returns the newest jobs that f selects, however far it has to look for them.
	List(ctx context.Context, f Filter) ([]Job, error)
	// Search is List with a bounded cost: it may return fewer jobs than there are, and
	// says where to go on. Pages that follow Next show the same jobs as List does.
	Search(ctx context.Context, f Filter, reach Reach) (Found, error)
	// Count counts the jobs that f selects, in groups of the same values of by, at a bounded
	// cost as Search. It does not regard f.Limit. Parts that follow Next count every job
	// once that is there all the time.
	Count(ctx context.Context, f Filter, by []CountBy, reach Reach) (Counted, error)
	Attempts(ctx context.Context, jobID int64) ([]Attempt, error) // oldest first
	Log(ctx context.Context, jobID int64) ([]LogLine, error)      // oldest first
	Steps(ctx context.Context, jobID int64) ([]Step, error)       // oldest first, of one time by name
	Types(ctx context.Context) ([]JobType, error)                 // by name
	Processes(ctx context.Context) ([]Process, error)             // oldest first, without Types
	Request(ctx context.Context, id int64) (Request, error)       // ErrNotFound
	// Stats costs little, however many jobs there are: it counts to CountedTo.
	Stats(ctx context.Context) (Stats, error)
	// Arrivals counts the jobs that were enqueued of late: see ArrivalsOf.
	Arrivals(ctx context.Context, now time.Time) (Arrivals, error)
	// Revision returns a text that differs from every one before if anything that can be
	// read has changed since, by whatever process: soon after the commit, and never
	// before. It may differ although nothing has. It costs next to nothing, and may be
	// asked for every second.
	Revision(ctx context.Context) (string, error)
	// Rollups returns those of each length, oldest first. Several may be of the same time,
	// queue and type, unless they are summed: see MergeRollups.
	Rollups(ctx context.Context, f RollupFilter) ([]Rollup, error)
	// Causes returns what is known of causes, those seen last first, of one time by id.
	Causes(ctx context.Context, f CauseFilter, now time.Time) ([]Cause, error)
	// Holder returns the id of the job that holds a unique key; ErrNotFound: none.
	Holder(ctx context.Context, jobType, key string, now time.Time) (int64, error)
	Schedules(ctx context.Context, f ScheduleFilter) ([]Schedule, error) // by name
	Audit(ctx context.Context, f AuditFilter) ([]AuditEntry, error)      // newest first

	// Moving to another store.

	// Export returns whole jobs with ids above after, rising: at most limit, and
	// fewer where they are large. None: there are no more.
	Export(ctx context.Context, after int64, limit int) ([]Record, error)
	// Import stores records where their status says, all of them or none. A running
	// job becomes pending at its old place, as if it had never been claimed: see
	// Record.AtRest. Jobs whose id exists are left alone, so that Import may be
	// repeated. One that should hold a unique key which another job holds has none.
	// Ids and places that are given out afterwards come after those of the
	// records. Tokens do not travel: outcomes of old claims are superseded.
	// ErrConflict: a status in which no job is kept.
	Import(ctx context.Context, records []Record) error

	// Life.

	Migrate(ctx context.Context) error
	Close() error
}
