package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/laterjobs/later/store"
)

// Prune deletes finished jobs past their retention, a slice of the history at a
// time in the order of the ids.
func (s *Store) Prune(ctx context.Context, keep store.Retention, after int64, limit int, now time.Time) (int, int64, error) {
	now = orNow(now)
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
		return 0, 0, ctx.Err()
	}
	r := &request{rank: rankControl, size: rowSize, idle: p.idle, run: p.run}
	if err := s.do(ctx, r); err != nil {
		return 0, 0, err
	}
	return len(p.old), p.next, nil
}

// pruning is one Prune under way.
type pruning struct {
	after  int64
	limit  int
	now    time.Time
	before map[int64]int64 // per status: what finished before goes
	old    []int64
	counts map[int64]int64
	next   int64
}

func cutoffs(keep store.Retention, now time.Time) map[int64]int64 {
	before := map[int64]int64{}
	for status, d := range map[int64]time.Duration{completed: keep.Completed, failed: keep.Failed, cancelled: keep.Cancelled} {
		if d >= 0 {
			before[status] = now.Add(-d).UnixMicro()
		}
	}
	return before
}

func (p *pruning) idle(s *session) bool {
	return p.look(s) == nil && len(p.old) == 0
}

func (p *pruning) run(s *session) error {
	if err := p.look(s); err != nil {
		return err
	}
	if err := forget(s, p.old); err != nil {
		return err
	}
	for status, n := range p.counts {
		if _, err := s.exec("count_finished", status, -n); err != nil {
			return err
		}
	}
	return nil
}

// look reads one slice. It stops at jobs that were queued after every cutoff:
// ids and times of queueing rise together, so nothing behind can be due.
func (p *pruning) look(s *session) error {
	p.old, p.counts, p.next = nil, map[int64]int64{}, 0
	var youngest int64
	for _, before := range p.before {
		youngest = max(youngest, before)
	}
	seen, over := 0, false
	err := s.query("old_finished", func(r *sql.Rows) error {
		var id, status, finishedAt, queuedAt int64
		var holds bool
		if err := r.Scan(&id, &status, &finishedAt, &queuedAt, &holds); err != nil {
			return err
		}
		seen++
		p.next = id
		over = over || queuedAt > youngest
		if before, ok := p.before[status]; ok && finishedAt <= before && !holds {
			p.old = append(p.old, id)
			p.counts[status]++
		}
		return nil
	}, p.after, p.limit, p.now.UnixMicro())
	if over || seen < p.limit {
		p.next = 0
	}
	return err
}

// forget deletes finished jobs with their history.
func forget(s *session, list []int64) error {
	return s.execIDs(list, "delete_finished", "delete_jobs", "delete_attempts", "delete_logs", "delete_progress", "delete_keys", "delete_steps")
}
