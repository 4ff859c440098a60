package latercli

import (
	"context"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// pastMinutes is how many minutes the chart of a queue has.
const pastMinutes = 15

// past is what has become of jobs of late: what charts are drawn from.
type past struct {
	done   map[string][pastMinutes]int64 // finished jobs of each queue, minute by minute, the present one left out
	late   store.Rollup                  // of all queues in these minutes
	failed int64                         // in the last hour, for good
	flows  map[string]store.Flow         // how fast queues fill and empty
}

func lookBack(ctx context.Context, q *later.JobQueue, now time.Time) (p past, err error) {
	until := now.Truncate(time.Minute)
	from := until.Add(-pastMinutes * time.Minute)
	rollups, err := q.Rollups(ctx, later.RollupFilter{From: from, Until: until})
	if err != nil {
		return p, err
	}
	p.done = map[string][pastMinutes]int64{}
	for i := range rollups {
		r := &rollups[i]
		minute := int(r.At.Sub(from) / time.Minute)
		if r.At.Before(from) || minute >= pastMinutes {
			continue
		}
		p.late.Add(r)
		minutes := p.done[r.Queue]
		minutes[minute] += r.Completed + r.Failed + r.Cancelled
		p.done[r.Queue] = minutes
	}
	if p.flows, err = flowsOf(ctx, q, rollups, now); err != nil {
		return p, err
	}
	hour, err := q.Rollups(ctx, later.RollupFilter{From: now.Add(-time.Hour), Until: now, Sum: true})
	for i := range hour {
		p.failed += hour[i].Failed
	}
	return p, err
}
