package otel_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/otel"
	"github.com/laterjobs/later/sqlite"
)

// TestMetrics: a queue that works in fake time, so that waits and runs are exact.
func TestMetrics(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	synctest.Test(t, func(t *testing.T) {
		i := newInstruments()
		store, err := sqlite.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		cfg := i.config()
		cfg.Concurrency = 2
		queue := latertest.NewOn(t, store, cfg, number.Do(func(_ context.Context, a args) error {
			time.Sleep(10 * time.Second)
			if a.N%2 == 1 {
				return errOdd
			}
			return nil
		}))
		stop, err := otel.Observe(queue, i.options...)
		if err != nil {
			t.Fatal(err)
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		calls := []later.Call{number.With(args{1}), number.With(args{2}), number.With(args{3}), another.With(args{4})}
		if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		for name, want := range map[string]map[string]int64{
			"later.jobs.enqueued": {"NumberJob numbers": 3, "AnotherJob default": 1},
			"later.queue.depth": {
				"pending numbers": 1, "running numbers": 2, "scheduled numbers": 0,
				"pending default": 1, "running default": 0, "scheduled default": 0,
			},
			"later.slots.used": {"": 2}, "later.slots.max": {"": 2},
		} {
			if got := i.sums(t, name); !equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		if got := i.seconds(t, "later.queue.latency"); got["default"] != 5 || got["numbers"] != 5 {
			t.Errorf("latency %v", got)
		}
		time.Sleep(30 * time.Second)
		if got, want := i.sums(t, "later.jobs.outcomes"), map[string]int64{"NumberJob completed numbers": 1, "NumberJob failed numbers": 2}; !equal(got, want) {
			t.Errorf("outcomes %v, want %v", got, want)
		}
		if got := i.seconds(t, "later.job.run.duration"); got["NumberJob completed numbers"] != 10 || got["NumberJob failed numbers"] != 20 {
			t.Errorf("run %v", got)
		}
		if got := i.seconds(t, "later.job.wait.duration"); got["NumberJob numbers"] != 10 { // 0, 0 and 10
			t.Errorf("wait %v", got)
		}
		for _, name := range []string{"later.claim.size", "later.completion.size"} {
			if got := i.sums(t, name); got[""] != 3 {
				t.Errorf("%s: %v jobs", name, got)
			}
		}
		if _, err := queue.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := i.sums(t, "later.slots.max"); len(got) != 0 {
			t.Errorf("slots after the end: %v", got)
		}
	})
}

func equal(a, b map[string]int64) bool {
	for key := range b {
		if a[key] != b[key] {
			return false
		}
	}
	return len(a) == len(b)
}

// TestSuperseded: the outcome of an attempt whose process was declared dead.
func TestSuperseded(t *testing.T) {
	i := newInstruments()
	crashed := false
	queue := latertest.New(t, i.config(), number.Do(func(ctx context.Context, _ args) error {
		if !crashed {
			crashed = true
			latertest.Crash(ctx)
		}
		return nil
	}))
	stop, err := otel.Observe(queue, i.options...)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := number.PerformLater(t.Context(), queue, args{2}); err != nil {
		t.Fatal(err)
	}
	latertest.Drain(t, queue)
	if got := i.sums(t, "later.jobs.superseded"); got["NumberJob numbers"] != 1 {
		t.Errorf("superseded %v", got)
	}
	if got := i.sums(t, "later.jobs.outcomes"); got["NumberJob completed numbers"] != 1 || len(got) != 1 {
		t.Errorf("outcomes %v", got)
	}
}

// sums are a metric's values, or the sums of its histograms, by the values of its attributes in
// the order of their names.
func (i *instruments) sums(t *testing.T, name string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	switch data := i.collect(t, name).(type) {
	case metricdata.Sum[int64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Value
		}
	case metricdata.Gauge[int64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Value
		}
	case metricdata.Histogram[int64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Sum
		}
	}
	return found
}

func (i *instruments) seconds(t *testing.T, name string) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	switch data := i.collect(t, name).(type) {
	case metricdata.Gauge[float64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Value
		}
	case metricdata.Histogram[float64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Sum
		}
	}
	return found
}

func (i *instruments) collect(t *testing.T, name string) metricdata.Aggregation {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := i.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				return m.Data
			}
		}
	}
	return nil
}

func values(set attribute.Set) (text string) {
	sorted := set.ToSlice()
	slices.SortFunc(sorted, func(a, b attribute.KeyValue) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	for _, a := range sorted {
		if text != "" {
			text += " "
		}
		text += a.Value.String()
	}
	return text
}

// TestDocumentedMetrics: the table of docs/telemetry.md has every metric and no other.
func TestDocumentedMetrics(t *testing.T) {
	documented := found(t, regexp.MustCompile("(?m)^\\| `(later\\.[a-z.]+)` \\|"), "../docs/telemetry.md")
	made := found(t, regexp.MustCompile(`"(later\.[a-z]+\.[a-z.]+)"`), "observe.go", "middleware.go")
	if len(made) < 14 || !slices.Equal(documented, made) {
		t.Errorf("documented are %q, made %q", documented, made)
	}
}

func found(t *testing.T, pattern *regexp.Regexp, files ...string) (names []string) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range pattern.FindAllStringSubmatch(string(text), -1) {
			names = append(names, match[1])
		}
	}
	slices.Sort(names)
	return names
}
