package dashboard

import (
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

type queuesPage struct {
	Queues []queueRow   `json:"queues"`
	Groups []queueGroup `json:"-"`
	Paused int          `json:"paused"`
}

func (b *board) queues(v *view) error {
	v.Title = "Queues"
	stats, err := b.stats(v, problemsKept)
	if err != nil {
		return err
	}
	processes, err := b.queue.Processes(v.context())
	if err != nil {
		return err
	}
	page := queuesPage{Queues: queueRows(v.Now, stats, processes)}
	rollups, err := b.queue.Rollups(v.context(), later.RollupFilter{From: v.Now.Add(-time.Hour), Until: v.Now})
	if err != nil {
		return err
	}
	sparks(page.Queues, rollups, v.Now)
	if err := b.flows(v, page.Queues, rollups); err != nil {
		return err
	}
	page.Groups = groups(page.Queues)
	for _, q := range page.Queues {
		if !q.PausedAt.IsZero() {
			page.Paused++
		}
	}
	v.Data = &page
	return nil
}

// queueGroup are queues whose names begin alike: as far as the first dot or slash.
type queueGroup struct {
	Name   string // with what ends it; empty: they are alone
	Queues []queueRow
}

func (g queueGroup) Pending() (n int64) {
	for _, q := range g.Queues {
		n += q.Pending
	}
	return n
}

func (g queueGroup) Running() (n int64) {
	for _, q := range g.Queues {
		n += q.Running
	}
	return n
}

// groups keeps the order, those first that are alone. A group has at least two.
func groups(rows []queueRow) []queueGroup {
	members := map[string]int{}
	for _, row := range rows {
		members[family(row.Name)]++
	}
	list := []queueGroup{{}}
	for _, row := range rows {
		name := family(row.Name)
		if members[name] < 2 {
			name = ""
		}
		i := slices.IndexFunc(list, func(g queueGroup) bool { return g.Name == name })
		if i < 0 {
			list, i = append(list, queueGroup{Name: name}), len(list)
		}
		list[i].Queues = append(list[i].Queues, row)
	}
	return slices.DeleteFunc(list, func(g queueGroup) bool { return len(g.Queues) == 0 })
}

// family is what the names of a group begin with; empty: nothing.
func family(name string) string {
	return name[:1+strings.IndexAny(name, "./")]
}

type processesPage struct {
	Processes []processRow `json:"processes"`
}

type processRow struct {
	later.Process
	Lost     bool `json:"lost"`                // silent for longer than a living one is
	Busy     int  `json:"busy"`                // slots that jobs are in
	BusyMore bool `json:"busy_more,omitempty"` // or more
}

// processRows looks at the jobs that run for how many each process has.
func (b *board) processRows(v *view, processes []later.Process) (rows []processRow, err error) {
	if len(processes) == 0 {
		return nil, nil
	}
	jobs, err := b.queue.List(v.context(), later.Filter{Status: []later.JobStatus{later.StatusRunning}, Limit: runningShown})
	busy := map[int64]int{}
	for _, job := range jobs {
		busy[job.ProcessID]++
	}
	for _, p := range processes {
		rows = append(rows, processRow{p, silent(v.Now, p), busy[p.ID], len(jobs) == runningShown && busy[p.ID] < p.Slots})
	}
	return rows, err
}

func silent(now time.Time, p later.Process) bool { return p.Ended || now.Sub(p.BeatAt) > silence }

// works reports whether a process claims jobs.
func works(now time.Time, p later.Process) bool {
	return p.State == store.ProcessRunning && !silent(now, p)
}

func (b *board) processes(v *view) error {
	v.Title = "Processes"
	processes, err := b.queue.Processes(v.context())
	if err != nil {
		return err
	}
	rows, err := b.processRows(v, processes)
	v.Data = &processesPage{rows}
	return err
}
