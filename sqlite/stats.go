package sqlite

import (
	"context"
	"database/sql"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/tally"
	"github.com/laterjobs/later/store"
)

// Stats counts jobs. The history is counted as it grows, not here.
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	var c counting
	if err := s.read(ctx, c.run); err != nil {
		return store.Stats{}, err
	}
	return c.Stats(), nil
}

type counting struct{ tally.Tally }

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
		c.Add(finishedStatuses[status], jobs)
		return err
	})
}

// line is the pending jobs of one queue, or the suspects among them.
type line struct{ queue, count, nextHead string }

func (c *counting) ready(s *session) error {
	lines, err := allLines(s)
	if err != nil {
		return err
	}
	queues := 0
	for i, l := range lines {
		if i == 0 || l.queue != lines[i-1].queue {
			queues++
		}
	}
	for _, l := range lines {
		if err := c.line(s, l, tally.Each(queues)); err != nil {
			return err
		}
	}
	return nil
}

// allLines are the lines that have something ready, by the names of their queues.
func allLines(s *session) (lines []line, err error) {
	for suspects, of := range map[bool]line{
		false: {count: "count_ready", nextHead: "next_head"},
		true:  {count: "count_suspects", nextHead: "next_head_of_suspects"},
	} {
		queues, err := readyQueues(s, suspects)
		if err != nil {
			return nil, err
		}
		for _, of.queue = range queues {
			lines = append(lines, of)
		}
	}
	slices.SortFunc(lines, func(a, b line) int { return strings.Compare(a.queue, b.queue) })
	return lines, nil
}

func (c *counting) line(s *session, l line, most int64) error {
	var jobs int64
	var oldest, queuedAt sql.NullInt64
	err := s.query(l.count, func(r *sql.Rows) error { return r.Scan(&jobs, &oldest) }, l.queue, most)
	if err == nil && jobs >= most {
		oldest.Int64, err = oldestHead(s, l, oldest.Int64)
	}
	if err == nil {
		err = s.query("queued_at", func(r *sql.Rows) error { return r.Scan(&queuedAt) }, oldest.Int64)
	}
	c.Pending(l.queue, jobs, most, timeOf(queuedAt))
	return err
}

// oldestHead is the first job by id of one and those that stand first in each priority.
func oldestHead(s *session, l line, oldest int64) (int64, error) {
	priority, before := int64(math.MaxInt64), int64(0)
	for before != priority {
		before = priority
		err := s.query(l.nextHead, func(r *sql.Rows) error {
			var id int64
			err := r.Scan(&id, &priority)
			oldest = min(oldest, id)
			return err
		}, l.queue, before)
		if err != nil {
			return 0, err
		}
	}
	return oldest, nil
}

func (c *counting) claimed(s *session) error {
	return s.query("claimed_per_queue", func(r *sql.Rows) error {
		var name string
		var jobs int64
		err := r.Scan(&name, &jobs)
		c.Running(name, jobs)
		return err
	}, store.CountedTo)
}

func (c *counting) waiting(s *session) error {
	return s.query("waiting_per_queue", func(r *sql.Rows) error {
		var name string
		var retrying bool
		var jobs int64
		err := r.Scan(&name, &retrying, &jobs)
		if retrying {
			c.Waiting(name, store.Retrying, jobs)
		} else {
			c.Waiting(name, store.Scheduled, jobs)
		}
		return err
	}, store.CountedTo)
}

func (c *counting) paused(s *session) error {
	return s.query("paused", func(r *sql.Rows) error {
		var name, reason, person string
		var at sql.NullInt64
		err := r.Scan(&name, &at, &reason, &person)
		q := c.Queue(name)
		q.PausedAt, q.PauseReason, q.PausedBy = timeOf(at), reason, person
		return err
	})
}

// Arrivals counts the jobs that were enqueued of late.
func (s *Store) Arrivals(ctx context.Context, now time.Time) (store.Arrivals, error) {
	now = orNow(now)
	var looked []store.Arrived
	err := s.read(ctx, func(s *session) error {
		looked = nil
		return s.query("arrivals", func(r *sql.Rows) error {
			var one store.Arrived
			var micros int64
			err := r.Scan(&one.Queue, &micros, &one.Jobs, &one.Lowest)
			one.Age = time.Duration(micros) * time.Microsecond
			looked = append(looked, one)
			return err
		}, now.UnixMicro(), store.ArrivalsSpan.Microseconds(), int64(store.ArrivalsJobs))
	})
	return store.ArrivalsOf(looked), err
}
