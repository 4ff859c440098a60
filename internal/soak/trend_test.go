package soak

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// sample is what one look at the process and its database has found, by the names of
// the metrics.
type sample struct {
	at     time.Duration // since the beginning
	values map[string]float64
}

// metric is something that must not grow.
type metric struct {
	name string
	unit string
	// What its trend may add up to between the warm-up and the end: the larger of an
	// amount and a part of the median. Both are far below what a leak would add: half
	// an hour is 900,000 jobs.
	amount, part float64
}

// trend is how a metric went after the warm-up.
type trend struct {
	metric
	low, median, high float64
	perHour           float64 // the slope
	growth, allowed   float64 // over the time that was looked at
}

func (t trend) flat() bool { return t.growth <= t.allowed }

// String says it in words.
func (t trend) String() string {
	if t.flat() {
		return fmt.Sprintf("%s: flat. The trend adds up to %+.4g%s, at most %.4g may be", t.name, t.growth, t.unit, t.allowed)
	}
	return fmt.Sprintf("%s: GROWS, by %.4g%s where at most %.4g may be; that is %.4g%s an hour",
		t.name, t.growth, t.unit, t.allowed, t.perHour, t.unit)
}

// trendOf looks at the samples after the warm-up, a quarter of the time. The slope is
// the median of the slopes between all pairs of samples (Theil and Sen), which the
// teeth of a saw (collections of garbage, checkpoints, vacuum) hardly move.
func trendOf(m metric, samples []sample) trend {
	samples = samples[len(samples)/4:]
	var values, slopes []float64
	for i, a := range samples {
		values = append(values, a.values[m.name])
		for _, b := range samples[i+1:] {
			slopes = append(slopes, (b.values[m.name]-a.values[m.name])/(b.at-a.at).Hours())
		}
	}
	t := trend{metric: m, low: slices.Min(values), median: median(values), high: slices.Max(values), perHour: median(slopes)}
	t.growth = t.perHour * (samples[len(samples)-1].at - samples[0].at).Hours()
	t.allowed = max(m.amount, m.part*t.median)
	return t
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func TestTrend(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	for _, test := range []struct {
		name  string
		value func(n int) float64
		flat  bool
	}{
		{"still", func(int) float64 { return 100 }, true},
		{"noise", func(int) float64 { return 100 + 30*noise.Float64() }, true},
		{"a saw", func(n int) float64 { return 100 + float64(n%30) }, true},
		{"one outlier at the end", func(n int) float64 { return 100 + float64(n/179)*10_000 }, true},
		{"falls", func(n int) float64 { return 1000 - float64(n) }, true},
		{"a warm-up", func(n int) float64 { return 100 + 100*math.Exp(-float64(n)/10) }, true},
		{"grows", func(n int) float64 { return 100 + float64(n)/8 }, false},
		{"grows under noise", func(n int) float64 { return 100 + float64(n)/4 + 10*noise.Float64() }, false},
		{"a saw that grows", func(n int) float64 { return 100 + float64(n%30) + float64(n)/4 }, false},
	} {
		var samples []sample
		for n := range 180 {
			at := time.Duration(n) * 10 * time.Second
			samples = append(samples, sample{at, map[string]float64{"things": test.value(n)}})
		}
		if got := trendOf(metric{name: "things", amount: 10, part: 0.1}, samples); got.flat() != test.flat {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
