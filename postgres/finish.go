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
	if err := s.work.do(ctx, &request{part: f, durable: f.durable()}); err != nil {
		return nil, err
	}
	if err := s.judge(ctx, f); err != nil {
		return nil, err
	}
	return f.verdicts, nil
}

// finishing is one Finish under way.
type finishing struct {
	store    *Store
	outcomes []store.Outcome
	now      time.Time
	verdicts []store.Verdict
	ended    []ended
}

// ended is a claim that the statement has ended.
type ended struct {
	claimKey
	leads    int16
	lane     lane
	position int64
}

func newFinishing(s *Store, outcomes []store.Outcome, now time.Time) *finishing {
	return &finishing{store: s, outcomes: outcomes, now: now}
}

// durable: losing a release in a crash of the server loses nothing.
func (f *finishing) durable() bool {
	return slices.ContainsFunc(f.outcomes, func(o store.Outcome) bool { return o.Kind != store.Release })
}

func (f *finishing) queue(b *pgx.Batch) { b.Queue(f.store.query("finish"), f.ask()...) }

// claimKey names one claim of one job.
type claimKey struct{ id, token int64 }

// ask gives the outcomes as columns. Of several for one claim the first counts.
func (f *finishing) ask() []any {
	n := len(f.outcomes)
	ids, tokens, kinds := make([]int64, 0, n), make([]int64, 0, n), make([]int16, 0, n)
	results, errors, stacks := make([]string, 0, n), make([]string, 0, n), make([]string, 0, n)
	runAt, startedAt, finishedAt := make([]time.Time, 0, n), make([]time.Time, 0, n), make([]time.Time, 0, n)
	seen := make(map[claimKey]bool, n)
	for _, o := range f.outcomes {
		key := claimKey{o.JobID, o.Token}
		if seen[key] {
			continue
		}
		seen[key] = true
		if o.FinishedAt.IsZero() {
			o.FinishedAt = f.now
		}
		ids, tokens, kinds = append(ids, o.JobID), append(tokens, o.Token), append(kinds, int16(o.Kind))
		results, errors, stacks = append(results, textOf(o.Result)), append(errors, o.Error), append(stacks, o.Stack)
		runAt = append(runAt, o.RunAt)
		startedAt, finishedAt = append(startedAt, o.StartedAt), append(finishedAt, o.FinishedAt)
	}
	return []any{ids, tokens, kinds, runAt, results, errors, stacks, startedAt, finishedAt}
}

func (f *finishing) read(answers pgx.BatchResults) error {
	found, err := answers.Query()
	if err != nil {
		return err
	}
	return f.scan(found)
}

func (f *finishing) scan(found pgx.Rows) error {
	f.ended = f.ended[:0]
	return each("finish", found, func(r row) error {
		var e ended
		err := r.Scan(&e.id, &e.token, &e.leads, &e.lane.queue, &e.lane.priority, &e.position)
		f.ended = append(f.ended, e)
		return err
	})
}

// accept gives the outcomes that ended a claim their verdict, and returns the jobs
// of the others.
func (f *finishing) accept() (rest []int64) {
	live := make(map[claimKey]bool, len(f.ended))
	for _, e := range f.ended {
		live[e.claimKey] = true
	}
	f.verdicts = make([]store.Verdict, len(f.outcomes))
	for i, o := range f.outcomes {
		key := claimKey{o.JobID, o.Token}
		f.verdicts[i] = store.Superseded
		if live[key] {
			f.verdicts[i] = store.Accepted
			delete(live, key)
		} else {
			rest = append(rest, o.JobID)
		}
	}
	return rest
}

// repeated accepts outcomes whose jobs have moved under the same token before.
func (f *finishing) repeated(moved map[claimKey]bool) {
	for i, o := range f.outcomes {
		if moved[claimKey{o.JobID, o.Token}] {
			f.verdicts[i] = store.Accepted
		}
	}
}

// judge tells outcomes that were accepted before from superseded ones.
func (s *Store) judge(ctx context.Context, f *finishing) error {
	if rest := f.accept(); len(rest) > 0 {
		return s.work.do(ctx, &request{run: func(r *session) error { return f.judge(r, rest) }})
	}
	return nil
}

func (f *finishing) judge(r *session, rest []int64) error {
	moved := map[claimKey]bool{}
	err := r.query("tokens_of_jobs", func(r row) error {
		var c claimKey
		err := r.Scan(&c.id, &c.token)
		moved[c] = true
		return err
	}, sortedIDs(rest))
	f.repeated(moved)
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
