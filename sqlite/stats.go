package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/laterjobs/later/store"
)

// Stats counts jobs. The history is counted as it grows, not here.
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	c := counting{counts: map[store.JobStatus]int64{}, queues: map[string]*store.QueueStats{}}
	for _, status := range store.Statuses {
		c.counts[status] = 0
	}
	if err := s.read(ctx, c.run); err != nil {
		return store.Stats{}, err
	}
	stats := store.Stats{Counts: c.counts, Queues: []store.QueueStats{}}
	for _, name := range slices.Sorted(maps.Keys(c.queues)) {
		stats.Queues = append(stats.Queues, *c.queues[name])
	}
	return stats, nil
}

type counting struct {
	counts map[store.JobStatus]int64
	queues map[string]*store.QueueStats
}

func (c *counting) queue(name string) *store.QueueStats {
	if c.queues[name] == nil {
		c.queues[name] = &store.QueueStats{Name: name}
	}
	return c.queues[name]
}

func (c *counting) run(s *session) error {
	for _, step := range []func(*session) error{c.finished, c.ready, c.claimed, c.waiting, c.paused} {
		if err := step(s); err != nil {
			return err
		}
	}
	return nil
}

func (c *counting) finished(s *session) error {
	return s.query("counts", func(r *sql.Rows) error {
		var status, jobs int64
		err := r.Scan(&status, &jobs)
		c.counts[finishedStatuses[status]] = jobs
		return err
	})
}

func (c *counting) ready(s *session) error {
	oldest := map[string]int64{}
	err := s.query("ready_per_queue", func(r *sql.Rows) error {
		var name string
		var jobs, first int64
		err := r.Scan(&name, &jobs, &first)
		c.queue(name).Pending = jobs
		c.counts[store.Pending] += jobs
		oldest[name] = first
		return err
	})
	if err != nil {
		return err
	}
	for name, id := range oldest {
		err := s.query("queued_at", func(r *sql.Rows) error {
			var at sql.NullInt64
			err := r.Scan(&at)
			c.queue(name).Oldest = timeOf(at)
			return err
		}, id)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *counting) claimed(s *session) error {
	return s.query("claimed_per_queue", func(r *sql.Rows) error {
		var name string
		var jobs int64
		err := r.Scan(&name, &jobs)
		c.queue(name).Running = jobs
		c.counts[store.Running] += jobs
		return err
	})
}

func (c *counting) waiting(s *session) error {
	return s.query("waiting_per_queue", func(r *sql.Rows) error {
		var name string
		var retrying bool
		var jobs int64
		err := r.Scan(&name, &retrying, &jobs)
		c.queue(name).Scheduled += jobs
		if retrying {
			c.counts[store.Retrying] += jobs
		} else {
			c.counts[store.Scheduled] += jobs
		}
		return err
	})
}

func (c *counting) paused(s *session) error {
	return s.query("paused", func(r *sql.Rows) error {
		var name, reason, person string
		var at sql.NullInt64
		err := r.Scan(&name, &at, &reason, &person)
		q := c.queue(name)
		q.PausedAt, q.PauseReason, q.PausedBy = timeOf(at), reason, person
		return err
	})
}
