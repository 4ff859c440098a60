package check

import (
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// History is all that is known of a run. Times are nanoseconds of one monotonic
// clock, those of moves and run times included.
type History struct {
	Params   Params
	Ops      map[string]*Op // by the id of the operation that enqueued
	Controls []Control
	Lives    []*Life
	Runs     []*Run
	Verdicts []Verdict
	Effects  map[Claim]*Effect
	Moves    []Move // in the order of their commits, as far as one job is concerned
	Jobs     map[int64]Job
	Attempts []Attempt
	Rows     map[int64]int // what transactions that complete a job have left, by job
	Faults   []Fault
	Audit    Audit

	Steps       []Step // that are behind a handler: done, or found
	StepEffects []Step // that the ledger holds

	Refused int64 // requests that the disk refused on purpose, as far as those who made them lived to say so

	movesOf   map[int64][]Move
	lifeOf    map[int64]*Life // by the id of the store's process
	runOf     map[Claim]*Run
	runsIn    map[*Life][]*Run
	faultsAt  map[string][]Fault // by victim
	ofAll     []Fault
	people    map[int64][]Control // by job
	clockSpan []Span              // when some process had a wrong clock
}

// Params are the times that the processes were given, and what its kinds of jobs
// may come to.
type Params struct {
	Beat, TimeToDie    time.Duration
	Busy               time.Duration // how much longer recovery may take, where others keep the processors busy
	SoftStop, HardStop time.Duration
	OneWriter          bool // a process that is frozen while it writes holds up all others
	Kinds              map[string]Trait
	Every              time.Duration // between two ticks of a schedule
}

// Trait is what is special about a kind of job.
type Trait struct {
	Ends          []store.JobStatus // with which it may end
	Poison        bool              // it kills its process
	Stubborn      bool              // it goes on when it is told to stop
	Transactional bool              // it completes itself in a transaction, which leaves one row
}

// Claim is one claim of one job.
type Claim struct{ Job, Token int64 }

// Answer is what a client knows of a call.
type Answer uint8

// The answers. An unknown call may have had its effect or not.
const (
	Unknown Answer = iota
	OK
	Refused // certainly without effect
)

// Op is the enqueueing of one job.
type Op struct {
	ID, Kind string
	Answer   Answer
	Job      int64 // if the answer was OK
	Invoked  int64
}

// Control is what a person did to jobs, or to a queue.
type Control struct {
	Verb           string // cancel, retry, hasten, pause, resume
	Queue          string // of pause and resume
	Asked          []int64
	Changed        []int64 // if the answer was OK
	Answer         Answer
	Invoked, Ended int64
}

// Span is a stretch of time.
type Span struct{ From, To int64 }

// Life is one incarnation of a process.
type Life struct {
	Name, Role, Host string
	Born             int64
	Struck           int64  // when a signal that nobody survives was on its way, 0: none was
	Died             int64  // it did nothing afterwards
	Buried           int64  // when the system had said so
	How              string // it ended: killed, poison, stopped, or what the system says
	Joined           []int64
	Processes        []int64 // the ids under which it joined
	Beats            []Span  // accepted: sent, answered
	Stalls           []Span  // without a processor
	Clocks           []Off
	StopAsked        int64
	StopReturned     int64
}

// Off says that a clock is wrong from a time on.
type Off struct{ At, By int64 }

// Run is one call of a handler.
type Run struct {
	Claim
	Life    *Life
	Kind    string
	Start   int64
	Told    int64 // when its context ended, 0: it did not before the end
	Cause   string
	End     int64 // 0: its process died first
	Returns string
}

// Verdict is a store's answer to an outcome.
type Verdict struct {
	Claim
	At      int64
	Verdict store.Verdict
	Again   bool // the outcome was offered once more on purpose
	Life    *Life
}

// Effect is what the ledger holds of one claim.
type Effect struct {
	Began, Ended   int64
	Begins, Finals int
}

// Place is where a job can be.
type Place byte

// The places.
const (
	Ready    Place = 'r'
	Waiting  Place = 'w'
	Claimed  Place = 'c'
	Finished Place = 'f'
)

// Step is a durable step of one claim.
type Step struct {
	Claim
	Name   string
	At     int64
	Result int64
}

// Move is the arrival of a job at a place, as the store's own triggers saw it.
type Move struct {
	Job, At          int64
	Place            Place
	Token, Process   int64 // Claimed and Finished
	Attempt, Crashes int64
	Kind             int64 // Waiting: 1 scheduled, 2 postponed, 3 retrying; Finished: 1 completed, 2 failed, 3 cancelled
	RunAt            int64 // Waiting
}

// Job is a job at the end of the run, as the API shows it.
type Job struct {
	ID         int64
	Op, Kind   string
	Queue      string
	Status     store.JobStatus
	Attempt    int
	MaxRetries int
	Crashes    int
	Error      string
	ArgsOK     bool      // the arguments are what was enqueued, byte for byte
	ResultOK   bool      // the result is what the handler returned
	Key        string    // that it is alone with; empty: none
	Schedule   string    // that it comes from; empty: none
	Tick       time.Time // of the schedule
}

// Attempt is a row of a job's history.
type Attempt struct {
	Claim
	Outcome store.AttemptOutcome
}

// Fault is something that was done to processes.
type Fault struct {
	Kind     string
	Victims  []string // names of lives; none: everyone
	From, To int64
}

// Audit is the store's books at the end.
type Audit struct {
	Counts  map[store.JobStatus]int64 // as Stats says
	Counted map[store.JobStatus]int64 // as the rows say
	Rows    int64                     // of jobs
	Placed  int64                     // rows in the four places
	Lost    int64                     // jobs in no place, or in two
}

// index prepares what the checks look up.
func (h *History) index() {
	h.movesOf, h.lifeOf, h.runOf = map[int64][]Move{}, map[int64]*Life{}, map[Claim]*Run{}
	h.runsIn, h.faultsAt, h.people = map[*Life][]*Run{}, map[string][]Fault{}, map[int64][]Control{}
	h.ofAll, h.clockSpan = nil, nil
	for _, m := range h.Moves {
		h.movesOf[m.Job] = append(h.movesOf[m.Job], m)
	}
	for _, l := range h.Lives {
		for _, p := range l.Processes {
			h.lifeOf[p] = l
		}
		h.clockSpan = append(h.clockSpan, l.wrongClock()...)
	}
	for _, r := range h.Runs {
		h.runOf[r.Claim] = r
		h.runsIn[r.Life] = append(h.runsIn[r.Life], r)
	}
	for _, f := range h.Faults {
		for _, victim := range f.Victims {
			h.faultsAt[victim] = append(h.faultsAt[victim], f)
		}
		if len(f.Victims) == 0 {
			h.ofAll = append(h.ofAll, f)
		}
	}
	for _, c := range h.Controls {
		for _, id := range c.Asked {
			h.people[id] = append(h.people[id], c)
		}
	}
}

// wrongClock is when the process's clock was off.
func (l *Life) wrongClock() (spans []Span) {
	for i, off := range l.Clocks {
		to := l.Died
		if i+1 < len(l.Clocks) {
			to = l.Clocks[i+1].At
		}
		if off.By != 0 {
			spans = append(spans, Span{off.At - int64(time.Second), to + int64(onItsWay)})
		}
	}
	return spans
}

// onItsWay is how long a verb of the store may take that was called with the time of a
// wrong clock: until its locks are given up.
const onItsWay = 12 * time.Second

// gone reports whether the process may have been dead at a time.
func (l *Life) gone(at int64) bool {
	return l.Died <= at || l.Struck > 0 && l.Struck <= at
}

func (s Span) meets(from, to int64) bool { return s.From <= to && from <= s.To }

func meet(spans []Span, from, to int64) bool {
	return slices.ContainsFunc(spans, func(s Span) bool { return s.meets(from, to) })
}

// own returns a fault of this process alone that meets a time, and whether there is
// one. Its starving of a processor is one, if it is as long as atLeast.
func (h *History) own(l *Life, from, to int64, atLeast time.Duration) (Fault, bool) {
	for _, f := range h.faultsAt[l.Name] {
		if (Span{f.From, f.To}).meets(from, to) {
			return f, true
		}
	}
	for _, s := range l.Stalls {
		if s.meets(from, to) && s.To-s.From >= int64(atLeast) {
			return Fault{Kind: "no processor", From: s.From, To: s.To}, true
		}
	}
	return Fault{}, false
}

// shared returns a fault of everyone that meets a time.
func (h *History) shared(from, to int64) (Fault, bool) {
	for _, f := range h.ofAll {
		if (Span{f.From, f.To}).meets(from, to) {
			return f, true
		}
	}
	return Fault{}, false
}

// touched reports whether a person acted on a job within a time.
func (h *History) touched(job int64, verb string, from, to int64) bool {
	return slices.ContainsFunc(h.people[job], func(c Control) bool {
		return (verb == "" || c.Verb == verb) && c.Answer != Refused && (Span{c.Invoked, c.Ended}).meets(from, to)
	})
}
