package dashboard

import (
	"strconv"

	"github.com/laterjobs/later/store"
)

// flows tells of queues how fast they fill and empty. rollups are those of the last
// minutes, of the queues or of all.
func (b *board) flows(v *view, rows []queueRow, rollups []store.Rollup) error {
	arrivals, err := b.queue.Arrivals(v.context())
	if err != nil {
		return err
	}
	flows := store.Flows(arrivals, rollups, v.Now)
	for i := range rows {
		rows[i].Flow = flows[rows[i].Name]
		rows[i].EmptyIn = rows[i].Outlook(rows[i].QueueStats, coarse)
	}
	return nil
}

// InPerMinute is the rate in words.
func (q *queueRow) InPerMinute() string { return rate(q.In) }

// OutPerMinute is the rate in words.
func (q *queueRow) OutPerMinute() string { return rate(q.Out) }

// rate is a number with as many digits as say something.
func rate(perMinute float64) string {
	if perMinute > 0 && perMinute < 10 {
		return strconv.FormatFloat(perMinute, 'f', 1, 64)
	}
	return number(int64(perMinute + 0.5))
}
