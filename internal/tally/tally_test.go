package tally_test

import (
	"testing"
	"time"

	"github.com/laterjobs/later/internal/tally"
	"github.com/laterjobs/later/store"
)

func TestEach(t *testing.T) {
	for queues, want := range map[int]int64{0: 10_000, 1: 10_000, 5: 10_000, 10: 5_000, 500: 100, 100_000: 100} {
		if got := tally.Each(queues); got != want {
			t.Errorf("%d queues: %d, want %d", queues, got, want)
		}
	}
}

func TestTally(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var of tally.Tally
	of.Pending("a", 60, 100, now)
	of.Pending("a", 50, 100, now.Add(-time.Hour)) // suspects
	of.Pending("b", 7, 100, now)
	of.Waiting("b", store.Retrying, store.CountedTo-1)
	of.Waiting("c", store.Scheduled, 1)
	of.Running("a", 3)
	stats := of.Stats()
	want := map[store.JobStatus]int64{store.Pending: 107, store.Running: 3, store.Retrying: store.CountedTo - 1, store.Scheduled: 1}
	for _, status := range store.Statuses {
		if stats.Counts[status] != want[status] {
			t.Errorf("%d are %s, want %d", stats.Counts[status], status, want[status])
		}
		if more := status == store.Pending || status == store.Retrying || status == store.Scheduled; stats.More[status] != more {
			t.Errorf("more %s: %v", status, stats.More[status])
		}
	}
	a, b := stats.Queues[0], stats.Queues[1]
	if a.Pending != 100 || !a.PendingMore || !a.Oldest.Equal(now.Add(-time.Hour)) || a.RunningMore || !a.ScheduledMore {
		t.Errorf("%+v", a)
	}
	if b.Pending != 7 || b.PendingMore {
		t.Errorf("%+v", b)
	}
}
