package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// gate is the store as one process sees it: every call is parked until the driver
// answers.
type gate struct{ p *process }

func (p *process) gate() gate { return gate{p} }

// Now is the process's clock.
func (g gate) Now() time.Time {
	g.p.w.mu.Lock()
	defer g.p.w.mu.Unlock()
	return time.Now().Add(g.p.offset)
}

// call parks one call. apply belongs to the driver, who may still run it when the
// caller has long had an error.
func call[A any](g gate, ctx context.Context, op *operation, apply func(context.Context, store.Store) (A, error)) (A, error) {
	var answer A
	op.by, op.ctx, op.answer = g.p, ctx, make(chan error, 1)
	op.apply = func(s store.Store) (err error) {
		answer, err = apply(context.Background(), s)
		op.out = answer
		return err
	}
	g.p.w.park(op)
	if err := <-op.answer; err != nil {
		var none A
		return none, err
	}
	return answer, nil
}

// done parks a call that only succeeds or fails.
func done(g gate, ctx context.Context, op *operation, apply func(context.Context, store.Store) error) error {
	_, err := call(g, ctx, op, func(ctx context.Context, s store.Store) (bool, error) { return true, apply(ctx, s) })
	return err
}

func (g gate) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	return call(g, ctx, &operation{verb: "Enqueue", in: jobs, now: now}, func(ctx context.Context, s store.Store) ([]store.Enqueued, error) {
		return s.Enqueue(ctx, jobs, now)
	})
}

func (g gate) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	return call(g, ctx, &operation{verb: "Claim", in: d, now: now}, func(ctx context.Context, s store.Store) ([]store.Job, error) {
		return s.Claim(ctx, d, now)
	})
}

func (g gate) Suspected(ctx context.Context, d store.Demand) (bool, error) {
	return call(g, ctx, &operation{verb: "Suspected", reads: true}, func(ctx context.Context, s store.Store) (bool, error) {
		return s.Suspected(ctx, d)
	})
}

// Finish applies the outcomes by job: in which order an engine lists those that
// end together means nothing.
func (g gate) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	sorted := slices.Clone(outcomes)
	slices.SortFunc(sorted, func(a, b store.Outcome) int { return compareClaims(a.JobID, a.Token, b.JobID, b.Token) })
	op := &operation{verb: "Finish", in: sorted, now: now}
	verdicts, err := call(g, ctx, op, func(ctx context.Context, s store.Store) ([]store.Verdict, error) {
		return s.Finish(ctx, sorted, now)
	})
	if err != nil {
		return nil, err
	}
	byClaim := map[claim]store.Verdict{}
	for i, o := range sorted {
		byClaim[claim{o.JobID, o.Token}] = verdicts[i]
	}
	answers := make([]store.Verdict, len(outcomes))
	for i, o := range outcomes {
		answers[i] = byClaim[claim{o.JobID, o.Token}]
	}
	return answers, nil
}

func (g gate) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	return done(g, ctx, &operation{verb: "Report"}, func(ctx context.Context, s store.Store) error {
		return s.Report(ctx, reports, now)
	})
}

// Listen answers with a channel of the process's own, into which the driver puts
// what it does not drop.
func (g gate) Listen(ctx context.Context) (<-chan store.Wake, error) {
	op := &operation{verb: "Listen"}
	return call(g, ctx, op, func(_ context.Context, s store.Store) (<-chan store.Wake, error) {
		return g.p.listen(ctx, s)
	})
}

func (g gate) Join(ctx context.Context, p store.Process, now time.Time) error {
	return done(g, ctx, &operation{verb: "Join", in: p, now: now}, func(ctx context.Context, s store.Store) error {
		return s.Join(ctx, p, now)
	})
}

func (g gate) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	return call(g, ctx, &operation{verb: "Beat", in: h, now: now}, func(ctx context.Context, s store.Store) (store.Beaten, error) {
		beaten, err := s.Beat(ctx, h, now)
		if hides := g.p.w.broken.Hides; hides != nil {
			beaten.Claims = slices.DeleteFunc(beaten.Claims, func(c store.Claimed) bool { return hides(g.p.heard[claim{c.JobID, c.Token}]) })
		}
		return beaten, err
	})
}

