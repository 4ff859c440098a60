package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// keyName is a unique key: the same of two types does not clash.
type keyName struct{ jobType, key string }

// The scopes of keys in the table.
const (
	untilDone    int16 = 1
	whileWaiting int16 = 2
	forPeriod    int16 = 3
)

func scopeOf(unique *store.Unique) int16 {
	switch unique.Scope {
	case store.UniqueWhileWaiting:
		return whileWaiting
	case store.UniquePeriod:
		return forPeriod
	}
	return untilDone
}

// wish is a job that wants a key, or only a number.
type wish struct {
	id        int64 // 0: it is drawn
	name      keyName
	scope     int16
	expiresAt time.Time
}

func wishOf(id int64, jobType string, unique *store.Unique, queuedAt time.Time) wish {
	w := wish{id: id, name: keyName{jobType, unique.Key}, scope: scopeOf(unique)}
	if w.scope == forPeriod {
		w.expiresAt = store.Storable(micro(queuedAt).Add(unique.Period))
	}
	return w
}

// keyRounds is how often a key that is freed while somebody wants it is tried again.
// Each round takes the time of a job's end.
const keyRounds = 100

// takeKeys takes the keys that are free, draws the numbers that are missing, and
// returns who holds the other keys. No two wishes are for one key.
func takeKeys(s *session, wishes []wish, now time.Time) (held map[keyName]int64, err error) {
	held = map[keyName]int64{}
	left := make([]*wish, len(wishes))
	for i := range wishes {
		left[i] = &wishes[i]
	}
	for range keyRounds {
		if left, err = takeFree(s, left); err != nil || len(left) == 0 {
			return held, err
		}
		if left, err = meetHolders(s, left, held, now); err != nil || len(left) == 0 {
			return held, err
		}
	}
	return nil, fmt.Errorf("%w: the unique key %q of %s changes hands all the time", store.ErrUnavailable, left[0].name.key, left[0].name.jobType)
}

// takeFree takes keys and returns the wishes that it could not fulfil.
func takeFree(s *session, wishes []*wish) (left []*wish, err error) {
	var ids []int64 // in the first round most often none
	if wishes[0].id != 0 {
		ids = column(wishes, func(w **wish) int64 { return (*w).id })
	}
	taken := map[int64]bool{}
	err = s.query("take_keys", func(r row) error {
		var place, id int64
		err := r.Scan(&place, &id)
		if place == 0 {
			taken[id] = true
		} else {
			wishes[place-1].id = id
		}
		return err
	}, ids, column(wishes, func(w **wish) string { return (*w).name.jobType }), column(wishes, func(w **wish) string { return (*w).name.key }),
		column(wishes, func(w **wish) int16 { return (*w).scope }), column(wishes, func(w **wish) time.Time { return (*w).expiresAt }))
	for _, w := range wishes {
		if w.name.key != "" && !taken[w.id] {
			left = append(left, w)
		}
	}
	return left, err
}

// meetHolders notes who holds the keys, drops those that are void and returns the
// wishes for them and for those that have been freed meanwhile.
func meetHolders(s *session, wishes []*wish, held map[keyName]int64, now time.Time) (left []*wish, err error) {
	found, void, err := holders(s, wishes, now)
	if err != nil {
		return nil, err
	}
	var dropped []*wish
	var owners []int64
	for _, w := range wishes {
		id, holds := found[w.name]
		if holds {
			held[w.name] = id
			continue
		}
		if owner, ok := void[w.name]; ok {
			dropped, owners = append(dropped, w), append(owners, owner)
		}
		left = append(left, w)
	}
	if len(dropped) > 0 {
		_, err = s.exec("drop_keys", column(dropped, func(w **wish) string { return (*w).name.jobType }),
			column(dropped, func(w **wish) string { return (*w).name.key }), owners)
	}
	return left, err
}

