package storetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// Rollup stores rollups, and adds up or deletes those that are old.
func (r *Reference) Rollup(ctx context.Context, rollups []store.Rollup, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	r.rollups = append(r.rollups, rollups...)
	for _, fold := range store.Folds(orNow(now)) {
		var old, kept []store.Rollup
		for _, u := range r.rollups {
			if u.Span == fold.Span && u.At.Before(fold.Before) {
				old = append(old, u)
			} else {
				kept = append(kept, u)
			}
		}
		if fold.Next != 0 {
			kept = append(kept, store.MergeRollups(old, fold.Next)...)
		}
		r.rollups = kept
	}
	return nil
}

// Rollups returns the rollups that begin in a time.
func (r *Reference) Rollups(ctx context.Context, f store.RollupFilter) ([]store.Rollup, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	var found []store.Rollup
	for _, u := range r.rollups {
		if !u.At.Before(f.From.Truncate(u.Span)) && u.At.Before(f.Until) && (f.Queue == "" || f.Queue == u.Queue) && (f.Type == "" || f.Type == u.Type) {
			found = append(found, u)
		}
	}
	slices.SortStableFunc(found, func(a, b store.Rollup) int {
		return cmp.Or(cmp.Compare(a.Span, b.Span), a.At.Compare(b.At))
	})
	if !f.Sum {
		return found, nil
	}
	var sums []store.Rollup
	for _, u := range found {
		if n := len(sums); n == 0 || sums[n-1].Span != u.Span || !sums[n-1].At.Equal(u.At) {
			sums = append(sums, store.Rollup{At: u.At, Span: u.Span, Queue: f.Queue, Type: f.Type})
		}
		sums[len(sums)-1].Add(&u)
	}
	return sums, nil
}
