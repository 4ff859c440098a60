package store_test

import (
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

func TestHistogram(t *testing.T) {
	var h store.Histogram
	if h.Quantile(0.5) != 0 || h.Text() != "" {
		t.Errorf("empty: %v %q", h.Quantile(0.5), h.Text())
	}
	for _, d := range []time.Duration{-time.Second, 0, time.Millisecond, 3 * time.Millisecond, 3 * time.Millisecond, time.Second, 1000 * time.Hour} {
		h.Observe(d)
	}
	if h.Count() != 7 || h.Text() != "0:2 1:1 2:2 10:1 25:1" {
		t.Errorf("%d %q", h.Count(), h.Text())
	}
	if again := store.HistogramOf(h.Text()); again != h {
		t.Errorf("read again: %v", again)
	}
	for _, spoiled := range []string{"x", "1", ":", "1:x", "-1:5", "26:1", "99999999999999999999:1", "1:-4", " "} {
		if h := store.HistogramOf(spoiled); h.Count() != 0 {
			t.Errorf("%q: %v", spoiled, h)
		}
	}
}

// TestQuantile: within the bucket that holds the true one.
func TestQuantile(t *testing.T) {
	var h store.Histogram
	for ms := range 1000 {
		h.Observe(time.Duration(ms) * time.Millisecond)
	}
	for q, want := range map[float64]time.Duration{0: 0, 0.25: 250 * time.Millisecond, 0.5: 500 * time.Millisecond, 0.99: 990 * time.Millisecond, 1: time.Second} {
		if got := h.Quantile(q); got < want*3/4-time.Millisecond || got > want*5/4+30*time.Millisecond {
			t.Errorf("%v: %v, want about %v", q, got, want)
		}
	}
}

func TestMergeRollups(t *testing.T) {
	at := time.Date(2026, 1, 1, 10, 0, 0, 0, time.UTC)
	one := func(minute int, queue string) store.Rollup {
		return store.Rollup{At: at.Add(time.Duration(minute) * time.Minute), Span: time.Minute, Queue: queue, Type: "T", Completed: 1}
	}
	merged := store.MergeRollups([]store.Rollup{one(11, "a"), one(1, "a"), one(9, "a"), one(2, "b")}, 10*time.Minute)
	want := []store.Rollup{
		{At: at, Span: 10 * time.Minute, Queue: "a", Type: "T", Completed: 2},
		{At: at, Span: 10 * time.Minute, Queue: "b", Type: "T", Completed: 1},
		{At: at.Add(10 * time.Minute), Span: 10 * time.Minute, Queue: "a", Type: "T", Completed: 1},
	}
	if len(merged) != len(want) {
		t.Fatalf("%+v", merged)
	}
	for i := range want {
		if merged[i] != want[i] {
			t.Errorf("%d: %+v", i, merged[i])
		}
	}
}
