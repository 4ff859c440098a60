package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/store"
)

// Finish ends claims.
func (s *Store) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if len(outcomes) == 0 {
		return nil, ctx.Err()
	}
	f := newFinishing(s, outcomes, s.orNow(now))
	if err := s.entry.do(ctx, &request{part: f, durable: f.durable()}); err != nil {
		return nil, err
	}
	if !slices.Contains(f.verdicts, store.Superseded) {
		return f.verdicts, nil
	}
	sofar := f.verdicts
	settle := func(r *session) error {
		f.verdicts = slices.Clone(sofar) // a try that was rolled back accepted nothing
		return f.settle(r)
	}
	if err := s.entry.do(ctx, &request{run: settle, durable: true, told: f.committed}); err != nil {
		return nil, err
	}
	return f.verdicts, nil
}

// finishing is one Finish under way.
type finishing struct {
	store    *Store
	outcomes []store.Outcome
	now      time.Time
	first    map[claimKey]int // the first outcome for each claim: it counts
	verdicts []store.Verdict  // superseded, until something else turns out
	ended    []ended
	scans    []func(row) error // of the statements on their way
}

// claimKey names one claim of one job.
type claimKey struct{ id, token int64 }

// ended is a claim that a statement has ended.
type ended struct {
	claimKey
	leads    int16 // the kind of outcome it led to
	lane     lane
	position int64
}

func newFinishing(s *Store, outcomes []store.Outcome, now time.Time) *finishing {
	f := &finishing{store: s, outcomes: outcomes, now: now, first: make(map[claimKey]int, len(outcomes))}
	for i, o := range outcomes {
		key := claimKey{o.JobID, o.Token}
		if _, repeated := f.first[key]; !repeated {
			f.first[key] = i
		}
	}
	return f
}

// durable: losing a release in a crash of the server loses nothing.
func (f *finishing) durable() bool {
	return slices.ContainsFunc(f.outcomes, func(o store.Outcome) bool { return o.Kind != store.Release })
}

// simple reports whether the short statement can do it, unless somebody has asked
// to cancel the job. That frees no key.
func simple(o *store.Outcome) bool { return o.Kind == store.Complete && !o.Unique }

func notSimple(o *store.Outcome) bool { return !simple(o) }

func (f *finishing) queue(b *pgx.Batch) {
	f.start()
	f.scans = nil
	if some := f.choose(simple); len(some) > 0 {
		b.Queue(f.store.query("complete"), f.short(some)...)
		f.scans = append(f.scans, f.scanShort)
	}
	if some := f.choose(notSimple); len(some) > 0 {
		b.Queue(f.store.query("finish"), f.long(some)...)
		f.scans = append(f.scans, f.scanLong)
	}
}

// start forgets what a try that failed has brought.
func (f *finishing) start() {
	f.ended = make([]ended, 0, len(f.outcomes))
	f.verdicts = slices.Repeat([]store.Verdict{store.Superseded}, len(f.outcomes))
}

func (f *finishing) read(answers pgx.BatchResults) error {
	for _, scan := range f.scans {
		found, err := answers.Query()
		if err != nil {
			return err
		}
		if err := each("finish", found, scan); err != nil {
			return err
		}
	}
	f.accept()
	return nil
}

// choose picks outcomes that have not been accepted. Of several for one claim the
// first counts.
func (f *finishing) choose(which func(*store.Outcome) bool) []store.Outcome {
	chosen := func(i int) bool {
		o := &f.outcomes[i]
		return f.verdicts[i] == store.Superseded && which(o) && f.first[claimKey{o.JobID, o.Token}] == i
	}
	n := 0
	for i := range f.outcomes {
		if chosen(i) {
			n++
		}
	}
	if n == len(f.outcomes) {
		return f.outcomes
	}
	some := make([]store.Outcome, 0, n)
	for i := range f.outcomes {
		if chosen(i) {
			some = append(some, f.outcomes[i])
		}
	}
	return some
}