func (g gate) Leave(ctx context.Context, id int64, now time.Time) error {
	return done(g, ctx, &operation{verb: "Leave", in: id, now: now}, func(ctx context.Context, s store.Store) error {
		return s.Leave(ctx, id, now)
	})
}

// Recover also names the processes that the store could prove dead, as one host's
// file locks do.
func (g gate) Recover(ctx context.Context, silent []store.Silent, now time.Time) ([]store.Recovered, error) {
	op := &operation{verb: "Recover", now: now}
	return call(g, ctx, op, func(ctx context.Context, s store.Store) ([]store.Recovered, error) {
		if op.in == nil { // what comes a second time proves nothing new
			op.in = g.p.w.proved(silent)
		}
		return s.Recover(ctx, op.in.([]store.Silent), now)
	})
}

func (g gate) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	return call(g, ctx, &operation{verb: "Promote", now: now}, func(ctx context.Context, s store.Store) (store.Promoted, error) {
		return s.Promote(ctx, limit, now)
	})
}

func (g gate) Prune(ctx context.Context, keep store.Retention, after int64, limit int, now time.Time) (int, int64, error) {
	type pruned struct {
		deleted int
		next    int64
	}
	out, err := call(g, ctx, &operation{verb: "Prune", now: now}, func(ctx context.Context, s store.Store) (p pruned, err error) {
		p.deleted, p.next, err = s.Prune(ctx, keep, after, limit, now)
		return p, err
	})
	return out.deleted, out.next, err
}

func (g gate) Tick(ctx context.Context, ticks []store.Tick, now time.Time, by *store.AuditEntry) ([]store.Ticked, error) {
	return call(g, ctx, &operation{verb: "Tick", in: ticks, now: now}, func(ctx context.Context, s store.Store) ([]store.Ticked, error) {
		return s.Tick(ctx, ticks, now, by)
	})
}

func (g gate) SaveSchedules(ctx context.Context, schedules []store.Schedule, now time.Time, by *store.AuditEntry) ([]bool, error) {
	return call(g, ctx, &operation{verb: "SaveSchedules", now: now}, func(ctx context.Context, s store.Store) ([]bool, error) {
		return s.SaveSchedules(ctx, schedules, now, by)
	})
}

func (g gate) DeleteSchedules(ctx context.Context, names []string, by *store.AuditEntry) (int, error) {
	return call(g, ctx, &operation{verb: "DeleteSchedules"}, func(ctx context.Context, s store.Store) (int, error) {
		return s.DeleteSchedules(ctx, names, by)
	})
}

func (g gate) Schedules(ctx context.Context, f store.ScheduleFilter) ([]store.Schedule, error) {
	return call(g, ctx, &operation{verb: "Schedules", reads: true}, func(ctx context.Context, s store.Store) ([]store.Schedule, error) {
		return s.Schedules(ctx, f)
	})
}

func (g gate) AddOperation(ctx context.Context, o store.Operation, by *store.AuditEntry, now time.Time) (store.Operation, error) {
	return call(g, ctx, &operation{verb: "AddOperation"}, func(ctx context.Context, s store.Store) (store.Operation, error) {
		return s.AddOperation(ctx, o, by, now)
	})
}

func (g gate) StepOperation(ctx context.Context, id int64, now time.Time) (store.Operation, error) {
	return call(g, ctx, &operation{verb: "StepOperation"}, func(ctx context.Context, s store.Store) (store.Operation, error) {
		return s.StepOperation(ctx, id, now)
	})
}

func (g gate) TurnOperation(ctx context.Context, id int64, to store.OperationState, by *store.AuditEntry, now time.Time) (store.Operation, error) {
	return call(g, ctx, &operation{verb: "TurnOperation"}, func(ctx context.Context, s store.Store) (store.Operation, error) {
		return s.TurnOperation(ctx, id, to, by, now)
	})
}

func (g gate) Operations(ctx context.Context, f store.OperationFilter) ([]store.Operation, error) {
	return call(g, ctx, &operation{verb: "Operations", reads: true}, func(ctx context.Context, s store.Store) ([]store.Operation, error) {
		return s.Operations(ctx, f)
	})
}

func (g gate) Audit(ctx context.Context, f store.AuditFilter) ([]store.AuditEntry, error) {
	return call(g, ctx, &operation{verb: "Audit", reads: true}, func(ctx context.Context, s store.Store) ([]store.AuditEntry, error) {
		return s.Audit(ctx, f)
	})
}

