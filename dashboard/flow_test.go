package dashboard

import (
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// TestEmptyIn says when what waits in a queue is through.
func TestEmptyIn(t *testing.T) {
	for want, row := range map[string]queueRow{
		"":            {Flow: store.Flow{In: 9}},
		"never":       {QueueStats: later.QueueStats{Pending: 412}, Flow: store.Flow{In: 8}},
		"12 min":      {QueueStats: later.QueueStats{Pending: 3800}, Flow: store.Flow{In: 290, Out: 310}},
		"1 s":         {QueueStats: later.QueueStats{Pending: 1}, Flow: store.Flow{Out: 310}},
		"over 33 min": {QueueStats: later.QueueStats{Pending: 10_000, PendingMore: true}, Flow: store.Flow{Out: 300}},
		"paused":      {QueueStats: later.QueueStats{Pending: 98, PausedAt: time.Unix(1, 0)}, Flow: store.Flow{In: 3, Out: 7}},
	} {
		if got := row.emptyIn(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for want, perMinute := range map[string]float64{"0": 0, "0.2": 0.2, "9.9": 9.9, "10": 10.2, "12,346": 12345.6} {
		if got := rate(perMinute); got != want {
			t.Errorf("%v is %q, want %q", perMinute, got, want)
		}
	}
}
