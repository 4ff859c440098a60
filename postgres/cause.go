package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// RecordCauses adds to what is known of causes.
func (s *Store) RecordCauses(ctx context.Context, causes []store.Cause, now time.Time) error {
	causes = store.MergeCauses(causes, s.orNow(now))
	if len(causes) == 0 {
		return s.alive(ctx)
	}
	return s.work.do(ctx, &request{run: func(s *session) error { return recordCauses(s, causes) }})
}

// recordCauses takes merged causes.
func recordCauses(s *session, causes []store.Cause) error {
	if len(causes) == 0 {
		return nil
	}
	_, err := s.exec("record_causes",
		column(causes, func(c *store.Cause) int64 { return int64(c.ID) }),
		column(causes, func(c *store.Cause) string { return c.Type }),
		column(causes, func(c *store.Cause) string { return c.ErrorType }),
		column(causes, func(c *store.Cause) string { return c.Title }),
		column(causes, func(c *store.Cause) string { return c.Sample }),
		column(causes, func(c *store.Cause) time.Time { return micro(c.FirstSeen) }),
		column(causes, func(c *store.Cause) time.Time { return micro(c.LastSeen) }),
		column(causes, func(c *store.Cause) int64 { return c.Total }),
		column(causes, func(c *store.Cause) time.Time { return c.MutedUntil }))
	if err != nil {
		return err
	}
	var ids, failures []int64
	var times []time.Time
	for i := range causes {
		for _, n := range causes[i].Counts {
			ids, times, failures = append(ids, int64(causes[i].ID)), append(times, n.At), append(failures, n.Failures)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = s.exec("record_cause_counts", ids, times, failures)
	return err
}

// Mute says until when a cause raises no attention.
func (s *Store) Mute(ctx context.Context, id store.CauseID, until, now time.Time, by *store.AuditEntry) error {
	if !until.IsZero() {
		until = micro(store.Storable(until))
	}
	var found int64
	err := s.again(ctx, func(r *session) (err error) {
		if found, err = r.exec("mute_cause", int64(id), until); err != nil || found == 0 {
			return err
		}
		_, err = s.newNoting(by, s.orNow(now)).note(r, nil)
		return err
	})
	if err == nil && found == 0 {
		err = store.ErrNotFound
	}
	return err
}

// Causes returns what is known of causes, those seen last first.
func (s *Store) Causes(ctx context.Context, f store.CauseFilter, now time.Time) (causes []store.Cause, err error) {
	f = f.Bounded()
	if !storable(f.Type) {
		return nil, s.alive(ctx)
	}
	err = s.read(ctx, func(r *session) error {
		causes = nil
		if err := r.query("causes", scanCause(&causes), causeIDs(f.IDs), f.Type, f.Failed, f.Unmuted, s.orNow(now), f.CountTo, f.Limit, f.Muted); err != nil {
			return err
		}
		if f.CountsFrom.IsZero() || len(causes) == 0 {
			return nil
		}
		return r.addCounts(causes, f.CountsFrom)
	})
	return causes, err
}

// causeIDs is a list as a parameter; nil for none at all.
func causeIDs(list []store.CauseID) []int64 {
	if list == nil {
		return nil
	}
	return column(list, func(id *store.CauseID) int64 { return int64(*id) })
}

func scanCause(into *[]store.Cause) func(row) error {
	return func(r row) error {
		var c store.Cause
		var first, last, muted pgtype.Timestamptz
		err := r.Scan((*int64)(&c.ID), &c.Type, &c.ErrorType, &c.Title, &c.Sample, &first, &last, &c.Total, &muted, &c.Failed, &c.Retrying)
		c.FirstSeen, c.LastSeen, c.MutedUntil = timeOf(first), timeOf(last), timeOf(muted)
		*into = append(*into, c)
		return err
	}
}

// addCounts fills in how often the causes were met since a time.
func (s *session) addCounts(causes []store.Cause, from time.Time) error {
	of := make(map[int64]*store.Cause, len(causes))
	for i := range causes {
		of[int64(causes[i].ID)] = &causes[i]
	}
	list := column(causes, func(c *store.Cause) int64 { return int64(c.ID) })
	return s.query("cause_counts", func(r row) error {
		var id, failures int64
		var at pgtype.Timestamptz
		err := r.Scan(&id, &at, &failures)
		if c := of[id]; c != nil {
			c.Counts = append(c.Counts, store.CauseCount{At: timeOf(at), Failures: failures})
		}
		return err
	}, list, store.Storable(from.Truncate(store.CauseSpan)))
}

// forgetCauses forgets those that nobody needs any more.
func (s *Store) forgetCauses(ctx context.Context, now time.Time) error {
	return s.entry.do(ctx, &request{run: func(r *session) error {
		if _, err := r.exec("forget_causes", now.Add(-store.CauseKept), now); err != nil {
			return err
		}
		_, err := r.exec("forget_cause_counts", now.Add(-store.CauseCountsKept))
		return err
	}})
}
