package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/internal/tally"
	"github.com/laterjobs/later/store"
)

// Stats counts jobs. The history is counted as it grows, not here.
func (s *Store) Stats(ctx context.Context) (store.Stats, error) {
	var c counting
	err := s.read(ctx, func(s *session) error {
		c = counting{} // it may run again
		return c.run(s)
	})
	if err != nil {
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
	return s.query("counts", func(r row) error {
		var status int16
		var jobs int64
		err := r.Scan(&status, &jobs)
		c.Add(finishedStatuses[status], jobs)
		return err
	})
}

// lines are the pending jobs of queues, suspects apart from the others.
type lines struct {
	suspect []bool
	queue   []string
	jobs    []int64
	oldest  []int64 // ids
}

func (c *counting) ready(s *session) error {
	var all lines
	queues := map[string]bool{}
	err := s.query("ready_queues", func(r row) error {
		var suspect bool
		var queue string
		err := r.Scan(&suspect, &queue)
		queues[queue] = true
		all.suspect, all.queue = append(all.suspect, suspect), append(all.queue, queue)
		return err
	})
	if err != nil || len(queues) == 0 {
		return err
	}
	most := tally.Each(len(queues))
	if err := all.count(s, most); err != nil {
		return err
	}
	queuedAt := map[int64]pgtype.Timestamptz{}
	err = s.query("queued_at", func(r row) error {
		var id int64
		var at pgtype.Timestamptz
		err := r.Scan(&id, &at)
		queuedAt[id] = at
		return err
	}, all.oldest)
	for i, queue := range all.queue {
		c.Pending(queue, all.jobs[i], most, timeOf(queuedAt[all.oldest[i]]))
	}
	return err
}

func (l *lines) count(s *session, most int64) error {
	l.jobs, l.oldest = make([]int64, len(l.queue)), make([]int64, len(l.queue))
	err := s.query("count_ready", func(r row) error {
		var number, jobs int64
		var oldest pgtype.Int8
		err := r.Scan(&number, &jobs, &oldest)
		if err == nil {
			l.jobs[number-1], l.oldest[number-1] = jobs, oldest.Int64
		}
		return err
	}, l.suspect, l.queue, most)
	for i := 0; err == nil && i < len(l.queue); i++ {
		if l.jobs[i] < most {
			continue
		}
		err = s.query("oldest_head", func(r row) error {
			var oldest pgtype.Int8
			err := r.Scan(&oldest)
			if oldest.Valid {
				l.oldest[i] = min(l.oldest[i], oldest.Int64)
			}
			return err
		}, l.suspect[i], l.queue[i])
	}
	return err
}

func (c *counting) claimed(s *session) error {
	return s.query("claimed_per_queue", func(r row) error {
		var name string
		var jobs int64
		err := r.Scan(&name, &jobs)
		c.Running(name, jobs)
		return err
	}, store.CountedTo)
}

func (c *counting) waiting(s *session) error {
	return s.query("waiting_per_queue", func(r row) error {
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
	return s.query("paused", func(r row) error {
		var name, reason, person string
		var at pgtype.Timestamptz
		err := r.Scan(&name, &at, &reason, &person)
		q := c.Queue(name)
		q.PausedAt, q.PauseReason, q.PausedBy = timeOf(at), reason, person
		return err
	})
}

// Revision is the state of the server's transactions, those of other databases included.
func (s *Store) Revision(ctx context.Context) (revision string, err error) {
	err = s.readOnce(ctx, func(s *session) error {
		return s.query("revision", func(r row) error { return r.Scan(&revision) })
	})
	return revision, err
}

// Arrivals counts the jobs that were enqueued of late.
func (s *Store) Arrivals(ctx context.Context, now time.Time) (store.Arrivals, error) {
	now = s.orNow(now)
	var looked []store.Arrived
	err := s.readOnce(ctx, func(s *session) error {
		looked = nil
		return s.query("arrivals", func(r row) error {
			var one store.Arrived
			var micros int64
			err := r.Scan(&one.Queue, &micros, &one.Jobs, &one.Lowest)
			one.Age = time.Duration(micros) * time.Microsecond
			looked = append(looked, one)
			return err
		}, now, store.ArrivalsSpan.Microseconds(), int64(store.ArrivalsJobs))
	})
	return store.ArrivalsOf(looked), err
}
