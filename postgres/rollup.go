package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// foldSlice bounds how many rollups are added up at once.
const foldSlice = 2000

// Rollup stores rollups, and adds up or deletes those that are old.
func (s *Store) Rollup(ctx context.Context, rollups []store.Rollup, now time.Time) error {
	now = s.orNow(now)
	return s.work.do(ctx, &request{run: func(s *session) error {
		if err := addRollups(s, rollups); err != nil {
			return err
		}
		return foldRollups(s, now)
	}})
}

func addRollups(s *session, rollups []store.Rollup) error {
	if len(rollups) == 0 {
		return nil
	}
	_, err := s.exec("add_rollups",
		column(rollups, func(u *store.Rollup) int64 { return int64(u.Span / time.Second) }),
		column(rollups, func(u *store.Rollup) time.Time { return u.At }),
		column(rollups, func(u *store.Rollup) string { return u.Queue }),
		column(rollups, func(u *store.Rollup) string { return u.Type }),
		column(rollups, func(u *store.Rollup) int64 { return u.Completed }),
		column(rollups, func(u *store.Rollup) int64 { return u.Retried }),
		column(rollups, func(u *store.Rollup) int64 { return u.Postponed }),
		column(rollups, func(u *store.Rollup) int64 { return u.Failed }),
		column(rollups, func(u *store.Rollup) int64 { return u.Cancelled }),
		column(rollups, func(u *store.Rollup) string { return u.Wait.Text() }),
		column(rollups, func(u *store.Rollup) string { return u.Run.Text() }))
	return err
}

// foldRollups adds the spans that are older than they are kept to the next longer ones.
func foldRollups(s *session, now time.Time) error {
	for _, fold := range store.Folds(now) {
		var old []store.Rollup
		if err := s.query("take_rollups", scanRollup(&old), int64(fold.Span/time.Second), fold.Before, foldSlice); err != nil {
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
	if !storable(f.Queue) || !storable(f.Type) {
		return nil, s.alive(ctx)
	}
	err = s.read(ctx, func(s *session) error {
		found = nil
		for _, kept := range store.RollupKept {
			err := s.query(query, scanRollup(&found), int64(kept.Span/time.Second),
				store.Storable(f.From.Truncate(kept.Span)), store.Storable(f.Until), f.Queue, f.Type)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return found, err
}

func scanRollup(into *[]store.Rollup) func(row) error {
	return func(r row) error {
		var u store.Rollup
		var seconds int64
		var at pgtype.Timestamptz
		var wait, run string
		err := r.Scan(&seconds, &at, &u.Queue, &u.Type, &u.Completed, &u.Retried, &u.Postponed, &u.Failed, &u.Cancelled, &wait, &run)
		u.Span, u.At = time.Duration(seconds)*time.Second, timeOf(at)
		u.Wait, u.Run = store.HistogramOf(wait), store.HistogramOf(run)
		*into = append(*into, u)
		return err
	}
}
