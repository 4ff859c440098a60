package latercli

import (
	"context"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// queueFlow is a queue with how fast it fills and empties.
type queueFlow struct {
	later.QueueStats
	store.Flow
	EmptyIn string `json:"empty_in,omitempty"` // what waits now, at this rate
}

// flowsOf are those of all queues. rollups are those of the last minutes.
func flowsOf(ctx context.Context, q *later.JobQueue, rollups []store.Rollup, now time.Time) (map[string]store.Flow, error) {
	arrivals, err := q.Arrivals(ctx)
	return store.Flows(arrivals, rollups, now), err
}

// queueFlows reads them for queues.
func (a *app) queueFlows(ctx context.Context, q *later.JobQueue, queues []later.QueueStats) ([]queueFlow, error) {
	now := time.Now()
	rollups, err := q.Rollups(ctx, later.RollupFilter{From: now.Add(-10 * time.Minute), Until: now})
	if err != nil {
		return nil, err
	}
	flows, err := flowsOf(ctx, q, rollups, now)
	rows := make([]queueFlow, len(queues))
	for i, queue := range queues {
		rows[i] = queueFlow{queue, flows[queue.Name], flows[queue.Name].Outlook(queue, span)}
	}
	return rows, err
}
