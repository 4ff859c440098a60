package storetest

import (
	"errors"
	"time"

	"pgregory.net/rapid"

	"github.com/laterjobs/later/store"
)

var (
	someKeys   = shared(rapid.SampledFrom([]string{"k1", "k2"}))
	someScopes = shared(rapid.SampledFrom(uniqueScopes))
	someWays   = shared(rapid.SampledFrom([]store.OnConflict{store.ConflictKeep, store.ConflictReplace, store.ConflictFail}))
)

// makeUnique gives a new job a key, and arguments of its own, so that it shows whose
// they are.
func (m *model) makeUnique(rt *rapid.T, n *store.NewJob) {
	n.Options = &store.Options{Unique: &store.Unique{Key: someKeys.Draw(rt, "key"), Scope: someScopes.Draw(rt, "scope")}}
	if n.Options.Unique.Scope == store.UniquePeriod {
		n.Options.Unique.Period = rapid.SampledFrom([]time.Duration{time.Minute, time.Hour}).Draw(rt, "period")
	}
	n.OnConflict = someWays.Draw(rt, "on conflict")
	n.Args = []byte(rapid.SampledFrom([]string{`{"a":1}`, `{"a":2}`}).Draw(rt, "args"))
}

// compareKeys asks who holds each key.
func (m *model) compareKeys(rt *rapid.T) {
	for _, jobType := range []string{"Mail", "Report"} {
		for _, key := range []string{"k1", "k2"} {
			both(m, "Holder", func(s store.Store) (int64, error) {
				id, err := s.Holder(rt.Context(), jobType, key, m.now)
				if errors.Is(err, store.ErrNotFound) {
					return 0, nil
				}
				return id, err
			})
		}
	}
}