// holders tells which jobs hold keys, and which are named as holders and are none.
func holders(s *session, wishes []*wish, now time.Time) (found, void map[keyName]int64, err error) {
	found, void = map[keyName]int64{}, map[keyName]int64{}
	err = s.query("key_holders", func(r row) error {
		var place, id int64
		var isVoid bool
		if err := r.Scan(&place, &id, &isVoid); err != nil {
			return err
		}
		if name := wishes[place-1].name; isVoid {
			void[name] = id
		} else {
			found[name] = id
		}
		return nil
	}, column(wishes, func(w **wish) string { return (*w).name.jobType }), column(wishes, func(w **wish) string { return (*w).name.key }), now)
	return found, void, err
}

// Holder returns the id of the job that holds a unique key.
func (s *Store) Holder(ctx context.Context, jobType, key string, now time.Time) (id int64, err error) {
	name := keyName{jobType, key}
	var found map[keyName]int64
	err = s.readOnce(ctx, func(r *session) (err error) {
		found, _, err = holders(r, []*wish{{name: name}}, s.orNow(now))
		return err
	})
	if id, taken := found[name]; err != nil || taken {
		return id, err
	}
	return 0, fmt.Errorf("key %q of %s: %w", key, jobType, store.ErrNotFound)
}

// retakeKeys takes the keys of finished jobs that are about to start over, and returns
// the jobs of the list that can: those whose key another job holds cannot. A period has
// nothing to do with that: it began when the job was enqueued.
func retakeKeys(s *session, list []int64, now time.Time) ([]int64, error) {
	var asked []wish
	err := s.query("options_of_finished", func(r row) error {
		var id int64
		var jobType string
		var options []byte
		if err := r.Scan(&id, &jobType, &options); err != nil {
			return err
		}
		if unique := store.OptionsOf(options).UniqueKey(); unique != nil && scopeOf(unique) != forPeriod {
			asked = append(asked, wishOf(id, jobType, unique, now))
		}
		return nil
	}, list)
	if err != nil || len(asked) == 0 {
		return list, err
	}
	slices.SortFunc(asked, func(a, b wish) int { return cmp.Compare(a.id, b.id) })
	var wishes []wish
	refused, wished := map[int64]bool{}, map[keyName]bool{}
	for _, w := range asked { // of several for one key the first gets it
		if refused[w.id] = wished[w.name]; !refused[w.id] {
			wishes, wished[w.name] = append(wishes, w), true
		}
	}
	held, err := takeKeys(s, wishes, now)
	if err != nil {
		return nil, err
	}
	for _, w := range wishes {
		holder, taken := held[w.name]
		refused[w.id] = taken && holder != w.id
	}
	return slices.DeleteFunc(slices.Clone(list), func(id int64) bool { return refused[id] }), nil
}

// importKeys gives imported jobs the keys that they hold. What another job has taken
// stays with that.
func importKeys(s *session, records []store.Record) error {
	var wishes []*wish
	named := map[keyName]bool{}
	for _, record := range records {
		job := record.Job
		unique := job.Options.UniqueKey()
		if unique == nil || !record.HoldsKey {
			continue
		}
		if w := wishOf(job.ID, job.Type, unique, job.QueuedAt); !named[w.name] {
			named[w.name] = true
			wishes = append(wishes, &w)
		}
	}
	if len(wishes) == 0 {
		return nil
	}
	_, err := takeFree(s, wishes)
	return err
}

// periodSlice is how many keys upkeep forgets in one transaction.
const periodSlice = 5000

// forgetPeriods forgets the periods that are over. They are free without that.
func (s *Store) forgetPeriods(ctx context.Context, now time.Time) error {
	for {
		var forgotten int64
		err := s.entry.do(ctx, &request{single: true, run: func(r *session) (err error) {
			forgotten, err = r.exec("forget_periods", now, periodSlice)
			return err
		}})
		if err != nil || forgotten < periodSlice {
			return err
		}
	}
}
