package dashboard

import (
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

type typesPage struct {
	Types []typeRow `json:"types"`
}

// typeRow is a type with what it has done in the last hour.
type typeRow struct {
	store.JobType
	Figure typeFigure `json:"last_hour"`
}

func (b *board) types(v *view) error {
	v.Title = "Types"
	types, err := b.queue.KnownTypes(v.context())
	if err != nil {
		return err
	}
	rollups, err := b.queue.Rollups(v.context(), later.RollupFilter{From: v.Now.Add(-time.Hour), Until: v.Now})
	if err != nil {
		return err
	}
	hour, page := figures(rollups), &typesPage{}
	for _, t := range types {
		row := typeRow{JobType: t, Figure: typeFigure{P50: "–", P95: "–", P99: "–"}}
		if i := slices.IndexFunc(hour, func(f typeFigure) bool { return f.Type == t.Name }); i >= 0 {
			row.Figure = hour[i]
		}
		page.Types = append(page.Types, row)
	}
	v.Data = page
	return nil
}

// typePage is one type of jobs.
type typePage struct {
	store.JobType
	Schema document     `json:"-"`
	Fields []*field     `json:"-"` // of the arguments
	Charts []chart      `json:"charts"`
	Sum    typeFigure   `json:"sum"` // of the range
	Range  string       `json:"range"`
	Ranges []chartRange `json:"-"`
	Errors []causeRow   `json:"errors"` // those with failed jobs, that were met last
	Known  bool         `json:"-"`      // somebody performs it, or has
	Jobs   []jobRow     `json:"newest"`
}

func (b *board) oneType(v *view) error {
	name, ctx := v.request.PathValue("name"), v.context()
	v.Title = name
	types, err := b.queue.KnownTypes(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(types, func(t store.JobType) bool { return t.Name == name })
	if i < 0 {
		return b.unknownType(v, name)
	}
	r := rangeOf(v.request.URL.Query().Get("range"))
	page := &typePage{JobType: types[i], Schema: render(types[i].Schema), Fields: fieldsOf(types[i].Schema), Range: r.Name, Ranges: chartRanges, Known: true}
	mine, err := b.queue.Rollups(ctx, later.RollupFilter{From: v.Now.Add(-r.Back - r.Step), Until: v.Now, Type: name, Sum: true})
	if err != nil {
		return err
	}
	steps := r.steps(mine, v.Now)
	sum := store.Rollup{}
	for s := range steps {
		sum.Add(&steps[s])
	}
	page.Charts = []chart{
		v.throughput(steps, r),
		v.durations("Run time of an attempt", steps, r, func(u *store.Rollup) *store.Histogram { return &u.Run }),
		spread("How long attempts took", &sum.Run),
	}
	processes, err := b.queue.Processes(ctx)
	if err != nil {
		return err
	}
	for i := range page.Charts[:2] {
		page.Charts[i].Marks = r.deploys(processes, v.Now)
	}
	page.Sum = typeFigure{P50: "–", P95: "–", P99: "–"}
	if all := figures(mine); len(all) == 1 {
		page.Sum = all[0]
	}
	if page.Jobs, err = b.listed(v, later.Filter{Type: name, Limit: 10}); err != nil {
		return err
	}
	found, err := b.queue.Causes(ctx, later.CauseFilter{Type: name, Failed: true, CountTo: 1, Limit: 5})
	if err != nil {
		return err
	}
	page.Errors, err = b.causeRows(v, found)
	v.Data = page
	return err
}

// unknownType shows what there is of a type that no process has published: its jobs.
func (b *board) unknownType(v *view, name string) error {
	jobs, err := b.listed(v, later.Filter{Type: name, Limit: 10})
	if err == nil && len(jobs) == 0 {
		err = notFound("No process has published a type %q.", name)
	}
	v.Data = &typePage{JobType: store.JobType{Name: name}, Jobs: jobs}
	return err
}

// spread draws a histogram, a bar for each bucket between the first and the last that
// have something.
func spread(title string, h *store.Histogram) chart {
	c := chart{Title: title, Empty: h.Count() == 0, Legend: []legend{{"running", "attempts"}}}
	first, last, highest := len(h), -1, int64(0)
	for i, n := range h {
		if n > 0 {
			first, last, highest = min(first, i), i, max(highest, n)
		}
	}
	if c.Empty {
		return c
	}
	top := niceTop(float64(highest))
	width := float64(plotRight-plotLeft) / float64(last-first+1)
	for i := first; i <= last; i++ {
		x := plotLeft + float64(i-first)*width
		c.Table = append(c.Table, chartRow{round(x + width/2), "below " + bucketEnd(i), []string{number(h[i])}})
		if every := (last-first)/6 + 1; (i-first)%every == 0 {
			c.Times = append(c.Times, rule{round(x), "<" + bucketEnd(i)})
		}
		if h[i] > 0 {
			height := max(1, float64(h[i])/top*(plotBottom-plotTop))
			c.Bars = append(c.Bars, bar{X: round(x), Y: round(plotBottom - height), W: round(max(1, width-2)), H: round(height), Class: "running"})
		}
	}
	for _, share := range []float64{0, 0.5, 1} {
		c.Rules = append(c.Rules, rule{yAt(share), number(int64(share * top))})
	}
	return c
}

// bucketEnd is the upper end of a bucket of a store.Histogram.
func bucketEnd(i int) string {
	d := time.Millisecond << i
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	if d < time.Minute {
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return coarse(d)
}
