// Package tally adds up what the statistics of a store tell, and says how far to count.
package tally

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// What all queues are counted to together, as long as they are so few that each is
// counted to least. A page must not become slow because there are many queues.
const (
	together = 50_000
	least    = 100
)

// Each is how far to count the pending jobs of each of so many queues.
func Each(queues int) int64 {
	return int64(max(least, min(store.CountedTo, together/max(queues, 1))))
}

// Tally is statistics under construction. The zero value is empty.
type Tally struct {
	counts map[store.JobStatus]int64
	more   map[store.JobStatus]bool
	queues map[string]*store.QueueStats
}

// Queue is what is known of a queue so far.
func (t *Tally) Queue(name string) *store.QueueStats {
	if t.queues == nil {
		t.queues = map[string]*store.QueueStats{}
	}
	if t.queues[name] == nil {
		t.queues[name] = &store.QueueStats{Name: name}
	}
	return t.queues[name]
}

// Add adds jobs of a status.
func (t *Tally) Add(status store.JobStatus, jobs int64) {
	if t.counts == nil {
		t.counts = map[store.JobStatus]int64{}
	}
	t.counts[status] += jobs
}

// Pending adds jobs of a queue that were counted to most, those that were queued first
// at the given time.
func (t *Tally) Pending(name string, jobs, most int64, oldest time.Time) {
	q := t.Queue(name)
	before := q.Pending
	q.Pending = min(q.Pending+jobs, most)
	t.Add(store.Pending, q.Pending-before)
	if q.Pending >= most {
		q.PendingMore = true
		t.atLeast(store.Pending)
	}
	if !oldest.IsZero() && (q.Oldest.IsZero() || oldest.Before(q.Oldest)) {
		q.Oldest = oldest
	}
}

// Running adds jobs of a queue.
func (t *Tally) Running(name string, jobs int64) {
	t.Queue(name).Running += jobs
	t.Add(store.Running, jobs)
}

// Waiting adds jobs of a queue.
func (t *Tally) Waiting(name string, status store.JobStatus, jobs int64) {
	t.Queue(name).Scheduled += jobs
	t.Add(status, jobs)
}

func (t *Tally) atLeast(status store.JobStatus) {
	if t.more == nil {
		t.more = map[store.JobStatus]bool{}
	}
	t.more[status] = true
}

// Stats are the statistics. Those who run and those who wait have been counted to
// store.CountedTo each, over all queues.
func (t *Tally) Stats() store.Stats {
	stats := store.Stats{Counts: map[store.JobStatus]int64{}, Queues: []store.QueueStats{}}
	for _, status := range store.Statuses {
		stats.Counts[status] = t.counts[status]
	}
	moreRun := stats.Counts[store.Running] >= store.CountedTo
	moreWait := stats.Counts[store.Scheduled]+stats.Counts[store.Retrying] >= store.CountedTo
	if moreRun {
		t.atLeast(store.Running)
	}
	if moreWait {
		t.atLeast(store.Scheduled)
		t.atLeast(store.Retrying)
	}
	stats.More = t.more
	for _, q := range slices.SortedFunc(maps.Values(t.queues), func(a, b *store.QueueStats) int { return cmp.Compare(a.Name, b.Name) }) {
		q.RunningMore, q.ScheduledMore = moreRun, moreWait
		stats.Queues = append(stats.Queues, *q)
	}
	return stats
}
