package storetest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/laterjobs/later/store"
)

// broken is the reference with one fault. Each hook sees what a verb is given or
// has done; nil hooks change nothing.
type broken struct {
	*Reference
	given    func(r *Reference, in any) any // NewJob, Demand, Outcome, Filter, Report, Silent or Record
	did      func(r *Reference, verb string)
	answered func(out any) // []Job, []Record, []Verdict, *Beaten, *Stats or the revision's *string, to be spoiled in place
}

func (b *broken) give(in any) any {
	if b.given == nil {
		return in
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.given(b.Reference, in)
}

func (b *broken) done(verb string, out any) {
	if b.did != nil {
		b.mu.Lock()
		b.did(b.Reference, verb)
		b.mu.Unlock()
	}
	if b.answered != nil {
		b.answered(out)
	}
}

func giveAll[T any](b *broken, in []T) []T {
	given := make([]T, len(in))
	for i := range in {
		given[i] = b.give(in[i]).(T)
	}
	return given
}

func (b *broken) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	out, err := b.Reference.Enqueue(ctx, giveAll(b, jobs), now)
	b.done("Enqueue", out)
	return out, err
}

func (b *broken) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	out, err := b.Reference.Claim(ctx, b.give(d).(store.Demand), now)
	b.done("Claim", out)
	return out, err
}

func (b *broken) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	out, err := b.Reference.Finish(ctx, giveAll(b, outcomes), now)
	b.done("Finish", out)
	return out, err
}

func (b *broken) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	return b.Reference.Report(ctx, giveAll(b, reports), now)
}

// savedSteps is what SaveSteps is given.
type savedSteps struct {
	jobID, token int64
	steps        []store.Step
}

func (b *broken) SaveSteps(ctx context.Context, jobID, token int64, steps []store.Step, now time.Time) error {
	in := b.give(savedSteps{jobID, token, slices.Clone(steps)}).(savedSteps)
	return b.Reference.SaveSteps(ctx, in.jobID, in.token, in.steps, now)
}

func (b *broken) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	out, err := b.Reference.Recover(ctx, giveAll(b, silent), now)
	b.done("Recover", out)
	return out, err
}

func (b *broken) Beat(ctx context.Context, id int64, state store.ProcessState, now time.Time) (store.Beaten, error) {
	out, err := b.Reference.Beat(ctx, id, state, now)
	b.done("Beat", &out)
	return out, err
}

func (b *broken) SaveSchedules(ctx context.Context, schedules []store.Schedule, now time.Time, by *store.AuditEntry) ([]bool, error) {
	return b.Reference.SaveSchedules(ctx, giveAll(b, schedules), now, by)
}

func (b *broken) Schedules(ctx context.Context, f store.ScheduleFilter) ([]store.Schedule, error) {
	out, err := b.Reference.Schedules(ctx, b.give(f).(store.ScheduleFilter))
	b.done("Schedules", out)
	return out, err
}

func (b *broken) Tick(ctx context.Context, ticks []store.Tick, now time.Time, by *store.AuditEntry) ([]store.Ticked, error) {
	out, err := b.Reference.Tick(ctx, giveAll(b, ticks), now, by)
	b.done("Tick", out)
	return out, err
}

func (b *broken) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	out, err := b.Reference.Promote(ctx, limit, now)
	b.done("Promote", &out)
	return out, err
}

func (b *broken) Cancel(ctx context.Context, f store.Filter, reason string, now time.Time, by *store.AuditEntry) ([]int64, error) {
	out, err := b.Reference.Cancel(ctx, b.give(f).(store.Filter), reason, now, by)
	b.done("Cancel", out)
	return out, err
}

func (b *broken) Retry(ctx context.Context, f store.Filter, now time.Time, by *store.AuditEntry) ([]int64, error) {
	out, err := b.Reference.Retry(ctx, b.give(f).(store.Filter), now, by)
	b.done("Retry", out)
	return out, err
}

func (b *broken) List(ctx context.Context, f store.Filter) ([]store.Job, error) {
	out, err := b.Reference.List(ctx, b.give(f).(store.Filter))
	if b.answered != nil {
		b.answered(out)
	}
	return out, err
}

