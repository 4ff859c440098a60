package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// Prune deletes finished jobs past their retention, a slice of the history at a
// time in the order of the ids.
func (s *Store) Prune(ctx context.Context, keep store.Retention, after int64, limit int, now time.Time) (int, int64, error) {
	now = s.orNow(now)
	if after == 0 {
		if err := s.forgetPeriods(ctx, now); err != nil {
			return 0, 0, err
		}
		if err := s.forgetAudit(ctx, now); err != nil {
			return 0, 0, err
		}
		if err := s.forgetCauses(ctx, now); err != nil {
			return 0, 0, err
		}
		if err := s.forgetOperations(ctx, now); err != nil {
			return 0, 0, err
		}
	}
	p := &pruning{after: after, limit: limit, now: now, before: cutoffs(keep, now)}
	if len(p.before) == 0 {
		return 0, 0, s.alive(ctx)
	}
	if err := s.entry.do(ctx, &request{run: p.run}); err != nil {
		return 0, 0, err
	}
	return p.deleted, p.next, nil
}

// pruning is one Prune under way.
type pruning struct {
	after   int64
	limit   int
	now     time.Time
	before  map[int16]time.Time // per status: what finished before goes
	old     []int64
	deleted int
	next    int64
}

func cutoffs(keep store.Retention, now time.Time) map[int16]time.Time {
	before := map[int16]time.Time{}
	for status, d := range map[int16]time.Duration{completed: keep.Completed, failed: keep.Failed, cancelled: keep.Cancelled} {
		if d >= 0 {
			before[status] = now.Add(-d)
		}
	}
	return before
}

func (p *pruning) run(s *session) error {
	p.deleted = 0
	if p.after == 0 {
		if _, err := s.exec("fold_counts"); err != nil {
			return err
		}
	}
	if err := p.look(s); err != nil || len(p.old) == 0 {
		return err
	}
	gone, err := s.ids("delete", p.old, false)
	p.deleted = len(gone)
	return err
}

// look reads one slice. It stops at jobs that were queued after every cutoff:
// ids and times of queueing rise together, so nothing behind can be due.
func (p *pruning) look(s *session) error {
	p.old, p.next = nil, 0
	var youngest time.Time
	for _, before := range p.before {
		if before.After(youngest) {
			youngest = before
		}
	}
	seen, over := 0, false
	err := s.query("old_finished", func(r row) error {
		var id int64
		var status int16
		var finishedAt, queuedAt pgtype.Timestamptz
		var holds bool
		if err := r.Scan(&id, &status, &finishedAt, &queuedAt, &holds); err != nil {
			return err
		}
		seen++
		p.next = id
		over = over || timeOf(queuedAt).After(youngest)
		if before, ok := p.before[status]; ok && finishedAt.InfinityModifier == pgtype.Finite && !finishedAt.Time.After(before) && !holds {
			p.old = append(p.old, id)
		}
		return nil
	}, p.after, p.limit, p.now)
	if over || seen < p.limit {
		p.next = 0
	}
	return err
}
