package storetest

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// keyName is a unique key: the same of two types does not clash.
type keyName struct{ jobType, key string }

// heldKey says who holds a key.
type heldKey struct {
	holder *kept
	scope  store.UniqueScope
	until  time.Time // of a period
}

// keyOf is the unique key that a job asks for.
func keyOf(job store.Job) (keyName, *store.Unique) {
	unique := job.Options.UniqueKey()
	if unique == nil {
		return keyName{}, nil
	}
	return keyName{job.Type, unique.Key}, unique
}

// holder is the job that holds a key now; nil: none.
func (r *Reference) holder(name keyName, now time.Time) *kept {
	held, taken := r.keys[name]
	if !taken || held.scope == store.UniquePeriod && !held.until.After(now) {
		return nil
	}
	return held.holder
}

// take gives a job its key, unless another job holds it, and reports whether it has
// it, or needs none.
func (r *Reference) take(k *kept, now time.Time) bool {
	name, unique := keyOf(k.job)
	if unique == nil {
		return true
	}
	if other := r.holder(name, now); other != nil {
		return other == k
	}
	r.keys[name] = heldKey{k, unique.Scope, k.job.QueuedAt.Add(unique.Period)}
	return true
}

// free lets go of the key of a job if that has one of the scopes.
func (r *Reference) free(k *kept, scopes ...store.UniqueScope) {
	name, unique := keyOf(k.job)
	if unique == nil {
		return
	}
	if held := r.keys[name]; held.holder == k && slices.Contains(scopes, held.scope) {
		delete(r.keys, name)
	}
}

// forget deletes a job with everything that it has.
func (r *Reference) forget(k *kept) {
	r.free(k, store.UniqueUntilDone, store.UniqueWhileWaiting, store.UniquePeriod)
	delete(r.jobs, k.job.ID)
}

// forgetPeriods forgets those that are over.
func (r *Reference) forgetPeriods(now time.Time) {
	for name := range r.keys {
		if r.holder(name, now) == nil {
			delete(r.keys, name)
		}
	}
}

// holdsForPeriod reports whether a job holds a key for a period that is not over.
func (r *Reference) holdsForPeriod(k *kept, now time.Time) bool {
	name, unique := keyOf(k.job)
	return unique != nil && r.keys[name].scope == store.UniquePeriod && r.holder(name, now) == k
}

// Holder returns the id of the job that holds a unique key.
func (r *Reference) Holder(ctx context.Context, jobType, key string, now time.Time) (int64, error) {
	if err := r.begin(ctx); err != nil {
		return 0, err
	}
	defer r.mu.Unlock()
	if k := r.holder(keyName{jobType, key}, orNow(now)); k != nil {
		return k.job.ID, nil
	}
	return 0, fmt.Errorf("key %q of %s: %w", key, jobType, store.ErrNotFound)
}

// holderFor is the job that holds the key of a new one; nil: none, or it has no key.
func (r *Reference) holderFor(n store.NewJob, now time.Time) *kept {
	name, unique := keyOf(store.Job{Type: n.Type, Options: n.Options})
	if unique == nil {
		return nil
	}
	return r.holder(name, now)
}

// meet answers for the jobs that were not stored, since others hold their keys: with
// what has become of the holders by the end of the call.
func (r *Reference) meet(jobs []store.NewJob, answers []store.Enqueued, now time.Time) {
	for i, n := range jobs {
		if answers[i].ID != 0 {
			continue
		}
		holder := r.holderFor(n, now)
		answers[i] = store.Enqueued{ID: holder.job.ID, Holder: &holder.job}
		if n.OnConflict == store.ConflictReplace && (waits(holder.job.Status) || holder.job.Status == store.Pending) {
			r.replace(holder, n, now)
			answers[i].Replaced = true
		}
	}
	for i := range answers {
		if a := &answers[i]; a.Holder != nil {
			job := r.show(r.jobs[a.ID])
			a.Status, a.QueuedAt, a.Holder = job.Status, job.QueuedAt, &job
		}
	}
}

// replace makes a job that waits the one that n asks for.
func (r *Reference) replace(k *kept, n store.NewJob, now time.Time) {
	if !bytes.Equal(k.job.Args, n.Args) {
		k.steps = nil
	}
	k.job.Args, k.job.Metadata, k.job.Priority, k.job.ScheduledAt = n.Args, n.Metadata, n.Priority, n.RunAt
	k.job.Options = store.OptionsOf([]byte(k.job.Options.ReplacedBy(n.Options).Text()))
	r.moveTo(k, n.RunAt, now)
}

// duplicate is the error of a call of which one job meets a holder and must not; nil
// if there is none.
func (r *Reference) duplicate(jobs []store.NewJob, now time.Time) error {
	earlier := map[keyName]bool{}
	for _, n := range jobs {
		name, unique := keyOf(store.Job{Type: n.Type, Options: n.Options})
		if unique == nil {
			continue
		}
		holder := r.holderFor(n, now)
		if n.OnConflict == store.ConflictFail && (holder != nil || earlier[name]) {
			duplicate := &store.DuplicateError{Type: n.Type, Key: unique.Key}
			if holder != nil {
				duplicate.Holder = holder.job.ID
			}
			return duplicate
		}
		earlier[name] = true
	}
	return nil
}