func (b *broken) Revision(ctx context.Context) (string, error) {
	out, err := b.Reference.Revision(ctx)
	b.done("Revision", &out)
	return out, err
}

func (b *broken) Search(ctx context.Context, f store.Filter, reach store.Reach) (store.Found, error) {
	out, err := b.Reference.Search(ctx, b.give(f).(store.Filter), reach)
	if b.answered != nil {
		b.answered(&out)
	}
	return out, err
}

func (b *broken) Stats(ctx context.Context) (store.Stats, error) {
	out, err := b.Reference.Stats(ctx)
	if b.answered != nil {
		b.answered(&out)
	}
	return out, err
}

func (b *broken) Rollup(ctx context.Context, rollups []store.Rollup, now time.Time) error {
	return b.Reference.Rollup(ctx, b.give(rollups).([]store.Rollup), now)
}

func (b *broken) Rollups(ctx context.Context, from, until time.Time) ([]store.Rollup, error) {
	out, err := b.Reference.Rollups(ctx, from, until)
	if b.answered != nil {
		b.answered(&out)
	}
	return out, err
}

func (b *broken) Export(ctx context.Context, after int64, limit int) ([]store.Record, error) {
	out, err := b.Reference.Export(ctx, after, limit)
	if b.answered != nil {
		b.answered(out)
	}
	return out, err
}

func (b *broken) Import(ctx context.Context, records []store.Record) error {
	err := b.Reference.Import(ctx, giveAll(b, records))
	b.done("Import", nil)
	return err
}

// spoil is a hook that changes inputs of one type.
func spoil[T any](change func(*Reference, *T)) func(*Reference, any) any {
	return func(r *Reference, in any) any {
		if value, ok := in.(T); ok {
			change(r, &value)
			return value
		}
		return in
	}
}

// eachAfter is a hook that changes every job after a verb.
func eachAfter(verb string, change func(*Reference, *kept)) func(*Reference, string) {
	return func(r *Reference, did string) {
		if did == verb {
			for _, k := range r.selected(func(*kept) bool { return true }) {
				change(r, k)
			}
		}
	}
}

