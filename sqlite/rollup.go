package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/laterjobs/later/store"
)

// foldSlice bounds how many rollups are added up at once.
const foldSlice = 2000

// Rollup stores rollups, and adds up or deletes those that are old.
func (s *Store) Rollup(ctx context.Context, rollups []store.Rollup, now time.Time) error {
	now = orNow(now)
	return s.do(ctx, &request{rank: rankControl, size: rowSize * len(rollups), run: func(s *session) error {
		if err := addRollups(s, rollups); err != nil {
			return err
		}
		return foldRollups(s, now)
	}})
}

func addRollups(s *session, rollups []store.Rollup) error {
	var r rows
	for i := range rollups {
		u := &rollups[i]
		r.next()
		r.int(int64(u.Span / time.Second)).int(u.At.UnixMicro()).text(u.Queue).text(u.Type)
		r.int(u.Completed).int(u.Retried).int(u.Postponed).int(u.Failed).int(u.Cancelled).text(u.Wait.Text()).text(u.Run.Text())
	}
	return s.execRows("add_rollups", &r)
}

// foldRollups adds the spans that are older than they are kept to the next longer ones.
func foldRollups(s *session, now time.Time) error {
	for _, fold := range store.Folds(now) {
		var old []store.Rollup
		if err := s.query("take_rollups", scanRollup(&old), int64(fold.Span/time.Second), fold.Before.UnixMicro(), foldSlice); err != nil {
			return err
		}
		if fold.Next == 0 || len(old) == 0 {
			continue
		}
		if err := addRollups(s, store.MergeRollups(old, fold.Next)); err != nil {
			return err
		}
	}
	return nil
}

// Rollups returns the rollups that begin in a time, each length apart, oldest first.
func (s *Store) Rollups(ctx context.Context, f store.RollupFilter) (found []store.Rollup, err error) {
	query := "rollups"
	if f.Sum {
		query = "rollup_sums"
	}
	err = s.read(ctx, func(s *session) error {
		found = nil
		for _, kept := range store.RollupKept {
			err := s.query(query, scanRollup(&found), int64(kept.Span/time.Second),
				store.Storable(f.From.Truncate(kept.Span)).UnixMicro(), store.Storable(f.Until).UnixMicro(), f.Queue, f.Type)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

func scanRollup(into *[]store.Rollup) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var u store.Rollup
		var seconds int64
		var at sql.NullInt64
		var wait, run string
		err := r.Scan(&seconds, &at, &u.Queue, &u.Type, &u.Completed, &u.Retried, &u.Postponed, &u.Failed, &u.Cancelled, &wait, &run)
		u.Span, u.At = time.Duration(seconds)*time.Second, timeOf(at)
		u.Wait, u.Run = store.HistogramOf(wait), store.HistogramOf(run)
		*into = append(*into, u)
		return err
	}
}
