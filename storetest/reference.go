package storetest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

// Reference is a store in plain Go maps under one mutex: slow, gone with the
// process, and so simple that it can be read as the specification of the verbs.
type Reference struct {
	mu         sync.Mutex
	jobs       map[int64]*kept
	processes  map[int64]*store.Process
	types      map[string]store.JobType
	paused     map[string]pause
	keys       map[keyName]heldKey
	schedules  map[string]store.Schedule
	ticks      map[instant]bool // that have had their job
	listeners  map[chan store.Wake]bool
	requests   map[int64]*store.Request
	rollups    []store.Rollup
	causes     map[store.CauseID]store.Cause
	audit      []audited
	lastEntry  int64   // of the audit
	last       int64   // the last id or position given out
	chosen     []int64 // ids to give out instead
	verbs      int64   // how often somebody has asked for something
	closed     bool
	operations []*operated
}

// NewReference returns an empty store.
func NewReference() *Reference {
	return &Reference{
		jobs: map[int64]*kept{}, processes: map[int64]*store.Process{}, types: map[string]store.JobType{},
		schedules: map[string]store.Schedule{}, ticks: map[instant]bool{},
		paused: map[string]pause{}, keys: map[keyName]heldKey{}, listeners: map[chan store.Wake]bool{}, requests: map[int64]*store.Request{},
		causes: map[store.CauseID]store.Cause{},
	}
}

// kept is a job with what its present status needs.
type kept struct {
	job       store.Job // as Get shows it, but for what show fills in
	counted   int       // attempts that counted, without a running one
	position  int64     // place in line
	finisher  int64     // the token under which it finished
	cancelled *string   // the reason of a cancel request
	attempts  []recorded
	log       []store.LogLine
	steps     map[string]store.Step
}

// recorded is an attempt with the token of its claim.
type recorded struct {
	store.Attempt
	token int64
}

type pause struct {
	at     time.Time
	reason string
	person string
}

// begin locks the store for one verb, unless it is closed or the caller has gone.
func (r *Reference) begin(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return store.ErrClosed
	}
	r.verbs++
	return nil
}

func orNow(now time.Time) time.Time {
	if now.IsZero() {
		return time.Now().UTC()
	}
	return now
}

func (r *Reference) next() int64 {
	r.last++
	return r.last
}

// Enqueue stores jobs.
func (r *Reference) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	return r.enqueue(jobs, orNow(now))
}

func (r *Reference) enqueue(jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if err := r.duplicate(jobs, now); err != nil {
		return nil, err
	}
	answers := make([]store.Enqueued, len(jobs))
	for i, n := range jobs {
		if r.holderFor(n, now) != nil {
			continue // see meet
		}
		id := r.next()
		if len(r.chosen) > 0 {
			id, r.chosen = r.chosen[0], r.chosen[1:]
			r.last = max(r.last, id)
		}
		k := &kept{position: id, job: newJob(n, id, now)}
		r.jobs[id] = k
		r.take(k, now)
		answers[i] = store.Enqueued{ID: id, Status: k.job.Status, QueuedAt: k.job.QueuedAt}
	}
	r.meet(jobs, answers, now)
	r.wake(store.Wake{Work: len(jobs) > 0})
	return answers, nil
}

func newJob(n store.NewJob, id int64, now time.Time) store.Job {
	job := store.Job{
		ID: id, Type: n.Type, Queue: n.Queue, Priority: n.Priority, Status: store.Pending,
		Args: n.Args, Metadata: n.Metadata, Options: store.OptionsOf([]byte(n.Options.Text())), UserID: n.UserID, TargetID: n.TargetID, Tags: slices.Clone(n.Tags),
		MaxRetries: n.MaxRetries, Timeout: n.Timeout, QueuedAt: now, ScheduledAt: n.RunAt,
	}
	if n.RunAt.After(now) {
		job.Status, job.NextRunAt = store.Scheduled, n.RunAt
	}
	return job
}

// Claim hands over ready jobs.
func (r *Reference) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	var claimed []store.Job
	for _, k := range r.claimable(d) {
		r.free(k, store.UniqueWhileWaiting)
		k.job.Status, k.job.Token, k.job.ProcessID, k.job.StartedAt = store.Running, d.Token, d.ProcessID, orNow(now)
		job := r.show(k)
		job.RuleRetries = k.ruleRetries()
		claimed = append(claimed, job)
	}
	return claimed, nil
}

// ruleRetries is what the rules have counted in this round.
func (k *kept) ruleRetries() map[string]int {
	if k.counted == 0 {
		return nil // a new one, whatever happened before
	}
	for _, a := range slices.Backward(k.attempts) {
		if a.Outcome == store.AttemptRetried {
			return a.RuleRetries
		}
	}
	return nil
}

// Suspected reports whether a claim of suspects would find one.
func (r *Reference) Suspected(ctx context.Context, d store.Demand) (bool, error) {
	if err := r.begin(ctx); err != nil {
		return false, err
	}
	defer r.mu.Unlock()
	d.Suspects, d.Limit = true, 1
	return len(r.claimable(d)) > 0, nil
}

