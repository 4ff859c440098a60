package sqlite

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// enqueuing is a job on its way in, and the place for the answer.
type enqueuing struct {
	job    store.NewJob
	now    time.Time
	answer *store.Enqueued
}

// Enqueue stores jobs in one statement and returns after the commit.
func (s *Store) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if len(jobs) == 0 {
		return nil, ctx.Err()
	}
	answers, jobsIn, size := prepareEnqueue(jobs, orNow(now))
	if hasKey(jobs) {
		if err := s.enqueueUnique(ctx, &uniquely{jobs: jobsIn, now: jobsIn[0].now}, size); err != nil {
			return nil, err
		}
		return answers, nil
	}
	r := &request{rank: rankEnqueue, durable: true, jobs: jobsIn, size: size}
	if err := s.do(ctx, r); err != nil {
		return nil, err
	}
	return answers, nil
}

// rowSize is roughly what one job adds to the write-ahead log, without its
// arguments.
const rowSize = 600

func prepareEnqueue(jobs []store.NewJob, now time.Time) ([]store.Enqueued, []enqueuing, int) {
	answers := make([]store.Enqueued, len(jobs))
	jobsIn := make([]enqueuing, len(jobs))
	size := 0
	for i, job := range jobs {
		jobsIn[i] = enqueuing{job, now, &answers[i]}
		size += rowSize + len(job.Args) + len(job.Metadata)
	}
	return answers, jobsIn, size
}

// enqueueAll stores the jobs of several requests in one statement.
func enqueueAll(s *session, requests []*request) error {
	var jobs []enqueuing
	for _, r := range requests {
		jobs = append(jobs, r.jobs...)
	}
	return insertJobs(s, jobs)
}

func insertJobs(s *session, jobs []enqueuing) error {
	first, err := s.numbers(len(jobs))
	if err != nil {
		return err
	}
	last := first + int64(len(jobs)) - 1
	r := rows{cells: make([]cell, 0, columnsOfJob*len(jobs))}
	scheduled := 0
	for i, e := range jobs {
		r.next()
		writeJob(&r, first+int64(i), e)
		*e.answer = store.Enqueued{ID: first + int64(i), Status: store.Pending, QueuedAt: micro(e.now)}
		if isLater(e.job.RunAt, e.now) {
			e.answer.Status = store.Scheduled
			scheduled++
		}
	}
	if err := s.execRows("insert_jobs", &r); err != nil {
		return err
	}
	if scheduled > 0 {
		if _, err := s.exec("wait_new", first, last); err != nil {
			return err
		}
	}
	if scheduled < len(jobs) {
		if _, err := s.exec("line_up_new", first, last); err != nil {
			return err
		}
	}
	s.wake.Work = true
	return nil
}

// columnsOfJob is how many cells writeJob adds.
const columnsOfJob = 14

func writeJob(r *rows, id int64, e enqueuing) {
	job := e.job
	r.int(id).text(job.Type).text(job.Queue).int(int64(job.Priority)).text(string(job.Args))
	r.raw(job.Metadata).optional(job.UserID).optional(job.TargetID)
	if len(job.Tags) == 0 {
		r.null()
	} else {
		r.text(texts(job.Tags))
	}
	r.int(int64(job.MaxRetries)).int(job.Timeout.Microseconds()).time(e.now).time(job.RunAt).optional(job.Options.Text())
}

// isLater compares as the database does.
func isLater(t, now time.Time) bool { return !t.IsZero() && t.UnixMicro() > now.UnixMicro() }

// micro is a time as the database keeps it.
func micro(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

// orNow is the clock of the database, which is the program's.
func orNow(now time.Time) time.Time {
	if now.IsZero() {
		return time.Now()
	}
	return now
}

// sortedIDs returns ids in rising order, each once.
func sortedIDs(list []int64) []int64 {
	slices.Sort(list)
	return slices.Compact(list)
}
