package storetest

import (
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/laterjobs/later/store"
)

// The processes of the checks.
const (
	worker int64 = 11
	helper int64 = 22
)

// at is a moment of the checks' own time.
func at(offset time.Duration) time.Time {
	return time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC).Add(offset)
}

// When the usual job of a check meets its events.
var (
	enqueuedAt = at(0)
	claimedAt  = at(time.Minute)
	startedAt  = at(time.Minute + time.Second)
	finishedAt = at(2 * time.Minute)
	dueAt      = at(time.Hour)
)

// A trial is one check at work: a fresh store, and its verbs in a form that
// ends the check at the first error.
type trial struct {
	testing.TB
	store  store.Store
	tokens atomic.Int64
}

func newTrial(tb testing.TB, s store.Store) *trial {
	t := &trial{TB: tb, store: s}
	t.tokens.Store(1 << 40)
	return t
}

// Jobs to enqueue.

func plain() store.NewJob {
	return store.NewJob{Type: "Mail", Queue: "default", Args: []byte(`{}`), MaxRetries: 3}
}

func inQueue(queue string) store.NewJob {
	job := plain()
	job.Queue = queue
	return job
}

func ofType(jobType string) store.NewJob {
	job := plain()
	job.Type = jobType
	return job
}

func withPriority(priority int) store.NewJob {
	job := plain()
	job.Priority = priority
	return job
}

func dueIn(offset time.Duration) store.NewJob {
	job := plain()
	job.RunAt = at(offset)
	return job
}

func withArgs(args string) store.NewJob {
	job := plain()
	job.Args = []byte(args)
	return job
}

func many(count int, job store.NewJob) []store.NewJob {
	return slices.Repeat([]store.NewJob{job}, count)
}

// Verbs.

func (t *trial) enqueue(jobs ...store.NewJob) []int64 {
	t.Helper()
	return t.enqueueAt(enqueuedAt, jobs...)
}

func (t *trial) enqueueAt(now time.Time, jobs ...store.NewJob) []int64 {
	t.Helper()
	enqueued, err := t.store.Enqueue(t.Context(), jobs, now)
	t.must("Enqueue", err)
	if len(enqueued) != len(jobs) {
		t.Fatalf("Enqueue of %d jobs answered %d times", len(jobs), len(enqueued))
	}
	ids := make([]int64, len(enqueued))
	for i, one := range enqueued {
		ids[i] = one.ID
	}
	return ids
}

// claim asks for jobs of the type Mail as the worker, unless d says otherwise.
func (t *trial) claim(d store.Demand) []store.Job {
	t.Helper()
	return t.claimAt(claimedAt, d)
}

func (t *trial) claimAt(now time.Time, d store.Demand) []store.Job {
	t.Helper()
	if d.ProcessID == 0 {
		d.ProcessID = worker
	}
	if d.Token == 0 {
		d.Token = t.tokens.Add(1)
	}
	if d.Types == nil {
		d.Types = []string{"Mail"}
	}
	jobs, err := t.store.Claim(t.Context(), d, now)
	t.must("Claim", err)
	return jobs
}

func (t *trial) finish(outcomes ...store.Outcome) []store.Verdict {
	t.Helper()
	verdicts, err := t.store.Finish(t.Context(), outcomes, finishedAt)
	t.must("Finish", err)
	if len(verdicts) != len(outcomes) {
		t.Fatalf("Finish of %d outcomes answered %d verdicts", len(outcomes), len(verdicts))
	}
	return verdicts
}

// accept finishes a claim and insists that the outcome is accepted.
func (t *trial) accept(outcome store.Outcome) {
	t.Helper()
	t.equal("verdict", t.finish(outcome)[0], store.Accepted)
}

// refuse tries an outcome and insists that it is superseded and changes nothing.
func (t *trial) refuse(outcome store.Outcome) {
	t.Helper()
	before := t.whole(outcome.JobID)
	t.equal("verdict", t.finish(outcome)[0], store.Superseded)
	t.equal("job after a superseded outcome", t.whole(outcome.JobID), before)
}

func (t *trial) join(process int64, now time.Time) {
	t.Helper()
	t.must("Join", t.store.Join(t.Context(), aProcess(process, now), now))
}

func aProcess(id int64, now time.Time) store.Process {
	return store.Process{ID: id, State: store.ProcessRunning, Host: "host", PID: int(id), Version: "v1", StartedAt: now, Slots: 5}
}

func (t *trial) get(id int64) store.Job {
	t.Helper()
	job, err := t.store.Get(t.Context(), id)
	t.must("Get", err)
	return job
}

func (t *trial) attempts(id int64) []store.Attempt {
	t.Helper()
	attempts, err := t.store.Attempts(t.Context(), id)
	t.must("Attempts", err)
	return attempts
}

func (t *trial) log(id int64) []store.LogLine {
	t.Helper()
	lines, err := t.store.Log(t.Context(), id)
	t.must("Log", err)
	return lines
}

func (t *trial) steps(id int64) []store.Step {
	t.Helper()
	steps, err := t.store.Steps(t.Context(), id)
	t.must("Steps", err)
	return steps
}

func (t *trial) list(f store.Filter) []int64 {
	t.Helper()
	jobs, err := t.store.List(t.Context(), f)
	t.must("List", err)
	return idsOf(jobs)
}

func (t *trial) stats() store.Stats {
	t.Helper()
	stats, err := t.store.Stats(t.Context())
	t.must("Stats", err)
	return stats
}

// A whole job is everything that a store says about it.
type whole struct {
	Job      store.Job
	Attempts []store.Attempt
	Log      []store.LogLine
	Steps    []store.Step
}

func (t *trial) whole(id int64) whole {
	t.Helper()
	return whole{t.get(id), t.attempts(id), t.log(id), t.steps(id)}
}

// Expectations.

func (t *trial) must(verb string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", verb, err)
	}
}

func (t *trial) equal(what string, got, want any) {
	t.Helper()
	if diff := difference(got, want); diff != "" {
		t.Fatalf("%s is not as expected (-want +got):\n%s", what, diff)
	}
}

func (t *trial) status(id int64, want store.JobStatus) {
	t.Helper()
	if got := t.get(id).Status; got != want {
		t.Fatalf("job %d is %s, expected %s", id, got, want)
	}
}

// difference explains how two values differ; empty if they mean the same.
// Times are compared as instants; a nil slice or map is an empty one.
func difference(got, want any) string {
	if reflect.DeepEqual(got, want) { // nearly always, and at a tenth of the cost
		return ""
	}
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

func idsOf(jobs []store.Job) []int64 {
	ids := make([]int64, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID
	}
	return ids
}

func reversed(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Reverse(ids)
	return ids
}