// faults are mistakes that a store could have.
var faults = map[string]broken{
	"accepts stale tokens": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil {
			o.Token = k.job.Token
		}
	})},
	"forgets accepted tokens": {did: eachAfter("Finish", func(_ *Reference, k *kept) {
		k.finisher = 0
		for i := range k.attempts {
			k.attempts[i].token = 0
		}
	})},
	"claims from paused queues":    {did: func(r *Reference, _ string) { clear(r.paused) }},
	"claims suspects with others":  {did: eachAfter("Recover", func(_ *Reference, k *kept) { k.job.Crashes = min(k.job.Crashes, 1) })},
	"claims more than asked":       {given: spoil(func(_ *Reference, d *store.Demand) { d.Limit++ })},
	"claims from other queues":     {given: spoil(func(_ *Reference, d *store.Demand) { d.Queues = nil })},
	"claims types nobody performs": {given: spoil(func(_ *Reference, d *store.Demand) { d.Types = append(d.Types, "Report", "Other", "Unknown") })},
	"ignores priorities":           {given: spoil(func(_ *Reference, n *store.NewJob) { n.Priority = 0 })},
	"rounds large numbers": {given: spoil(func(_ *Reference, n *store.NewJob) {
		n.Args = []byte(strings.ReplaceAll(string(n.Args), "9007199254740993", "9007199254740992"))
	})},
	"loses options":            {given: spoil(func(_ *Reference, n *store.NewJob) { n.Options = nil })},
	"loses metadata":           {given: spoil(func(_ *Reference, n *store.NewJob) { n.Metadata = nil })},
	"performs before its time": {given: spoil(func(_ *Reference, n *store.NewJob) { n.RunAt = n.RunAt.Add(-time.Hour) })},
	"loses what rules counted": {given: spoil(func(_ *Reference, o *store.Outcome) { o.RuleRetries = nil })},
	"loses causes":             {given: spoil(func(_ *Reference, o *store.Outcome) { o.Cause = 0 })},
	"loses results":            {given: spoil(func(_ *Reference, o *store.Outcome) { o.Result = nil })},
	"a release counts as an attempt": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil && o.Kind == store.Release && k.job.Token == o.Token {
			k.counted++
		}
	})},
	"a released job loses its place": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil && o.Kind == store.Release && k.job.Token == o.Token {
			k.position = r.next()
		}
	})},
	"a postponement counts as an attempt": {given: spoil(func(r *Reference, o *store.Outcome) {
		if k := r.jobs[o.JobID]; k != nil && o.Kind == store.Postpone && k.job.Token == o.Token {
			k.counted++
		}
	})},
	"a crash burns an attempt": {did: eachAfter("Recover", func(_ *Reference, k *kept) { k.counted += min(1, k.job.Crashes) })},
	"crashes are not counted":  {did: eachAfter("Recover", func(_ *Reference, k *kept) { k.job.Crashes = 0 })},
	"declares the living dead": {given: spoil(func(r *Reference, s *store.Silent) {
		if p := r.processes[s.ProcessID]; p != nil {
			s.Beat = p.Beat
		}
	})},
	"a heartbeat hides claims":   {answered: spoiled(func(b *store.Beaten) { b.Claims = nil })},
	"a heartbeat hides cancels":  {answered: spoiled(func(b *store.Beaten) { b.Cancels = nil })},
	"cancels without a wake":     {did: func(r *Reference, verb string) { drop(r, verb == "Cancel") }},
	"enqueues without a wake":    {did: func(r *Reference, verb string) { drop(r, verb == "Enqueue") }},
	"promotes without saying so": {answered: spoiled(func(p *store.Promoted) { p.Count = 0 })},
	"forgets when to promote":    {answered: spoiled(func(p *store.Promoted) { p.Next = time.Time{} })},
	"a retried job keeps its past": {did: eachAfter("Retry", func(_ *Reference, k *kept) {
		if k.job.Status == store.Pending {
			k.counted += len(k.attempts)
		}
	})},
	"verdicts in another order":   {answered: func(out any) { reverse[store.Verdict](out) }},
	"lists oldest first":          {answered: func(out any) { reverse[store.Job](out) }},
	"a filter ignores the tag":    {given: spoil(func(_ *Reference, f *store.Filter) { f.Tag = "" })},
	"a filter ignores the status": {given: spoil(func(_ *Reference, f *store.Filter) { f.Status = nil })},
	"a filter ignores the cause":  {given: spoil(func(_ *Reference, f *store.Filter) { f.Cause = 0 })},
	"a filter ignores times":      {given: spoil(func(_ *Reference, f *store.Filter) { f.FinishedBefore = time.Time{} })},
	"pages repeat a job":          {given: spoil(func(_ *Reference, f *store.Filter) { f.Before += min(1, f.Before) })},
	"the revision stands still":   {answered: spoiled(func(revision *string) { *revision = "1" })},
	"counts the pending twice": {answered: spoiled(func(s *store.Stats) {
		if s.Counts != nil {
			s.Counts[store.Pending] *= 2
		}
	})},
	"takes reports of anybody": {given: spoil(func(r *Reference, report *store.Report) {
		if k := r.jobs[report.JobID]; k != nil {
			report.Token = k.job.Token
		}
	})},
	"saves steps of anybody": {given: spoil(func(r *Reference, s *savedSteps) {
		if k := r.jobs[s.jobID]; k != nil {
			s.token = k.job.Token
		}
	})},
	"loses results of steps": {given: spoil(func(_ *Reference, s *savedSteps) {
		for i := range s.steps {
			s.steps[i].Result = nil
		}
	})},
	"a retry loses steps":           {did: eachAfter("Retry", func(_ *Reference, k *kept) { k.steps = nil })},
	"a retry after progress counts": {given: spoil(func(_ *Reference, o *store.Outcome) { o.Progressed = false })},
	"an import loses causes":        {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Cause = 0 })},
	"an import loses steps":         {given: spoil(func(_ *Reference, r *store.Record) { r.Steps = nil })},
	"logs are never cut":            {given: spoil(func(_ *Reference, report *store.Report) { report.CutLog = false })},
	"drops log lines":               {given: spoil(func(_ *Reference, report *store.Report) { report.Lines = nil })},
	"exports without places": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) { r.Position = r.Job.ID })
	}},
	"exports without stacks": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) {
			for i := range r.Attempts {
				r.Attempts[i].Stack = ""
			}
		})
	}},
	"exports without what rules counted": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) {
			for i := range r.Attempts {
				r.Attempts[i].RuleRetries = nil
			}
		})
	}},
	"counts of rules outlive a person's retry": {answered: func(out any) {
		jobs, _ := out.([]store.Job)
		for i := range jobs {
			if jobs[i].Status == store.Running && jobs[i].Attempt == 1 && jobs[i].ProcessID != 0 {
				jobs[i].RuleRetries = map[string]int{"busy": 1}
			}
		}
	}},
	"exports without the reason of a cancel request": {answered: func(out any) {
		eachRecord(out, func(r *store.Record) { r.CancelReason = "" })
	}},
	"exports the last first":         {answered: func(out any) { reverse[store.Record](out) }},
	"imports to the end of the line": {given: spoil(func(_ *Reference, r *store.Record) { r.Position = 0 })},
	"an import burns an attempt": {given: spoil(func(_ *Reference, r *store.Record) {
		if r.Job.Status == store.Running {
			r.Job.Attempt++
		}
	})},
	"an import ignores a cancel request":    {given: spoil(func(_ *Reference, r *store.Record) { r.Job.CancelRequested = false })},
	"an import loses logs":                  {given: spoil(func(_ *Reference, r *store.Record) { r.Log = nil })},
	"an import loses progress":              {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Progress = store.Progress{} })},
	"an import forgets crashes":             {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Crashes = 0 })},
	"an import overwrites":                  {given: spoil(func(r *Reference, record *store.Record) { delete(r.jobs, record.Job.ID) })},
	"an import stores what nobody can keep": {given: spoil(func(_ *Reference, r *store.Record) { r.Job.Status = possible(r.Job.Status) })},
	"ids are given out again after an import": {did: func(r *Reference, verb string) {
		if verb == "Import" {
			r.last = 0
		}
	}},
	"places are set back by an import":          {given: spoil(func(r *Reference, record *store.Record) { r.last = min(r.last, record.Job.ID) })},
	"a schedule is saved whatever its revision": {given: spoil(func(r *Reference, s *store.Schedule) { s.Revision = r.schedules[s.Name].Revision })},
	"a tick counts whatever its revision": {given: spoil(func(r *Reference, t *store.Tick) {
		t.Schedule.Revision = r.schedules[t.Schedule.Name].Revision
	})},
	"an instant may have two jobs": {did: func(r *Reference, verb string) { clear(r.ticks) }},
	"a schedule loses its code":    {given: spoil(func(_ *Reference, s *store.Schedule) { s.Code = store.ScheduleCode{} })},
	"a schedule loses its zone":    {given: spoil(func(_ *Reference, s *store.Schedule) { s.Definition.Zone = "" })},
	"a tick loses the options of its job": {given: spoil(func(_ *Reference, t *store.Tick) {
		t.Jobs = slices.Clone(t.Jobs)
		for i := range t.Jobs {
			t.Jobs[i].Job.Options = nil
		}
	})},
	"a tick does not move the schedule": {given: spoil(func(r *Reference, t *store.Tick) {
		s := r.schedules[t.Schedule.Name]
		s.Revision = t.Schedule.Revision
		t.Schedule = s
	})},
	"the due ones include those of later": {given: spoil(func(_ *Reference, f *store.ScheduleFilter) {
		if !f.DueBy.IsZero() {
			f.DueBy = f.DueBy.Add(time.Microsecond)
		}
	})},
	"schedules come in any order": {answered: func(out any) { reverse[store.Schedule](out) }},
	"imports without a wake":      {did: func(r *Reference, verb string) { drop(r, verb == "Import") }},
}