// short gives outcomes as the columns of the short statement.
func (f *finishing) short(some []store.Outcome) []any {
	n := len(some)
	ids, tokens, results := make([]int64, n), make([]int64, n), make([]string, n)
	startedAt, finishedAt := make([]time.Time, n), make([]time.Time, n)
	for i := range some {
		o := &some[i]
		ids[i], tokens[i], results[i] = o.JobID, o.Token, textOf(o.Result)
		startedAt[i], finishedAt[i] = o.StartedAt, f.orNow(o.FinishedAt)
	}
	return []any{ids, tokens, results, startedAt, finishedAt}
}

// long gives outcomes as the columns of the long statement.
func (f *finishing) long(some []store.Outcome) []any {
	short, n := f.short(some), len(some)
	kinds, runAt := make([]int16, n), make([]time.Time, n)
	errors, stacks, retries := make([]string, n), make([]string, n), make([]string, n)
	for i := range some {
		o := &some[i]
		kinds[i], runAt[i], errors[i], stacks[i] = kindOf(o), o.RunAt, o.Error, o.Stack
		retries[i] = store.RetriesText(o.RuleRetries)
	}
	causes := column(some, func(o *store.Outcome) int64 { return int64(o.Cause) })
	return []any{short[0], short[1], kinds, runAt, short[2], errors, stacks, short[3], short[4], retries, causes}
}

// progressed is a Retry that does not count, for the long statement.
const progressed = int16(store.Release) + 1

func kindOf(o *store.Outcome) int16 {
	if o.Kind == store.Retry && o.Progressed {
		return progressed
	}
	return int16(o.Kind)
}

func (f *finishing) orNow(at time.Time) time.Time {
	if at.IsZero() {
		return f.now
	}
	return at
}

func (f *finishing) scanShort(r row) error {
	f.ended = append(f.ended, ended{leads: int16(store.Complete)})
	e := &f.ended[len(f.ended)-1]
	return r.Scan(&e.id, &e.token)
}

func (f *finishing) scanLong(r row) error {
	var e ended
	err := r.Scan(&e.id, &e.token, &e.leads, &e.lane.queue, &e.lane.priority, &e.position)
	f.ended = append(f.ended, e)
	return err
}

// accept gives the outcomes that ended a claim their verdict.
func (f *finishing) accept() {
	for _, e := range f.ended {
		f.verdicts[f.first[e.claimKey]] = store.Accepted
	}
}

// run ends claims in a transaction of the caller's.
func (f *finishing) run(s *session) error {
	f.start()
	return f.settle(s)
}

// settle ends by the long statement what has not been accepted yet, and tells
// repeated outcomes from superseded ones.
func (f *finishing) settle(s *session) error {
	f.ended = nil
	everything := func(*store.Outcome) bool { return true }
	if err := s.query("finish", f.scanLong, f.long(f.choose(everything))...); err != nil {
		return err
	}
	f.accept()
	var rest []int64
	for i, o := range f.outcomes {
		if f.verdicts[i] == store.Superseded {
			rest = append(rest, o.JobID)
		}
	}
	if len(rest) == 0 {
		return nil
	}
	moved := map[claimKey]bool{}
	err := s.query("tokens_of_jobs", func(r row) error {
		var c claimKey
		err := r.Scan(&c.id, &c.token)
		moved[c] = true
		return err
	}, sortedIDs(rest))
	for i, o := range f.outcomes {
		if f.verdicts[i] == store.Superseded && moved[claimKey{o.JobID, o.Token}] {
			f.verdicts[i] = store.Repeated
		}
	}
	return err
}

// committed tells what has become of the jobs.
func (f *finishing) committed(n *news) {
	for _, e := range f.ended {
		switch store.OutcomeKind(e.leads) {
		case store.Release:
			n.lineUp(e.lane, e.position)
		case store.Retry, store.Postpone:
			n.wake.Work = true
		default:
			n.wake.Finished = true
		}
	}
}

// sortedIDs returns ids in rising order, each once.
func sortedIDs(list []int64) []int64 {
	slices.Sort(list)
	return slices.Compact(list)
}
