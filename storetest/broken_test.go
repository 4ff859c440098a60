package storetest

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
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

func (b *broken) Delete(ctx context.Context, f store.Filter, by *store.AuditEntry) ([]int64, error) {
	out, err := b.Reference.Delete(ctx, b.give(f).(store.Filter), by)
	b.done("Delete", out)
	return out, err
}

func (b *broken) Prune(ctx context.Context, keep store.Retention, after int64, limit int, now time.Time) (int, int64, error) {
	deleted, next, err := b.Reference.Prune(ctx, keep, after, limit, now)
	b.done("Prune", nil)
	return deleted, next, err
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

func (b *broken) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	out, err := b.Reference.Beat(ctx, b.give(h).(store.Heartbeat), now)
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

func (b *broken) AddOperation(ctx context.Context, o store.Operation, by *store.AuditEntry, now time.Time) (store.Operation, error) {
	out, err := b.Reference.AddOperation(ctx, o, by, now)
	b.done("AddOperation", &out)
	return out, err
}

// operationStep is what StepOperation is given.
type operationStep struct{ id int64 }

func (b *broken) StepOperation(ctx context.Context, id int64, now time.Time) (store.Operation, error) {
	out, err := b.Reference.StepOperation(ctx, b.give(operationStep{id}).(operationStep).id, now)
	b.done("StepOperation", &out)
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

func (b *broken) Count(ctx context.Context, f store.Filter, by []store.CountBy, reach store.Reach) (store.Counted, error) {
	out, err := b.Reference.Count(ctx, b.give(f).(store.Filter), by, reach)
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

func (b *broken) Arrivals(ctx context.Context, now time.Time) (store.Arrivals, error) {
	out, err := b.Reference.Arrivals(ctx, now)
	if b.answered != nil {
		b.answered(&out)
	}
	return out, err
}

func (b *broken) Rollup(ctx context.Context, rollups []store.Rollup, now time.Time) error {
	return b.Reference.Rollup(ctx, b.give(rollups).([]store.Rollup), now)
}

func (b *broken) Rollups(ctx context.Context, f store.RollupFilter) ([]store.Rollup, error) {
	out, err := b.Reference.Rollups(ctx, f)
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

// eachOperation is a hook that changes every operation after a verb.
func eachOperation(verb string, change func(*Reference, *operated)) func(*Reference, string) {
	return func(r *Reference, did string) {
		if did == verb {
			for _, o := range r.operations {
				change(r, o)
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
