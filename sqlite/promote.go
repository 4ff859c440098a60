package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/laterjobs/later/store"
)

// Promote makes due jobs ready, the earliest first. If none is due it only reads.
func (s *Store) Promote(ctx context.Context, limit int, now time.Time) (store.Promoted, error) {
	now = orNow(now)
	var promoted store.Promoted
	r := &request{rank: rankControl, size: rowSize}
	r.idle = func(s *session) bool {
		next, err := nextDue(s)
		promoted = store.Promoted{Next: next}
		return err == nil && (next.IsZero() || next.UnixMicro() > now.UnixMicro())
	}
	r.run = func(s *session) (err error) {
		promoted, err = promote(s, limit, now)
		return err
	}
	if err := s.do(ctx, r); err != nil {
		return store.Promoted{}, err // what the writer may still be filling in
	}
	return promoted, nil
}

func promote(s *session, limit int, now time.Time) (store.Promoted, error) {
	var m moves
	err := s.query("due", func(r *sql.Rows) error {
		var job placed
		err := r.Scan(&job.id, &job.queue, &job.jobType, &job.priority, &job.attempt, &job.crashes)
		m.toReady(job)
		return err
	}, now.UnixMicro(), limit)
	if err != nil {
		return store.Promoted{}, err
	}
	list := make([]int64, len(m.ready))
	for i, job := range m.ready {
		list[i] = job.id
	}
	if err := s.execIDs(list, "stop_waiting"); err != nil {
		return store.Promoted{}, err
	}
	if err := m.apply(s); err != nil {
		return store.Promoted{}, err
	}
	next, err := nextDue(s)
	return store.Promoted{Count: len(list), Next: next}, err
}

func nextDue(s *session) (time.Time, error) {
	var runAt sql.NullInt64
	err := s.query("next_due", func(r *sql.Rows) error { return r.Scan(&runAt) })
	return timeOf(runAt), err
}
