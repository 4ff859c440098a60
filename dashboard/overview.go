package dashboard

import (
	"cmp"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// overviewPage is what needs a person first, then the figures.
type overviewPage struct {
	Attention []findingRow      `json:"attention"`
	Counts    map[string]int64  `json:"counts"` // by status
	More      map[string]bool   `json:"more"`   // statuses of which there may be more
	Oldest    *later.QueueStats `json:"oldest"` // the queue whose oldest job has waited longest
	Slots     int               `json:"slots"`
	Queues    []queueRow        `json:"queues"`
	Groups    []queueGroup      `json:"-"`
	Errors    []causeRow        `json:"errors"` // those with the most failed jobs
	Unnamed   []jobRow          `json:"failed"` // that failed last, where no cause is known
	Next      []scheduleRow     `json:"next_runs"`
	Slowest   []typeFigure      `json:"slowest_types"` // of the last half hour
	Processes []processRow      `json:"processes"`
	Working   int64             `json:"working"` // of them
	LastDone  time.Time         `json:"last_done"`
	LastHour  typeFigure        `json:"last_hour"` // of all types
	Charts    []chart           `json:"charts"`
	Range     string            `json:"range"`
	Ranges    []chartRange      `json:"-"`
	Empty     bool              `json:"empty"` // nothing has ever been enqueued
}

func (b *board) overview(v *view) error {
	v.Title = "Overview"
	ctx := v.context()
	stats, err := b.stats(v, doctorKept)
	if err != nil {
		return err
	}
	processes, err := b.queue.Processes(ctx)
	if err != nil {
		return err
	}
	top, unnamed, err := b.topErrors(v)
	if err != nil {
		return err
	}
	page := overviewPage{Counts: map[string]int64{}, More: map[string]bool{}, Queues: queueRows(v.Now, stats, processes), Errors: top, Unnamed: unnamed}
	for i := range stats.Queues {
		if q := &stats.Queues[i]; q.Pending > 0 && (page.Oldest == nil || q.Oldest.Before(page.Oldest.Oldest)) {
			page.Oldest = q
		}
	}
	if page.Processes, err = b.processRows(v, processes); err != nil {
		return err
	}
	for _, p := range processes {
		if works(v.Now, p) {
			page.Slots += p.Slots
			page.Working++
		}
	}
	if page.Next, err = b.nextRuns(v); err != nil {
		return err
	}
	if done, err := b.queue.List(ctx, later.Filter{Status: []later.JobStatus{later.StatusCompleted}, Limit: 1}); err == nil && len(done) > 0 {
		page.LastDone = done[0].FinishedAt
	}
	if len(page.Queues) > 0 {
		page.Groups = []queueGroup{{Queues: page.Queues}}
	}
	page.Empty = true
	for status, n := range stats.Counts {
		page.Counts[string(status)], page.More[string(status)] = n, stats.More[status]
		page.Empty = page.Empty && n == 0
	}
	if err := b.lookBack(v, &page, processes); err != nil {
		return err
	}
	if page.Attention, err = b.attention(v); err != nil {
		return err
	}
	v.Data = page
	return nil
}

// topErrors are the causes with the most failed jobs; where there are none, the jobs that
// failed last: those of an older version have no cause.
func (b *board) topErrors(v *view) (top []causeRow, unnamed []jobRow, err error) {
	const shown, read = 5, 100
	found, err := b.queue.Causes(v.context(), later.CauseFilter{Failed: true, Unmuted: true, CountTo: 1000, Limit: read})
	if err != nil {
		return nil, nil, err
	}
	slices.SortStableFunc(found, func(a, b later.Cause) int { return cmp.Compare(b.Failed, a.Failed) })
	if top, err = b.causeRows(v, found[:min(len(found), shown)]); err != nil || len(top) > 0 {
		slices.SortStableFunc(top, func(a, b causeRow) int { return cmp.Compare(b.Failed, a.Failed) })
		return top, nil, err
	}
	unnamed, err = b.listed(v, later.Filter{Status: []later.JobStatus{later.StatusFailed}, Limit: shown})
	return nil, slices.DeleteFunc(unnamed, func(row jobRow) bool { return row.Cause != 0 }), err
}

// lookBack reads what the charts are drawn from: the range that was asked for, and the
// last hour.
func (b *board) lookBack(v *view, page *overviewPage, processes []later.Process) error {
	r := rangeOf(v.request.URL.Query().Get("range"))
	rollups, err := b.queue.Rollups(v.context(), later.RollupFilter{From: v.Now.Add(-max(r.Back, time.Hour) - r.Step), Until: v.Now, Sum: true})
	if err != nil {
		return err
	}
	ofQueues, err := b.queue.Rollups(v.context(), later.RollupFilter{From: v.Now.Add(-(sparkMinutes + 1) * time.Minute), Until: v.Now})
	if err != nil {
		return err
	}
	page.Charts, page.Range, page.Ranges = v.charts(rollups, r), r.Name, chartRanges
	for i := range page.Charts {
		page.Charts[i].Marks = r.deploys(processes, v.Now)
	}
	sparks(page.Queues, ofQueues, v.Now)
	if err := b.flows(v, page.Queues, ofQueues); err != nil {
		return err
	}
	page.Slowest = slowest(figures(ofQueues))
	hour := store.Rollup{}
	for i := range rollups {
		if rollups[i].At.After(v.Now.Add(-time.Hour)) {
			hour.Add(&rollups[i])
		}
	}
	page.LastHour = figure("", &hour)
	return nil
}

// queueRow is a queue with who serves it.
type queueRow struct {
	later.QueueStats
	Processes int    `json:"processes"`
	Slots     int    `json:"slots"`
	Trouble   string `json:"trouble,omitempty"`
	Spark     []bar  `json:"-"` // what has finished in the last half hour, minute by minute
	Finished  int64  `json:"finished_in_30_minutes"`
	store.Flow
	EmptyIn string `json:"empty_in,omitempty"` // what waits, at this rate
}

// queueRows are the queues with those first that need somebody.
func queueRows(now time.Time, stats later.Stats, processes []later.Process) []queueRow {
	rows := make([]queueRow, len(stats.Queues))
	for i, q := range stats.Queues {
		row := queueRow{QueueStats: q}
		for _, p := range processes {
			if slots := slotsFor(p, q.Name); slots > 0 && works(now, p) {
				row.Processes++
				row.Slots += slots
			}
		}
		if row.Processes == 0 && q.Pending > 0 {
			row.Trouble = "no process"
		}
		rows[i] = row
	}
	slices.SortStableFunc(rows, func(a, b queueRow) int {
		if c := -cmp.Compare(len(a.Trouble), len(b.Trouble)); c != 0 {
			return c
		}
		return -cmp.Compare(a.Pending+a.Running, b.Pending+b.Running)
	})
	return rows
}

// slotsFor is how many jobs of a queue a process performs at once at most.
func slotsFor(p later.Process, queue string) int {
	if p.Queues == nil {
		return p.Slots
	}
	return p.Queues[queue]
}
