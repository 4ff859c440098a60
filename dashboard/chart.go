package dashboard

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// chartRange is how far a chart goes back, and in what steps.
type chartRange struct {
	Name string
	Back time.Duration
	Step time.Duration
}

var chartRanges = []chartRange{
	{"1h", time.Hour, time.Minute},
	{"6h", 6 * time.Hour, 10 * time.Minute},
	{"24h", 24 * time.Hour, 10 * time.Minute},
	{"7d", 7 * 24 * time.Hour, time.Hour},
	{"30d", 30 * 24 * time.Hour, 6 * time.Hour},
}

func rangeOf(name string) chartRange {
	for _, r := range chartRanges {
		if r.Name == name {
			return r
		}
	}
	return chartRanges[0]
}

// steps are the sums of all queues and types, one for each step of the range, also
// where nothing happened.
func (r chartRange) steps(rollups []store.Rollup, now time.Time) []store.Rollup {
	first := now.Add(-r.Back).Truncate(r.Step)
	steps := make([]store.Rollup, int(now.Sub(first)/r.Step)+1)
	for i := range steps {
		steps[i] = store.Rollup{At: first.Add(time.Duration(i) * r.Step), Span: r.Step}
	}
	for i := range rollups {
		if n := int(rollups[i].At.Sub(first) / r.Step); n >= 0 && n < len(steps) && !rollups[i].At.Before(first) {
			steps[n].Add(&rollups[i])
		}
	}
	return steps
}

// The plane that charts are drawn in; the page scales it.
const (
	plotLeft, plotRight = 54, 398
	plotTop, plotBottom = 8, 132
)

// chart is a drawing: everything has its place, so that the page only writes it out.
type chart struct {
	Title  string     `json:"title"`
	Bars   []bar      `json:"-"`
	Lines  []polyline `json:"-"`
	Rules  []rule     `json:"-"` // across, with a number
	Times  []rule     `json:"-"` // along, with a time
	Marks  []mark     `json:"marks,omitempty"`
	Legend []legend   `json:"legend"`
	Table  []chartRow `json:"table"`
	Empty  bool       `json:"-"`
}

type bar struct {
	X, Y, W, H float64
	Class      string
}

type polyline struct{ Points, Class string }

type rule struct {
	At    float64
	Label string
}

type legend struct {
	Class string `json:"-"`
	Label string `json:"label"`
}

// chartRow is a step in words.
type chartRow struct {
	X      float64  `json:"-"` // where it stands in the drawing; 0: nowhere
	When   string   `json:"when"`
	Values []string `json:"values"`
}

// part is one of the stacked counts of the throughput.
type part struct {
	class, label string
	of           func(*store.Rollup) int64
}

var throughputParts = []part{
	{"completed", "completed", func(r *store.Rollup) int64 { return r.Completed }},
	{"retrying", "retried", func(r *store.Rollup) int64 { return r.Retried }},
	{"failed", "failed", func(r *store.Rollup) int64 { return r.Failed }},
	{"cancelled", "cancelled", func(r *store.Rollup) int64 { return r.Cancelled }},
}

func (v *view) throughput(steps []store.Rollup, r chartRange) chart {
	c := chart{Title: "Outcomes per " + stepName(r.Step), Empty: true}
	highest := int64(0)
	for i := range steps {
		sum := int64(0)
		for _, p := range throughputParts {
			sum += p.of(&steps[i])
		}
		highest = max(highest, sum)
	}
	c.Empty = highest == 0
	top := niceTop(float64(highest))
	width := float64(plotRight-plotLeft) / float64(len(steps))
	for i := range steps {
		y := float64(plotBottom)
		row := chartRow{X: round(plotLeft + (float64(i)+0.5)*width), When: v.clock(steps[i].At, r)}
		for _, p := range throughputParts {
			n := p.of(&steps[i])
			row.Values = append(row.Values, number(n))
			if n == 0 {
				continue
			}
			height := max(1, float64(n)/top*(plotBottom-plotTop))
			y -= height
			c.Bars = append(c.Bars, bar{X: round(plotLeft + float64(i)*width), Y: round(y), W: round(max(1, width-1)), H: round(height), Class: p.class})
		}
		c.Table = append(c.Table, row)
	}
	for _, p := range throughputParts {
		c.Legend = append(c.Legend, legend{p.class, p.label})
	}
	for _, share := range []float64{0, 0.5, 1} {
		c.Rules = append(c.Rules, rule{yAt(share), number(int64(share * top))})
	}
	c.Times = v.timeRules(steps, r)
	return c
}