func (g gate) Cancel(ctx context.Context, f store.Filter, reason string, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return call(g, ctx, &operation{verb: "Cancel", in: f, now: now}, func(ctx context.Context, s store.Store) ([]int64, error) {
		return s.Cancel(ctx, f, reason, now, by)
	})
}

func (g gate) Retry(ctx context.Context, f store.Filter, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return call(g, ctx, &operation{verb: "Retry", in: f, now: now}, func(ctx context.Context, s store.Store) ([]int64, error) {
		return s.Retry(ctx, f, now, by)
	})
}

func (g gate) Reschedule(ctx context.Context, f store.Filter, at, now time.Time, by *store.AuditEntry) ([]int64, error) {
	return call(g, ctx, &operation{verb: "Reschedule", in: f, now: now}, func(ctx context.Context, s store.Store) ([]int64, error) {
		return s.Reschedule(ctx, f, at, now, by)
	})
}

func (g gate) Delete(ctx context.Context, f store.Filter, by *store.AuditEntry) ([]int64, error) {
	return call(g, ctx, &operation{verb: "Delete", in: f}, func(ctx context.Context, s store.Store) ([]int64, error) {
		return s.Delete(ctx, f, by)
	})
}

func (g gate) Pause(ctx context.Context, queue, reason string, now time.Time, by *store.AuditEntry) error {
	return done(g, ctx, &operation{verb: "Pause", in: queue, now: now}, func(ctx context.Context, s store.Store) error {
		return s.Pause(ctx, queue, reason, now, by)
	})
}

func (g gate) Resume(ctx context.Context, queue string, by *store.AuditEntry) error {
	return done(g, ctx, &operation{verb: "Resume", in: queue}, func(ctx context.Context, s store.Store) error {
		return s.Resume(ctx, queue, by)
	})
}

func (g gate) Get(ctx context.Context, id int64) (store.Job, error) {
	return call(g, ctx, &operation{verb: "Get", reads: true}, func(ctx context.Context, s store.Store) (store.Job, error) {
		return s.Get(ctx, id)
	})
}

func (g gate) List(ctx context.Context, f store.Filter) ([]store.Job, error) {
	return call(g, ctx, &operation{verb: "List", reads: true}, func(ctx context.Context, s store.Store) ([]store.Job, error) {
		return s.List(ctx, f)
	})
}

func (g gate) Search(ctx context.Context, f store.Filter, reach store.Reach) (store.Found, error) {
	return call(g, ctx, &operation{verb: "Search", reads: true}, func(ctx context.Context, s store.Store) (store.Found, error) {
		return s.Search(ctx, f, reach)
	})
}

func (g gate) Count(ctx context.Context, f store.Filter, by []store.CountBy, reach store.Reach) (store.Counted, error) {
	return call(g, ctx, &operation{verb: "Count", reads: true}, func(ctx context.Context, s store.Store) (store.Counted, error) {
		return s.Count(ctx, f, by, reach)
	})
}

func (g gate) Attempts(ctx context.Context, id int64) ([]store.Attempt, error) {
	return call(g, ctx, &operation{verb: "Attempts", reads: true}, func(ctx context.Context, s store.Store) ([]store.Attempt, error) {
		return s.Attempts(ctx, id)
	})
}

func (g gate) Log(ctx context.Context, id int64) ([]store.LogLine, error) {
	return call(g, ctx, &operation{verb: "Log", reads: true}, func(ctx context.Context, s store.Store) ([]store.LogLine, error) {
		return s.Log(ctx, id)
	})
}

func (g gate) SaveSteps(ctx context.Context, jobID, token int64, steps []store.Step, now time.Time) error {
	return done(g, ctx, &operation{verb: "SaveSteps", about: claim{jobID, token}, in: steps, now: now}, func(ctx context.Context, s store.Store) error {
		return s.SaveSteps(ctx, jobID, token, steps, now)
	})
}

func (g gate) Steps(ctx context.Context, id int64) ([]store.Step, error) {
	return call(g, ctx, &operation{verb: "Steps", about: claim{id: id}, reads: true}, func(ctx context.Context, s store.Store) ([]store.Step, error) {
		return s.Steps(ctx, id)
	})
}

