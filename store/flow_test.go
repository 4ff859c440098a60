package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/laterjobs/later/store"
)

func TestArrivalsOf(t *testing.T) {
	const many = store.ArrivalsJobs
	at := func(queue string, age time.Duration, jobs, lowest int64) store.Arrived {
		return store.Arrived{Queue: queue, Age: age, Jobs: jobs, Lowest: lowest}
	}
	for what, test := range map[string]struct {
		looked []store.Arrived
		span   time.Duration
		queues map[string]int64
	}{
		"an empty store":                 {nil, store.ArrivalsSpan, map[string]int64{}},
		"few jobs":                       {[]store.Arrived{at("a", time.Second, 3, 5), at("b", time.Minute, 2, 3), at("a", 2*time.Minute, 1, 1)}, store.ArrivalsSpan, map[string]int64{"a": 4, "b": 2}},
		"old ones do not count":          {[]store.Arrived{at("a", time.Second, 3, 5), at("a", store.ArrivalsSpan, 9, 1)}, store.ArrivalsSpan, map[string]int64{"a": 3}},
		"nor those of a clock gone back": {[]store.Arrived{at("a", -1, 3, 5), at("a", time.Second, 2, 1)}, store.ArrivalsSpan, map[string]int64{"a": 2}},
		"so many that older ones are not looked at": {
			[]store.Arrived{at("a", time.Second, many/2, many/2), at("b", 30*time.Second, many/2, 1)}, 30 * time.Second, map[string]int64{"a": many / 2, "b": many / 2},
		},
		"many before a pause": {
			[]store.Arrived{at("a", time.Second, 500, many), at("b", time.Hour, many-500, 1)}, store.ArrivalsSpan, map[string]int64{"a": 500},
		},
		"a few that were slow to come": {
			[]store.Arrived{at("a", 4*time.Minute, 5, many), at("a", 10*time.Second, many-5, 1)}, 10 * time.Second, map[string]int64{"a": many - 5},
		},
		"many that come from elsewhere, above them": {
			[]store.Arrived{at("a", 24*time.Hour, many/2, many), at("a", 20*time.Second, many/2, 1)}, 20 * time.Second, map[string]int64{"a": many / 2},
		},
		"all in one moment":         {[]store.Arrived{at("a", 0, many, 1)}, 100 * time.Millisecond, map[string]int64{"a": many}},
		"all in the future":         {[]store.Arrived{at("a", -1, many, 1)}, store.ArrivalsSpan, map[string]int64{}},
		"all in the future but one": {[]store.Arrived{at("a", -1, many-1, 1), at("a", time.Second, 1, many)}, time.Second, map[string]int64{"a": 1}},
	} {
		want := store.Arrivals{Span: test.span, Queues: test.queues}
		if diff := cmp.Diff(want, store.ArrivalsOf(test.looked)); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

func TestFlows(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 30, 30, 0, time.UTC)
	minute := func(ago int, queue string, completed int64) store.Rollup {
		return store.Rollup{At: now.Truncate(time.Minute).Add(-time.Duration(ago) * time.Minute), Span: time.Minute, Queue: queue, Completed: completed, Failed: 1, Cancelled: 1, Retried: 99}
	}
	got := store.Flows(store.Arrivals{Span: 30 * time.Second, Queues: map[string]int64{"a": 10, "b": 5}}, []store.Rollup{
		minute(0, "a", 1000), minute(1, "a", 1000), minute(2, "a", 8), minute(6, "a", 13), minute(7, "a", 1000), minute(3, "c", 3),
		{At: now.Truncate(time.Hour), Span: 10 * time.Minute, Queue: "a", Completed: 1000},
	}, now)
	want := map[string]store.Flow{"a": {In: 20, Out: 5}, "b": {In: 10}, "c": {Out: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for pending, want := range map[int64]time.Duration{0: 0, 10: 2 * time.Minute, 1 << 62: 100 * 365 * 24 * time.Hour} {
		if d, ok := got["a"].EmptyIn(pending); d != want || !ok {
			t.Errorf("%d: %v, %v", pending, d, ok)
		}
	}
	if _, ok := got["b"].EmptyIn(1); ok {
		t.Error("what nothing leaves gets empty")
	}
}

// TestOutlook says when what waits in a queue is through.
func TestOutlook(t *testing.T) {
	for want, test := range map[string]struct {
		store.Flow
		store.QueueStats
	}{
		"":            {Flow: store.Flow{In: 9}},
		"never":       {QueueStats: store.QueueStats{Pending: 412}, Flow: store.Flow{In: 8}},
		"12m15s":      {QueueStats: store.QueueStats{Pending: 3800}, Flow: store.Flow{In: 290, Out: 310}},
		"1s":          {QueueStats: store.QueueStats{Pending: 1}, Flow: store.Flow{Out: 310}},
		"over 33m20s": {QueueStats: store.QueueStats{Pending: 10_000, PendingMore: true}, Flow: store.Flow{Out: 300}},
		"paused":      {QueueStats: store.QueueStats{Pending: 98, PausedAt: time.Unix(1, 0)}, Flow: store.Flow{In: 3, Out: 7}},
	} {
		if got := test.Outlook(test.QueueStats, func(d time.Duration) string { return d.Truncate(time.Second).String() }); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