// eachRecord changes the records that Export returns.
func eachRecord(out any, change func(*store.Record)) {
	if records, ok := out.([]store.Record); ok {
		for i := range records {
			change(&records[i])
		}
	}
}

func possible(status store.JobStatus) store.JobStatus {
	if !slices.Contains(reachable, status) {
		return store.Pending
	}
	return status
}

func spoiled[T any](change func(*T)) func(any) {
	return func(out any) {
		if value, ok := out.(*T); ok {
			change(value)
		}
	}
}

func reverse[T any](out any) {
	if values, ok := out.([]T); ok {
		slices.Reverse(values)
	}
}

// drop takes away the wakes that nobody has read yet.
func drop(r *Reference, when bool) {
	for channel := range r.listeners {
		if when {
			select {
			case <-channel:
			default:
			}
		}
	}
}

func TestMain(m *testing.M) {
	soon = time.Second // the reference answers at once, and some faults never do
	os.Exit(m.Run())
}

// TestFaultsAreFound: for every fault some check fails, so no check is for show.
func TestFaultsAreFound(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, group := range groups {
				for _, check := range group.checks {
					if fails(t, fault, check) {
						t.Logf("found by: %s: %s", group.name, check.name)
						return
					}
				}
			}
			t.Error("no check has found it")
		})
	}
}

