package postgres

import (
	"cmp"
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
	order    []int             // places of outcomes, one for each claim, in the order of jobs and tokens
	short    []int             // those that the short statement is asked for
	verdicts []store.Verdict   // superseded, until something else turns out
	finished bool              // the short statement has ended claims
	ended    []ended           // by the long one
	scans    []func(row) error // of the statements on their way
}

// claimKey names one claim of one job.
type claimKey struct{ id, token int64 }

// ended is a claim that the long statement has ended.
type ended struct {
	claimKey
	leads    int16 // the kind of outcome it led to
	lane     lane
	position int64
}

func newFinishing(s *Store, outcomes []store.Outcome, now time.Time) *finishing {
	f := &finishing{store: s, outcomes: outcomes, now: now, order: make([]int, len(outcomes))}
	for i := range f.order {
		f.order[i] = i
	}
	slices.SortFunc(f.order, func(a, b int) int { return cmp.Or(f.key(a).compare(f.key(b)), a-b) })
	// Of several outcomes for one claim the first counts.
	f.order = slices.CompactFunc(f.order, func(a, b int) bool { return f.key(a) == f.key(b) })
	return f
}

func (f *finishing) key(place int) claimKey {
	return claimKey{f.outcomes[place].JobID, f.outcomes[place].Token}
}

func (k claimKey) compare(other claimKey) int {
	return cmp.Or(cmp.Compare(k.id, other.id), cmp.Compare(k.token, other.token))
}

// durable: losing a release in a crash of the server loses nothing.
func (f *finishing) durable() bool {
	return slices.ContainsFunc(f.outcomes, func(o store.Outcome) bool { return o.Kind != store.Release })
}

// simple reports whether the short statement can do it, unless somebody has asked
// to cancel the job. That frees no key.
func simple(o *store.Outcome) bool { return o.Kind == store.Complete && !o.Unique }

func (f *finishing) queue(b *pgx.Batch) {
	f.start()
	f.scans = nil
	long := f.part()
	if len(f.short) > 0 {
		b.Queue(f.store.query("complete"), f.shortColumns()...)
		f.scans = append(f.scans, f.scanShort)
	}
	if len(long) > 0 {
		b.Queue(f.store.query("finish"), f.longColumns(long)...)
		f.scans = append(f.scans, f.scanLong)
	}
}

// start forgets what a try that failed has brought.
func (f *finishing) start() {
	f.finished, f.ended = false, nil
	f.verdicts = slices.Repeat([]store.Verdict{store.Superseded}, len(f.outcomes))
}

// part sets which outcomes are for the short statement, which takes one for each job,
// and returns the others.
func (f *finishing) part() (long []int) {
	f.short = make([]int, 0, len(f.order))
	for i, place := range f.order {
		id := f.outcomes[place].JobID
		alone := (i == 0 || f.outcomes[f.order[i-1]].JobID != id) && (i == len(f.order)-1 || f.outcomes[f.order[i+1]].JobID != id)
		if alone && simple(&f.outcomes[place]) {
			f.short = append(f.short, place)
		} else {
			long = append(long, place)
		}
	}
	return long
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

// shortColumns gives outcomes as the columns of the short statement.
func (f *finishing) shortColumns() []any {
	columns := f.columns(f.short)
	return []any{columns.ids, columns.tokens, brief(columns.results), columns.startedAt, columns.finishedAt}
}

// columns are what both statements are told of outcomes.
type columns struct {
	ids, tokens           []int64
	results               []string
	startedAt, finishedAt []time.Time
}

func (f *finishing) columns(places []int) columns {
	n := len(places)
	c := columns{make([]int64, n), make([]int64, n), make([]string, n), make([]time.Time, n), make([]time.Time, n)}
	for i, place := range places {
		o := &f.outcomes[place]
		c.ids[i], c.tokens[i], c.results[i] = o.JobID, o.Token, textOf(o.Result)
		c.startedAt[i], c.finishedAt[i] = o.StartedAt, f.orNow(o.FinishedAt)
	}
	return c
}

// longColumns gives outcomes as the columns of the long statement.
func (f *finishing) longColumns(places []int) []any {
	c, n := f.columns(places), len(places)
	kinds, runAt := make([]int16, n), make([]time.Time, n)
	errors, stacks, retries, causes := make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	for i, place := range places {
		o := &f.outcomes[place]
		kinds[i], runAt[i], errors[i], stacks[i] = kindOf(o), o.RunAt, o.Error, o.Stack
		retries[i], causes[i] = store.RetriesText(o.RuleRetries), int64(o.Cause)
	}
	return []any{c.ids, c.tokens, kinds, runAt, c.results, errors, stacks, c.startedAt, c.finishedAt, retries, causes}
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

// scanShort reads how many claims have ended and, if those are not all, which.
func (f *finishing) scanShort(r row) error {
	var n int
	var ids []int64
	if err := r.Scan(&n, &ids); err != nil {
		return err
	}
	f.finished = n > 0
	for _, place := range f.short {
		if n == len(f.short) || slices.Contains(ids, f.outcomes[place].JobID) {
			f.verdicts[place] = store.Accepted
		}
	}
	return nil
}

func (f *finishing) scanLong(r row) error {
	var e ended
	err := r.Scan(&e.id, &e.token, &e.leads, &e.lane.queue, &e.lane.priority, &e.position)
	f.ended = append(f.ended, e)
	return err
}

// accept gives the outcomes that the long statement was asked for their verdict.
func (f *finishing) accept() {
	for _, e := range f.ended {
		if i, found := slices.BinarySearchFunc(f.order, e.claimKey, func(place int, key claimKey) int { return f.key(place).compare(key) }); found {
			f.verdicts[f.order[i]] = store.Accepted
		}
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
	open := slices.DeleteFunc(slices.Clone(f.order), func(place int) bool { return f.verdicts[place] != store.Superseded })
	if err := s.query("finish", f.scanLong, f.longColumns(open)...); err != nil {
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
	n.wake.Finished = n.wake.Finished || f.finished
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
