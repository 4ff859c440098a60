package storetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// RecordCauses adds to what is known of causes.
func (r *Reference) RecordCauses(ctx context.Context, causes []store.Cause, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	r.recordCauses(causes, orNow(now))
	return nil
}

func (r *Reference) recordCauses(causes []store.Cause, now time.Time) {
	for _, c := range store.MergeCauses(causes, now) {
		if known, ok := r.causes[c.ID]; ok {
			c = store.MergeCauses([]store.Cause{known, c}, now)[0]
		}
		r.causes[c.ID] = c
	}
}

// Mute says until when a cause raises no attention.
func (r *Reference) Mute(ctx context.Context, id store.CauseID, until, now time.Time, by *store.AuditEntry) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	c, known := r.causes[id]
	if !known {
		return store.ErrNotFound
	}
	c.MutedUntil = until
	r.causes[id] = c
	r.note(by, nil, orNow(now))
	return nil
}

// Causes returns what is known of causes.
func (r *Reference) Causes(ctx context.Context, f store.CauseFilter, now time.Time) (found []store.Cause, err error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	f = f.Bounded()
	for _, c := range r.causes {
		c.Failed, c.Retrying = r.jobsOf(c.ID, store.Failed), r.jobsOf(c.ID, store.Retrying)
		if f.IDs != nil && !slices.Contains(f.IDs, c.ID) || f.Type != "" && f.Type != c.Type ||
			f.Failed && c.Failed == 0 || f.Unmuted && c.Muted(orNow(now)) || f.Muted && !c.Muted(orNow(now)) {
			continue
		}
		c.Failed, c.Retrying = min(c.Failed, int64(f.CountTo)), min(c.Retrying, int64(f.CountTo))
		c.Counts = slices.DeleteFunc(slices.Clone(c.Counts), func(n store.CauseCount) bool {
			return f.CountsFrom.IsZero() || n.At.Before(f.CountsFrom.Truncate(store.CauseSpan))
		})
		if len(c.Counts) == 0 {
			c.Counts = nil
		}
		found = append(found, c)
	}
	slices.SortFunc(found, func(a, b store.Cause) int {
		return cmp.Or(b.LastSeen.Compare(a.LastSeen), cmp.Compare(a.ID, b.ID))
	})
	return found[:min(len(found), f.Limit)], nil
}

func (r *Reference) jobsOf(id store.CauseID, status store.JobStatus) int64 {
	return int64(len(r.selected(func(k *kept) bool { return k.job.Cause == id && k.job.Status == status })))
}

// forgetCauses forgets those that nobody needs any more.
func (r *Reference) forgetCauses(now time.Time) {
	for id, c := range r.causes {
		c.Counts = slices.DeleteFunc(slices.Clone(c.Counts), func(n store.CauseCount) bool { return !n.At.After(now.Add(-store.CauseCountsKept)) })
		r.causes[id] = c
		if !c.LastSeen.After(now.Add(-store.CauseKept)) && !c.Muted(now) && r.jobsOf(id, store.Failed)+r.jobsOf(id, store.Retrying) == 0 {
			delete(r.causes, id)
		}
	}
}
