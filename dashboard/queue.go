package dashboard

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// queuePage is one queue.
type queuePage struct {
	Queue  queueRow     `json:"queue"`
	Chart  chart        `json:"chart"`
	Wait   chart        `json:"wait"`
	Run    chart        `json:"run"`
	Types  []typeFigure `json:"types"` // that it has performed in the last hour
	Served []processRow `json:"processes"`
	Newest []jobRow     `json:"newest"`
}

// typeFigure is what a type has done in a time.
type typeFigure struct {
	Type      string `json:"type,omitempty"`
	Completed int64  `json:"completed"`
	Retried   int64  `json:"retried"`
	Failed    int64  `json:"failed"`
	P50       string `json:"run_p50"`
	P95       string `json:"run_p95"`
	P99       string `json:"run_p99"`
	share     int64
	slow      time.Duration // 95 % took less
}

// Attempts is how many have ended.
func (f typeFigure) Attempts() int64 { return f.share }

// slowest are the types whose attempts took longest, but for the few in twenty that took
// longer still.
func slowest(list []typeFigure) []typeFigure {
	const shown = 5
	list = slices.DeleteFunc(list, func(f typeFigure) bool { return f.share == 0 })
	slices.SortStableFunc(list, func(a, b typeFigure) int { return cmp.Compare(b.slow, a.slow) })
	return list[:min(len(list), shown)]
}

// pageOf is the address of the page of something that has a name. A name that browsers
// take for a way up, or that would ask for JSON, is written otherwise.
func pageOf(section, name string) string {
	if name == "." || name == ".." || name == "" {
		return section + "/"
	}
	escaped := url.PathEscape(name)
	if rest, ends := strings.CutSuffix(escaped, ".json"); ends {
		escaped = rest + "%2Ejson"
	}
	return section + "/" + escaped
}

func (b *board) oneQueue(v *view) error {
	name, ctx := v.request.PathValue("name"), v.context()
	v.Title = name
	stats, err := b.stats(v, problemsKept)
	if err != nil {
		return err
	}
	processes, err := b.queue.Processes(ctx)
	if err != nil {
		return err
	}
	page := &queuePage{}
	rows := queueRows(v.Now, stats, processes)
	i := slices.IndexFunc(rows, func(r queueRow) bool { return r.Name == name })
	known := i >= 0
	if known {
		page.Queue = rows[i]
	} else { // nothing waits or runs in it
		idle := later.Stats{Queues: []later.QueueStats{{Name: name}}}
		page.Queue = queueRows(v.Now, idle, processes)[0]
	}
	for _, p := range processes {
		if slotsFor(p, name) > 0 {
			page.Served = append(page.Served, processRow{Process: p, Lost: silent(v.Now, p)})
		}
	}
	jobs, err := b.listed(v, later.Filter{Queue: name, Limit: 10})
	if err != nil {
		return err
	}
	if !known && len(jobs) == 0 && len(page.Served) == 0 {
		return notFound("No queue %q has jobs, or had some lately, and no process serves it.", name)
	}
	page.Newest = jobs
	r := rangeOf("1h")
	mine, err := b.queue.Rollups(ctx, later.RollupFilter{From: v.Now.Add(-r.Back - r.Step), Until: v.Now, Queue: name})
	if err != nil {
		return err
	}
	steps := r.steps(mine, v.Now)
	page.Chart = v.throughput(steps, r)
	page.Wait = v.durations("Wait until the first attempt", steps, r, func(u *store.Rollup) *store.Histogram { return &u.Wait })
	page.Run = v.durations("Run time of an attempt", steps, r, func(u *store.Rollup) *store.Histogram { return &u.Run })
	for _, c := range []*chart{&page.Chart, &page.Wait, &page.Run} {
		c.Marks = r.deploys(processes, v.Now)
	}
	page.Types = figures(mine)
	v.Data = page
	one := []queueRow{page.Queue}
	err = b.flows(v, one, mine)
	page.Queue = one[0]
	return err
}

// listed are new jobs as rows, without what may not be seen.
func (b *board) listed(v *view, f later.Filter) (rows []jobRow, err error) {
	found, err := b.queue.Search(v.context(), f, besides)
	jobs := found.Jobs
	if err == nil {
		jobs, err = b.queue.Redact(v.context(), jobs...)
	}
	for _, job := range jobs {
		rows = append(rows, v.row(job))
	}
	return rows, err
}

// figures adds up by type, those with the most attempts first.
func figures(rollups []store.Rollup) (list []typeFigure) {
	sums := map[string]*store.Rollup{}
	for i := range rollups {
		if sums[rollups[i].Type] == nil {
			sums[rollups[i].Type] = &store.Rollup{}
		}
		sums[rollups[i].Type].Add(&rollups[i])
	}
	for name, sum := range sums {
		list = append(list, figure(name, sum))
	}
	slices.SortFunc(list, func(a, b typeFigure) int {
		return cmp.Or(-cmp.Compare(a.share, b.share), cmp.Compare(a.Type, b.Type))
	})
	return list
}

func figure(name string, sum *store.Rollup) typeFigure {
	return typeFigure{
		slow: sum.Run.Quantile(0.95),
		Type: name, Completed: sum.Completed, Retried: sum.Retried, Failed: sum.Failed, share: sum.Run.Count(),
		P50: quantile(&sum.Run, 0.5), P95: quantile(&sum.Run, 0.95), P99: quantile(&sum.Run, 0.99),
	}
}

func quantile(h *store.Histogram, q float64) string {
	if h.Count() == 0 {
		return "–"
	}
	return short(h.Quantile(q))
}

// sparkMinutes is how far the pictures of queues go back.
const sparkMinutes = 30

// sparks draws for each queue what has finished in it in the last half hour.
func sparks(rows []queueRow, rollups []store.Rollup, now time.Time) {
	const minutes, height, step = sparkMinutes, 20, 3
	first := now.Truncate(time.Minute).Add(-minutes * time.Minute)
	of := map[string][]*store.Rollup{}
	for i := range rollups {
		if u := &rollups[i]; u.Span == time.Minute && !u.At.Before(first) {
			of[u.Queue] = append(of[u.Queue], u)
		}
	}
	for i := range rows {
		var good, bad [minutes + 1]int64
		highest := int64(0)
		for _, u := range of[rows[i].Name] {
			if at := int(u.At.Sub(first) / time.Minute); at <= minutes {
				good[at] += u.Completed + u.Cancelled
				bad[at] += u.Failed
				highest = max(highest, good[at]+bad[at])
			}
		}
		for at := range minutes {
			rows[i].Finished += good[at] + bad[at]
			y := float64(height)
			for _, part := range []struct {
				n     int64
				class string
			}{{good[at], "completed"}, {bad[at], "failed"}} {
				if part.n > 0 {
					h := max(1, round(float64(part.n)/float64(highest)*height))
					y -= h
					rows[i].Spark = append(rows[i].Spark, bar{X: float64(at * step), Y: round(max(0, y)), W: step - 1, H: h, Class: part.class})
				}
			}
		}
	}
}
