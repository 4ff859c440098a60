package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/laterjobs/later/store"
)

// RecordCauses adds to what is known of causes.
func (s *Store) RecordCauses(ctx context.Context, causes []store.Cause, now time.Time) error {
	causes = store.MergeCauses(causes, orNow(now))
	if len(causes) == 0 {
		return ctx.Err()
	}
	size := 0
	for i := range causes {
		size += rowSize + len(causes[i].Sample) + rowSize/4*len(causes[i].Counts)
	}
	return s.do(ctx, &request{rank: rankControl, size: size, run: func(s *session) error { return recordCauses(s, causes) }})
}

// recordCauses takes merged causes.
func recordCauses(s *session, causes []store.Cause) error {
	var known, counts rows
	for i := range causes {
		c := &causes[i]
		known.next()
		known.int(int64(c.ID)).text(c.Type).text(c.ErrorType).text(c.Title).text(c.Sample)
		known.time(c.FirstSeen).time(c.LastSeen).int(c.Total).time(c.MutedUntil)
		for _, n := range c.Counts {
			counts.next()
			counts.int(int64(c.ID)).int(n.At.UnixMicro()).int(n.Failures)
		}
	}
	if err := s.execRows("record_causes", &known); err != nil {
		return err
	}
	return s.execRows("record_cause_counts", &counts)
}

// Mute says until when a cause raises no attention.
func (s *Store) Mute(ctx context.Context, id store.CauseID, until, now time.Time, by *store.AuditEntry) error {
	var found int64
	err := s.do(ctx, &request{rank: rankControl, durable: true, run: func(s *session) (err error) {
		if found, err = s.exec("mute_cause", int64(id), nullTime(storableTime(until))); err != nil || found == 0 {
			return err
		}
		_, err = newNoting(by, now).note(s, nil)
		return err
	}})
	if err != nil { // then the writer may still be at it
		return err
	}
	if found == 0 {
		return store.ErrNotFound
	}
	return nil
}

// storableTime is one that the store can hold; the zero time stays what it is.
func storableTime(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return store.Storable(t)
}

// Causes returns what is known of causes, those seen last first.
func (s *Store) Causes(ctx context.Context, f store.CauseFilter, now time.Time) (causes []store.Cause, err error) {
	f = f.Bounded()
	err = s.read(ctx, func(s *session) error {
		causes = nil
		if err := s.query("causes", scanCause(&causes), causeIDs(f.IDs), f.Type, f.Failed, f.Unmuted, orNow(now).UnixMicro(), f.CountTo, f.Limit, f.Muted); err != nil {
			return err
		}
		if f.CountsFrom.IsZero() || len(causes) == 0 {
			return nil
		}
		return s.addCounts(causes, f.CountsFrom)
	})
	return causes, err
}

// causeIDs is a list as a parameter; NULL for none at all.
func causeIDs(list []store.CauseID) any {
	if list == nil {
		return nil
	}
	numbers := make([]int64, len(list))
	for i, id := range list {
		numbers[i] = int64(id)
	}
	return ids(numbers)
}

func scanCause(into *[]store.Cause) func(*sql.Rows) error {
	return func(r *sql.Rows) error {
		var c store.Cause
		var first, last, muted sql.NullInt64
		err := r.Scan((*int64)(&c.ID), &c.Type, &c.ErrorType, &c.Title, &c.Sample, &first, &last, &c.Total, &muted, &c.Failed, &c.Retrying)
		c.FirstSeen, c.LastSeen, c.MutedUntil = timeOf(first), timeOf(last), timeOf(muted)
		*into = append(*into, c)
		return err
	}
}

// addCounts fills in how often the causes were met since a time.
func (s *session) addCounts(causes []store.Cause, from time.Time) error {
	list, of := make([]store.CauseID, len(causes)), make(map[int64]*store.Cause, len(causes))
	for i := range causes {
		list[i], of[int64(causes[i].ID)] = causes[i].ID, &causes[i]
	}
	from = store.Storable(from.Truncate(store.CauseSpan))
	return s.query("cause_counts", func(r *sql.Rows) error {
		var id, failures int64
		var at sql.NullInt64
		err := r.Scan(&id, &at, &failures)
		if c := of[id]; c != nil {
			c.Counts = append(c.Counts, store.CauseCount{At: timeOf(at), Failures: failures})
		}
		return err
	}, causeIDs(list), from.UnixMicro())
}

// forgetCauses forgets those that nobody needs any more.
func (s *Store) forgetCauses(ctx context.Context, now time.Time) error {
	causes, counts := now.Add(-store.CauseKept).UnixMicro(), now.Add(-store.CauseCountsKept).UnixMicro()
	return s.do(ctx, &request{
		rank: rankControl, size: rowSize,
		idle: func(s *session) (idle bool) {
			err := s.query("causes_to_forget", func(r *sql.Rows) error { return r.Scan(&idle) }, causes, counts)
			return err == nil && !idle
		},
		run: func(s *session) error {
			if _, err := s.exec("forget_causes", causes, now.UnixMicro()); err != nil {
				return err
			}
			_, err := s.exec("forget_cause_counts", counts)
			return err
		},
	})
}