// fails runs a check on a new store with a fault.
func fails(t *testing.T, fault broken, check check) bool {
	fault.Reference = NewReference()
	p := newProbe(t)
	defer p.end()
	var ended sync.WaitGroup
	ended.Go(func() { check.run(newTrial(p, &fault)) })
	ended.Wait()
	return p.failed
}

// probe is a testing.TB that notes a failure and does not pass it on.
type probe struct {
	testing.TB
	ctx    context.Context
	end    context.CancelFunc
	mu     sync.Mutex
	failed bool
	said   string
}

func newProbe(t *testing.T) *probe {
	p := &probe{TB: t}
	p.ctx, p.end = context.WithCancel(context.Background())
	return p
}

func (p *probe) Context() context.Context { return p.ctx }
func (p *probe) Helper()                  {}
func (p *probe) Logf(string, ...any)      {}

func (p *probe) Errorf(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed, p.said = true, fmt.Sprintf(format, args...)
}

func (p *probe) Fatalf(format string, args ...any) {
	p.Errorf(format, args...)
	runtime.Goexit()
}

func (p *probe) Fatal(args ...any) { p.Fatalf("%s", fmt.Sprint(args...)) }
func (p *probe) Error(args ...any) { p.Errorf("%s", fmt.Sprint(args...)) }

// TestModelFindsFaults: random verbs find most faults as well, but for those that
// need listeners or values that the verbs do not draw.
func TestModelFindsFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("searches for long, in one goroutine")
	}
	for _, name := range []string{
		"accepts stale tokens", "forgets accepted tokens", "claims from paused queues", "claims suspects with others", "claims more than asked",
		"ignores priorities", "rounds large numbers", "performs before its time", "loses results", "a release counts as an attempt",
		"a crash burns an attempt", "declares the living dead", "a heartbeat hides claims",
		"a heartbeat hides cancels", "forgets when to promote", "lists oldest first", "a filter ignores the tag",
		"counts the pending twice", "takes reports of anybody", "drops log lines", "saves steps of anybody",
		"loses results of steps", "a retry after progress counts",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range 400 {
				if modelFails(faults[name], seed) {
					return
				}
			}
			t.Error("400 random sequences have not found it")
		})
	}
}

// modelFails runs one random sequence on a store with a fault.
func modelFails(fault broken, seed int) (failed bool) {
	fault.Reference = NewReference()
	defer func() { failed = failed || recover() != nil }()
	sequence := rapid.Custom(func(rt *rapid.T) bool {
		defer func() {
			if recover() != nil {
				failed = true
			}
		}()
		runModel(rt, &fault)
		return true
	})
	sequence.Example(seed)
	return failed
}
