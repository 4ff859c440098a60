package later

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// causesPage is how many causes are carried at a time.
const causesPage = 500

// carryCauses takes along what is known of the causes of the jobs. What the target knows
// stays as it is: a move that was interrupted has been here.
func (m *move) carryCauses(ctx context.Context) error {
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(m.causes)), causesPage) {
		now := engine.Now(m.from)
		f := store.CauseFilter{IDs: ids, CountsFrom: now.Add(-store.CauseCountsKept), CountTo: 1, Limit: causesPage}
		causes, err := m.from.Causes(ctx, f, now)
		if err != nil {
			return err
		}
		known, err := m.to.Causes(ctx, store.CauseFilter{IDs: ids, CountTo: 1, Limit: causesPage}, time.Time{})
		if err != nil {
			return err
		}
		causes = slices.DeleteFunc(causes, func(c store.Cause) bool {
			return slices.ContainsFunc(known, func(k store.Cause) bool { return k.ID == c.ID })
		})
		if err := m.to.RecordCauses(ctx, causes, now); err != nil {
			return err
		}
	}
	return nil
}
