package storetest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// Stats counts jobs.
func (r *Reference) Stats(ctx context.Context) (store.Stats, error) {
	if err := r.begin(ctx); err != nil {
		return store.Stats{}, err
	}
	defer r.mu.Unlock()
	c := referenceCount{counts: map[store.JobStatus]int64{}, more: map[store.JobStatus]bool{}, queues: map[string]*store.QueueStats{}}
	for _, status := range store.Statuses {
		c.counts[status] = 0
	}
	var unfinished []store.Job
	for _, k := range r.selected(func(*kept) bool { return true }) {
		if k.job.Status.Finished() {
			c.counts[k.job.Status]++
		} else {
			unfinished = append(unfinished, k.job)
		}
	}
	c.waiting(unfinished)
	c.running(unfinished)
	c.pending(unfinished)
	for name, p := range r.paused {
		q := c.queue(name)
		q.PausedAt, q.PauseReason, q.PausedBy = p.at, p.reason, p.person
	}
	return c.stats(), nil
}

// referenceCount counts jobs to store.CountedTo.
type referenceCount struct {
	counts map[store.JobStatus]int64
	more   map[store.JobStatus]bool
	queues map[string]*store.QueueStats
}

func (c *referenceCount) queue(name string) *store.QueueStats {
	if c.queues[name] == nil {
		c.queues[name] = &store.QueueStats{Name: name}
	}
	return c.queues[name]
}

func (c *referenceCount) waiting(jobs []store.Job) {
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j store.Job) bool { return !waits(j.Status) })
	slices.SortFunc(jobs, func(a, b store.Job) int {
		return cmp.Or(a.NextRunAt.Compare(b.NextRunAt), cmp.Compare(a.ID, b.ID))
	})
	for i, job := range jobs {
		if i == store.CountedTo {
			break
		}
		c.counts[job.Status]++
		c.queue(job.Queue).Scheduled++
	}
	if len(jobs) >= store.CountedTo {
		c.more[store.Scheduled], c.more[store.Retrying] = true, true
	}
}

func (c *referenceCount) running(jobs []store.Job) {
	for _, job := range jobs {
		if job.Status != store.Running {
			continue
		}
		if c.counts[store.Running]++; c.counts[store.Running] == store.CountedTo {
			c.more[store.Running] = true
		}
		c.queue(job.Queue).Running++
	}
}

// pending counts each queue as far as there is time for all of them. Jobs come by id.
func (c *referenceCount) pending(jobs []store.Job) {
	pending := map[string][]store.Job{}
	for _, job := range jobs {
		if job.Status == store.Pending {
			pending[job.Queue] = append(pending[job.Queue], job)
		}
	}
	most := max(100, min(store.CountedTo, 50_000/max(1, len(pending))))
	for name, jobs := range pending {
		q := c.queue(name)
		q.Oldest = jobs[0].QueuedAt
		q.Pending = int64(min(len(jobs), most))
		q.PendingMore = len(jobs) >= most
		c.counts[store.Pending] += q.Pending
		if q.PendingMore {
			c.more[store.Pending] = true
		}
	}
}

func (c *referenceCount) stats() store.Stats {
	stats := store.Stats{Counts: c.counts}
	if len(c.more) > 0 {
		stats.More = c.more
	}
	for _, name := range slices.Sorted(maps.Keys(c.queues)) {
		q := c.queues[name]
		q.RunningMore, q.ScheduledMore = c.more[store.Running], c.more[store.Scheduled]
		stats.Queues = append(stats.Queues, *q)
	}
	return stats
}

// Arrivals counts the jobs that were enqueued of late.
func (r *Reference) Arrivals(ctx context.Context, now time.Time) (store.Arrivals, error) {
	if err := r.begin(ctx); err != nil {
		return store.Arrivals{}, err
	}
	defer r.mu.Unlock()
	now = orNow(now)
	jobs := r.selected(func(*kept) bool { return true })
	var looked []store.Arrived
	for _, k := range jobs[max(0, len(jobs)-store.ArrivalsJobs):] {
		looked = append(looked, store.Arrived{Queue: k.job.Queue, Age: now.Sub(k.job.QueuedAt), Jobs: 1, Lowest: k.job.ID})
	}
	return store.ArrivalsOf(looked), nil
}