// durations draws quantiles of a histogram on a scale where each rule is ten times the
// one below.
func (v *view) durations(title string, steps []store.Rollup, r chartRange, of func(*store.Rollup) *store.Histogram) chart {
	c := chart{Title: title, Empty: true, Times: v.timeRules(steps, r)}
	quantiles := []struct {
		q            float64
		class, label string
	}{{0.5, "p50", "half below"}, {0.95, "p95", "95 % below"}, {0.99, "p99", "99 % below"}}
	for _, quantile := range quantiles {
		c.Legend = append(c.Legend, legend{quantile.class, quantile.label})
		var points []string
		var x, y float64 // the last of them
		end := func() {
			if len(points) == 1 { // a line needs two
				points = []string{fmt.Sprintf("%.1f,%.1f", x-3, y), fmt.Sprintf("%.1f,%.1f", x+3, y)}
			}
			if len(points) > 0 {
				c.Lines = append(c.Lines, polyline{strings.Join(points, " "), quantile.class})
			}
			points = nil
		}
		for i := range steps {
			h := of(&steps[i])
			if h.Count() == 0 {
				end()
				continue
			}
			c.Empty = false
			x, y = plotLeft+(float64(i)+0.5)*float64(plotRight-plotLeft)/float64(len(steps)), yAt(logShare(h.Quantile(quantile.q)))
			points = append(points, fmt.Sprintf("%.1f,%.1f", x, y))
		}
		end()
	}
	for i := range steps {
		if h := of(&steps[i]); h.Count() > 0 {
			x := round(plotLeft + (float64(i)+0.5)*float64(plotRight-plotLeft)/float64(len(steps)))
			c.Table = append(c.Table, chartRow{x, v.clock(steps[i].At, r), []string{short(h.Quantile(0.5)), short(h.Quantile(0.95)), short(h.Quantile(0.99))}})
		}
	}
	for _, d := range []time.Duration{time.Millisecond, 100 * time.Millisecond, 10 * time.Second, 1000 * time.Second} {
		c.Rules = append(c.Rules, rule{yAt(logShare(d)), briefly(d)})
	}
	return c
}

// logShare is how high a duration stands between 1 ms and about 17 minutes.
func logShare(d time.Duration) float64 {
	ms := max(1, float64(d)/float64(time.Millisecond))
	return min(1, math.Log10(ms)/6)
}

func briefly(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min", int(math.Round(d.Minutes())))
}

func yAt(share float64) float64 { return round(plotBottom - share*(plotBottom-plotTop)) }

func round(x float64) float64 { return math.Round(10*x) / 10 }

// niceTop is the number at the top of a scale: 2, 4, 6, 8, 10, 20, 30, …, always one that can be halved
func niceTop(highest float64) float64 {
	size := math.Pow(10, math.Floor(math.Log10(max(1, highest))))
	for _, factor := range []float64{1, 2, 3, 4, 6, 8, 10} {
		if top := factor * size; top >= highest && top >= 2 && math.Mod(top, 2) == 0 {
			return top
		}
	}
	return 10 * size
}

// timeRules are about four moments along the chart.
func (v *view) timeRules(steps []store.Rollup, r chartRange) (rules []rule) {
	every := max(1, len(steps)/4)
	for i := 0; i < len(steps); i += every {
		x := plotLeft + float64(i)*float64(plotRight-plotLeft)/float64(len(steps))
		if x < plotRight-50 || i == 0 {
			rules = append(rules, rule{round(x), v.clock(steps[i].At, r)})
		}
	}
	return rules
}

func (v *view) clock(t time.Time, r chartRange) string {
	t = t.In(v.Look.location)
	if r.Back > 24*time.Hour {
		return t.Format("Jan 2 15:04")
	}
	return t.Format("15:04")
}

func stepName(d time.Duration) string {
	switch {
	case d == time.Minute:
		return "minute"
	case d == time.Hour:
		return "hour"
	case d < time.Hour:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	}
	return fmt.Sprintf("%d hours", int(d.Hours()))
}

// charts are those of the overview.
func (v *view) charts(rollups []store.Rollup, r chartRange) []chart {
	steps := r.steps(rollups, v.Now)
	return []chart{
		v.throughput(steps, r),
		v.durations("Wait until the first attempt", steps, r, func(u *store.Rollup) *store.Histogram { return &u.Wait }),
		v.durations("Run time of an attempt", steps, r, func(u *store.Rollup) *store.Histogram { return &u.Run }),
	}
}
