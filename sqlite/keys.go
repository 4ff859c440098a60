package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// keyName is a unique key: the same of two types does not clash.
type keyName struct{ jobType, key string }

// The scopes of keys in the table.
const (
	untilDone    int64 = 1
	whileWaiting int64 = 2
	forPeriod    int64 = 3
)

func scopeOf(unique *store.Unique) int64 {
	switch unique.Scope {
	case store.UniqueWhileWaiting:
		return whileWaiting
	case store.UniquePeriod:
		return forPeriod
	}
	return untilDone
}

// writeKey adds the key of a job to the rows of take_keys.
func writeKey(r *rows, id int64, jobType string, unique *store.Unique, queuedAt time.Time) {
	r.next()
	r.text(jobType).text(unique.Key).int(id).int(scopeOf(unique))
	if unique.Scope == store.UniquePeriod {
		r.int(micro(queuedAt).Add(unique.Period).UnixMicro())
	} else {
		r.null()
	}
}

// holders tells which jobs hold keys at now.
func holders(s *session, names []keyName, now time.Time) (map[keyName]int64, error) {
	held := map[keyName]int64{}
	if len(names) == 0 {
		return held, nil
	}
	var r rows
	for _, name := range names {
		r.next()
		r.text(name.jobType).text(name.key)
	}
	err := s.query("key_holders", func(r *sql.Rows) error {
		var place int
		var id int64
		var void bool
		err := r.Scan(&place, &id, &void)
		if err == nil && !void {
			held[names[place]] = id
		}
		return err
	}, r.String(), now.UnixMicro())
	return held, err
}

// Holder returns the id of the job that holds a unique key.
func (s *Store) Holder(ctx context.Context, jobType, key string, now time.Time) (int64, error) {
	name := keyName{jobType, key}
	var held map[keyName]int64
	err := s.read(ctx, func(r *session) (err error) {
		held, err = holders(r, []keyName{name}, orNow(now))
		return err
	})
	if id, taken := held[name]; err != nil || taken {
		return id, err
	}
	return 0, fmt.Errorf("key %q of %s: %w", key, jobType, store.ErrNotFound)
}

// retakeKeys takes the keys of finished jobs that are about to start over, and returns
// the jobs whose key another job holds: they cannot. A period has nothing to do with
// that: it began when the job was enqueued.
func retakeKeys(s *session, finished []int64, now time.Time) (refused map[int64]bool, err error) {
	if len(finished) == 0 {
		return nil, nil
	}
	type wish struct {
		id     int64
		name   keyName
		unique *store.Unique
	}
	var wishes []wish
	var names []keyName
	err = s.query("options_of_jobs", func(r *sql.Rows) error {
		var w wish
		var options string
		err := r.Scan(&w.id, &w.name.jobType, &options)
		w.unique = store.OptionsOf([]byte(options)).UniqueKey()
		if err == nil && w.unique != nil && scopeOf(w.unique) != forPeriod {
			w.name.key = w.unique.Key
			wishes, names = append(wishes, w), append(names, w.name)
		}
		return err
	}, ids(finished))
	if err != nil || len(wishes) == 0 {
		return nil, err
	}
	held, err := holders(s, names, now)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(wishes, func(a, b wish) int { return int(a.id - b.id) })
	refused = map[int64]bool{}
	var r rows
	for _, w := range wishes {
		if holder, taken := held[w.name]; taken {
			refused[w.id] = holder != w.id
			continue
		}
		held[w.name] = w.id
		writeKey(&r, w.id, w.name.jobType, w.unique, now)
	}
	return refused, s.execRows("take_keys", &r)
}

// freeWaitingKeys lets go of the keys that jobs hold until they are claimed.
func freeWaitingKeys(s *session, claimed []store.Job) error {
	var holding []int64
	for i := range claimed {
		if claimed[i].Options == nil {
			continue
		}
		if unique := claimed[i].Options.UniqueKey(); unique != nil && scopeOf(unique) == whileWaiting {
			holding = append(holding, claimed[i].ID)
		}
	}
	return s.execIDs(holding, "free_waiting_keys")
}

// periodSlice is how many keys upkeep forgets in one transaction.
const periodSlice = 5000

// forgetPeriods forgets the periods that are over. They are free without that.
func (s *Store) forgetPeriods(ctx context.Context, now time.Time) error {
	for {
		var forgotten int64
		r := &request{rank: rankControl, size: rowSize}
		r.idle = func(s *session) (idle bool) {
			err := s.query("periods_over", func(r *sql.Rows) error { return r.Scan(&idle) }, now.UnixMicro())
			return err == nil && !idle
		}
		r.run = func(s *session) (err error) {
			forgotten, err = s.exec("forget_periods", now.UnixMicro(), periodSlice)
			return err
		}
		if err := s.do(ctx, r); err != nil || forgotten < periodSlice {
			return err
		}
	}
}