func (g gate) Types(ctx context.Context) ([]store.JobType, error) {
	return call(g, ctx, &operation{verb: "Types", reads: true}, func(ctx context.Context, s store.Store) ([]store.JobType, error) {
		return s.Types(ctx)
	})
}

func (g gate) Processes(ctx context.Context) ([]store.Process, error) {
	return call(g, ctx, &operation{verb: "Processes", reads: true}, func(ctx context.Context, s store.Store) ([]store.Process, error) {
		return s.Processes(ctx)
	})
}

func (g gate) Ask(ctx context.Context, r store.Request, now time.Time) error {
	return done(g, ctx, &operation{verb: "Ask", now: now}, func(ctx context.Context, s store.Store) error { return s.Ask(ctx, r, now) })
}

func (g gate) Answer(ctx context.Context, requestID int64, answer string, now time.Time) error {
	return done(g, ctx, &operation{verb: "Answer", now: now}, func(ctx context.Context, s store.Store) error {
		return s.Answer(ctx, requestID, answer, now)
	})
}

func (g gate) Request(ctx context.Context, id int64) (store.Request, error) {
	return call(g, ctx, &operation{verb: "Request", reads: true}, func(ctx context.Context, s store.Store) (store.Request, error) {
		return s.Request(ctx, id)
	})
}

func (g gate) Stats(ctx context.Context) (store.Stats, error) {
	return call(g, ctx, &operation{verb: "Stats", reads: true}, func(ctx context.Context, s store.Store) (store.Stats, error) {
		return s.Stats(ctx)
	})
}

func (g gate) Revision(ctx context.Context) (string, error) {
	return call(g, ctx, &operation{verb: "Revision", reads: true}, func(ctx context.Context, s store.Store) (string, error) {
		return s.Revision(ctx)
	})
}

func (g gate) Arrivals(ctx context.Context, now time.Time) (store.Arrivals, error) {
	return call(g, ctx, &operation{verb: "Arrivals", reads: true}, func(ctx context.Context, s store.Store) (store.Arrivals, error) {
		return s.Arrivals(ctx, now)
	})
}

// Rollup is not steered: charts promise nothing, so that no fate of it could break
// anything.
func (g gate) Rollup(ctx context.Context, rollups []store.Rollup, now time.Time) error {
	return ctx.Err()
}

// RecordCauses is not steered, as Rollup is not.
func (g gate) RecordCauses(ctx context.Context, causes []store.Cause, now time.Time) error {
	return ctx.Err()
}

func (g gate) Mute(ctx context.Context, id store.CauseID, until, now time.Time, by *store.AuditEntry) error {
	return done(g, ctx, &operation{verb: "Mute"}, func(ctx context.Context, s store.Store) error { return s.Mute(ctx, id, until, now, by) })
}

func (g gate) Causes(ctx context.Context, f store.CauseFilter, now time.Time) ([]store.Cause, error) {
	return call(g, ctx, &operation{verb: "Causes", reads: true}, func(ctx context.Context, s store.Store) ([]store.Cause, error) {
		return s.Causes(ctx, f, now)
	})
}

func (g gate) Rollups(ctx context.Context, f store.RollupFilter) ([]store.Rollup, error) {
	return call(g, ctx, &operation{verb: "Rollups", reads: true}, func(ctx context.Context, s store.Store) ([]store.Rollup, error) {
		return s.Rollups(ctx, f)
	})
}

func (g gate) Holder(ctx context.Context, jobType, key string, now time.Time) (int64, error) {
	return call(g, ctx, &operation{verb: "Holder", reads: true}, func(ctx context.Context, s store.Store) (int64, error) {
		return s.Holder(ctx, jobType, key, now)
	})
}

func (g gate) Export(ctx context.Context, after int64, limit int) ([]store.Record, error) {
	return call(g, ctx, &operation{verb: "Export", reads: true}, func(ctx context.Context, s store.Store) ([]store.Record, error) {
		return s.Export(ctx, after, limit)
	})
}

func (g gate) Import(ctx context.Context, records []store.Record) error {
	return done(g, ctx, &operation{verb: "Import"}, func(ctx context.Context, s store.Store) error { return s.Import(ctx, records) })
}

func (g gate) Migrate(context.Context) error { return nil }
func (g gate) Close() error                  { return nil }
