package store

import (
	"encoding/json"
	"time"
)

// Demand is what a process asks of Claim: which jobs, and how many at most.
type Demand struct {
	ProcessID int64
	Token     int64    // fresh and random; every job of this claim carries it
	Types     []string // the types that the process can perform; others are left for those that can

	// Queues holds the limit for each queue that the process serves. Nil means
	// every queue. Limit bounds the whole claim in either case.
	Queues map[string]int
	Limit  int

	// Suspects asks for suspects only. Other claims pass them over: a suspect is
	// claimed when its process has nothing else in hand.
	Suspects bool

	// Into is memory that the answer may take, from its beginning; nil: it takes its own.
	// After an error it belongs to the store, which may still be at work with it.
	Into []Job
}

// OutcomeKind is what one attempt led to.
type OutcomeKind uint8

// The outcomes. Only Complete, Retry (unless Progressed), Fail and Cancel count as
// an attempt.
const (
	Complete OutcomeKind = iota + 1 // → completed, with Result
	Retry                           // → retrying until RunAt, with Error
	Postpone                        // → scheduled until RunAt, with Reason in Error
	Fail                            // → failed, with Error
	Cancel                          // → cancelled, with Error as the reason
	Release                         // → pending, untouched: as if it had never been claimed
)

// Outcome ends one claim of one job. It is accepted only while the job is
// claimed under Token. If somebody has asked to cancel the job by then, every
// kind leads to cancelled, with that person's reason (a Result is kept).
type Outcome struct {
	JobID, Token int64
	Kind         OutcomeKind
	RunAt        time.Time // Retry, Postpone
	Progressed   bool      // of a Retry: the attempt got ahead and does not count
	Result       json.RawMessage
	Error, Stack string  // valid UTF-8 without NUL
	Cause        CauseID // Retry, Fail: what the failure is grouped by; 0: by nothing
	StartedAt    time.Time
	FinishedAt   time.Time
	RuleRetries  map[string]int // Retry: see Attempt
	Unique       bool           // the job has a unique key that its end frees: see Options.KeptUntilDone
}

// Verdict is a store's answer to an Outcome.
type Verdict uint8

// The verdicts.
const (
	Accepted   Verdict = iota + 1 // the job moved now
	Superseded                    // the token is no longer the job's; nothing changed
	Repeated                      // the job had moved under the same token before; nothing changed
)

// Report carries what a running job says of itself. Reports under a token that
// is no longer the job's are dropped silently.
type Report struct {
	JobID, Token int64
	Progress     *Progress // nil: unchanged
	Lines        []LogLine // JobID is taken from the Report

	// What takes the place of the job's own: what it has of them is not merged.
	Metadata json.RawMessage // a JSON object; nil: unchanged
	Tags     []string        // nil: unchanged

	// CutLog drops the oldest lines of the job's log, those of this report included,
	// so that the rest is at most LogKept.
	CutLog bool
}

// LastDetails are the reports of a batch that have Metadata or Tags, one for each claim:
// with what was reported last of each.
func LastDetails(reports []Report) (last []Report) {
	type claim struct{ id, token int64 }
	places := map[claim]int{}
	for _, r := range reports {
		if r.Metadata == nil && r.Tags == nil {
			continue
		}
		place, known := places[claim{r.JobID, r.Token}]
		if !known {
			places[claim{r.JobID, r.Token}] = len(last)
			last = append(last, Report{JobID: r.JobID, Token: r.Token, Metadata: r.Metadata, Tags: r.Tags})
			continue
		}
		if r.Metadata != nil {
			last[place].Metadata = r.Metadata
		}
		if r.Tags != nil {
			last[place].Tags = r.Tags
		}
	}
	return last
}

// A log holds at most MaxLog bytes of messages and attributes: whoever reports asks
// to cut it once for every MaxLog−LogKept that were added, and at first.
const (
	MaxLog  = 1 << 20
	LogKept = MaxLog - 128<<10
)

// Wake says what may have changed. It is a hint: a lost one costs at most a poll
// interval. A store that cannot tell what a commit did sets every field.
type Wake struct {
	Work     bool // jobs may have become ready or waiting: Claim, Promote
	Cancels  bool // somebody asked to cancel a running job, or asks something of a process: Beat soon
	Finished bool // jobs may have finished: whoever waits for one looks again
}

// Merge returns the wake that says what both say.
func (w Wake) Merge(other Wake) Wake {
	return Wake{
		Work:     w.Work || other.Work,
		Cancels:  w.Cancels || other.Cancels,
		Finished: w.Finished || other.Finished,
	}
}
