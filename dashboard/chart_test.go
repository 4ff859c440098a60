package dashboard

import (
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

var chartNow = time.Date(2026, 11, 27, 12, 34, 56, 0, time.UTC)

func chartView() *view { return &view{Now: chartNow, Look: look{location: time.UTC}} }

// TestSteps: every rollup of the range is in one step, whatever its length, and none
// that lies outside.
func TestSteps(t *testing.T) {
	for _, r := range chartRanges {
		var rollups []store.Rollup
		inside := int64(0)
		for age := time.Duration(0); age < r.Back+2*r.Step; age += r.Step / 3 {
			at := chartNow.Add(-age).Truncate(time.Minute)
			rollups = append(rollups, store.Rollup{At: at, Span: time.Minute, Completed: 1})
			if !at.Before(chartNow.Add(-r.Back).Truncate(r.Step)) {
				inside++
			}
		}
		steps := r.steps(rollups, chartNow)
		sum := int64(0)
		for i, step := range steps {
			sum += step.Completed
			if i > 0 && step.At.Sub(steps[i-1].At) != r.Step {
				t.Errorf("%s: step %d begins %v after the one before", r.Name, i, step.At.Sub(steps[i-1].At))
			}
		}
		if last := steps[len(steps)-1].At; sum != inside || last.After(chartNow) || chartNow.Sub(last) >= r.Step {
			t.Errorf("%s: %d of %d counted, the last step begins at %v", r.Name, sum, inside, last)
		}
	}
}

// TestThroughputIsDrawnToScale: bars stand on each other, and none leaves the plane.
func TestThroughputIsDrawnToScale(t *testing.T) {
	r := rangeOf("1h")
	rollups := []store.Rollup{
		{At: chartNow.Add(-10 * time.Minute), Completed: 300, Failed: 100},
		{At: chartNow.Add(-5 * time.Minute), Completed: 1_000_000_000},
	}
	for _, shown := range [][]store.Rollup{rollups[:1], rollups} {
		c := chartView().throughput(r.steps(shown, chartNow), r)
		for i, bar := range c.Bars {
			if bar.Y < plotTop-0.1 || bar.Y+bar.H > plotBottom+0.1 || bar.X < plotLeft || bar.X+bar.W > plotRight+0.1 || bar.H < 1 {
				t.Errorf("bar %d: %+v", i, bar)
			}
		}
		if len(shown) == 1 {
			if len(c.Bars) != 2 || c.Bars[0].H != 3*c.Bars[1].H || c.Bars[1].Y+c.Bars[1].H != c.Bars[0].Y {
				t.Errorf("%+v", c.Bars)
			}
		}
	}
	if c := chartView().throughput(r.steps(nil, chartNow), r); !c.Empty || len(c.Bars) > 0 {
		t.Errorf("nothing happened: %+v", c.Bars)
	}
}

// TestDurationsHaveHoles: where nothing ran there is no line.
func TestDurationsHaveHoles(t *testing.T) {
	r := rangeOf("1h")
	var rollups []store.Rollup
	for _, age := range []time.Duration{30, 29, 28, 5} {
		u := store.Rollup{At: chartNow.Add(-age * time.Minute)}
		u.Run.Observe(2 * time.Second)
		rollups = append(rollups, u)
	}
	c := chartView().durations("", r.steps(rollups, chartNow), r, func(u *store.Rollup) *store.Histogram { return &u.Run })
	if c.Empty || len(c.Lines) != 6 || len(c.Table) != 4 {
		t.Errorf("%d lines, %d rows", len(c.Lines), len(c.Table))
	}
}

func TestNiceTop(t *testing.T) {
	for highest, want := range map[float64]float64{0: 2, 1: 2, 2: 2, 3: 4, 5: 6, 10: 10, 11: 20, 99: 100, 101: 200, 399: 400, 401: 600, 205: 300} {
		if got := niceTop(highest); got != want {
			t.Errorf("%v: %v, want %v", highest, got, want)
		}
	}
}

func TestFormats(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 µs", 999 * time.Microsecond: "999 µs", 15 * time.Millisecond: "15 ms", 9990 * time.Millisecond: "9.9 s", 59 * time.Second: "59 s",
		61 * time.Second: "1 min 1 s", 15 * time.Minute: "15 min", 25 * time.Hour: "25 h", 50 * time.Hour: "2 days 2 h", -time.Second: "−1.0 s",
	} {
		if got := short(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1234567: "−1,234,567"} {
		if got := number(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
	now := chartNow
	for got, want := range map[string]string{
		ago(now, now.Add(-90*time.Second)): "1 min ago", ago(now, time.Time{}): "never", until(now, now.Add(time.Hour)): "in 1 h",
		until(now, now.Add(-time.Hour)): "now", ago(now, now.Add(72*time.Hour)): "in 3 days", size(1536): "1.5 KiB", cut("aé", 2): "a",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestDeploysAreMarked where the first process of a version that works began.
func TestDeploysAreMarked(t *testing.T) {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	process := func(version string, ago time.Duration) later.Process {
		return later.Process{Version: version, StartedAt: now.Add(-ago)}
	}
	marks := rangeOf("1h").deploys([]later.Process{
		process("v1", 26*time.Hour), process("v2", 10*time.Minute), process("v2", 30*time.Minute), process("", time.Minute), process("v3", -time.Minute),
	}, now)
	if len(marks) != 1 || marks[0].Label != "v2" || marks[0].At != (plotLeft+plotRight)/2 || !marks[0].Since.Equal(now.Add(-30*time.Minute)) {
		t.Errorf("%+v", marks)
	}
}