// claimable lists the jobs that a demand gets, in the claim order.
func (r *Reference) claimable(d store.Demand) (found []*kept) {
	perQueue := map[string]int{}
	for _, k := range r.line() {
		limit, named := d.Queues[k.job.Queue]
		_, paused := r.paused[k.job.Queue]
		switch {
		case len(found) >= d.Limit, paused, !slices.Contains(d.Types, k.job.Type),
			d.Suspects != (k.job.Crashes >= store.SuspectAfter),
			d.Queues != nil && (!named || perQueue[k.job.Queue] >= limit):
			continue
		}
		perQueue[k.job.Queue]++
		found = append(found, k)
	}
	return found
}

// line is every pending job in the claim order.
func (r *Reference) line() []*kept {
	var line []*kept
	for _, k := range r.jobs {
		if k.job.Status == store.Pending {
			line = append(line, k)
		}
	}
	slices.SortFunc(line, func(a, b *kept) int {
		if a.job.Priority != b.job.Priority {
			return b.job.Priority - a.job.Priority
		}
		return int(a.position - b.position)
	})
	return line
}

// Finish ends claims.
func (r *Reference) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	verdicts := make([]store.Verdict, len(outcomes))
	for i, o := range outcomes {
		verdicts[i] = store.Superseded
		k := r.jobs[o.JobID]
		switch {
		case k == nil:
		case k.job.Status == store.Running && k.job.Token == o.Token:
			verdicts[i] = store.Accepted
			r.end(k, o, orNow(now))
		case k.endedUnder(o.Token):
			verdicts[i] = store.Repeated
		}
	}
	return verdicts, nil
}

// endedUnder reports whether an outcome was accepted under the token before.
func (k *kept) endedUnder(token int64) bool {
	return token != 0 && (k.finisher == token || slices.ContainsFunc(k.attempts, func(a recorded) bool {
		return a.token == token && a.Outcome != store.AttemptCrashed
	}))
}

// end takes a claimed job where its outcome leads.
func (r *Reference) end(k *kept, o store.Outcome, now time.Time) {
	if o.StartedAt.IsZero() {
		o.StartedAt = k.job.StartedAt
	}
	if o.FinishedAt.IsZero() {
		o.FinishedAt = now
	}
	number := k.counted + 1
	progressed := o.Kind == store.Retry && o.Progressed
	if o.Kind != store.Postpone && o.Kind != store.Release && !progressed {
		k.counted = number
	}
	token, kind := k.job.Token, o.Kind
	if kind != store.Retry && kind != store.Fail {
		o.Cause = 0
	}
	if k.cancelled != nil {
		if kind != store.Complete && kind != store.Release {
			k.record(store.AttemptCancelled, token, number, o.StartedAt, o.FinishedAt, *k.cancelled, o.Stack)
		}
		r.finish(k, store.Cancelled, *k.cancelled, o)
		k.finisher = token
		return
	}
	if outcome, recorded := recordedAs[kind]; recorded {
		if progressed {
			outcome = store.AttemptProgressed
		}
		k.record(outcome, token, number, o.StartedAt, o.FinishedAt, o.Error, o.Stack)
		k.attempts[len(k.attempts)-1].Cause = o.Cause
	}
	switch kind {
	case store.Complete:
		r.finish(k, store.Completed, "", o)
	case store.Fail, store.Cancel:
		o.Result = nil
		r.finish(k, map[store.OutcomeKind]store.JobStatus{store.Fail: store.Failed, store.Cancel: store.Cancelled}[kind], o.Error, o)
		k.job.Cause = o.Cause
	case store.Retry:
		if !progressed {
			k.retried(o.RuleRetries)
		}
		r.wait(k, store.Retrying, o.RunAt, "")
		k.job.Cause = o.Cause
	case store.Postpone:
		r.wait(k, store.Scheduled, o.RunAt, o.Error)
	case store.Release:
		r.ready(k, k.position)
		return
	}
	if k.job.Status.Finished() {
		k.finisher = token
	}
}

var recordedAs = map[store.OutcomeKind]store.AttemptOutcome{
	store.Retry: store.AttemptRetried, store.Postpone: store.AttemptPostponed,
	store.Fail: store.AttemptFailed, store.Cancel: store.AttemptCancelled,
}

func (k *kept) retried(counts map[string]int) {
	k.attempts[len(k.attempts)-1].RuleRetries = store.RetriesOf([]byte(store.RetriesText(counts)))
}

func (k *kept) record(outcome store.AttemptOutcome, token int64, number int, started, finished time.Time, err, stack string) {
	k.attempts = append(k.attempts, recorded{store.Attempt{
		JobID: k.job.ID, Number: number, Outcome: outcome, ProcessID: k.job.ProcessID,
		StartedAt: started, FinishedAt: finished, Error: err, Stack: stack,
	}, token})
}
