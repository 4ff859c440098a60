package dashboard

import (
	"time"

	"github.com/laterjobs/later"
)

type queuesPage struct {
	Queues []queueRow `json:"queues"`
	Paused int        `json:"paused"`
}

func (b *board) queues(v *view) error {
	v.Title = "Queues"
	stats, err := b.queue.Stats(v.context())
	if err != nil {
		return err
	}
	processes, err := b.queue.Processes(v.context())
	if err != nil {
		return err
	}
	page := queuesPage{Queues: queueRows(v.Now, stats, processes)}
	rollups, err := b.queue.Rollups(v.context(), v.Now.Add(-time.Hour), v.Now)
	if err != nil {
		return err
	}
	sparks(page.Queues, rollups, v.Now)
	for _, q := range page.Queues {
		if !q.PausedAt.IsZero() {
			page.Paused++
		}
	}
	v.Data = &page
	return nil
}

type processesPage struct {
	Processes []processRow `json:"processes"`
}

type processRow struct {
	later.Process
	Lost bool `json:"lost"` // silent for longer than a living one is
}

func (b *board) processes(v *view) error {
	v.Title = "Processes"
	processes, err := b.queue.Processes(v.context())
	if err != nil {
		return err
	}
	page := processesPage{}
	for _, p := range processes {
		page.Processes = append(page.Processes, processRow{p, v.Now.Sub(p.BeatAt) > silence})
	}
	v.Data = &page
	return nil
}
