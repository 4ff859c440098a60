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
	lists := make([][]enqueuing, len(requests))
	for i, r := range requests {
		lists[i] = r.jobs
	}
	return insertJobs(s, lists...)
}

// insertJobs stores jobs under numbers that rise in their order. The numbers are not read
// but told by the statement that uses them.
func insertJobs(s *session, lists ...[]enqueuing) error {
	count := 0
	for _, list := range lists {
		count += len(list)
	}
	s.wake.Work = true
	if count == 1 {
		return insertJob(s, &slices.Concat(lists...)[0])
	}
	if _, err := s.exec("draw_numbers", count); err != nil {
		return err
	}
	r := borrowRows(columnsOfJob * count)
	defer r.giveBack()
	for _, list := range lists {
		for i := range list {
			r.next()
			writeJob(&r, &list[i])
		}
	}
	last, err := s.insertRows("insert_new_jobs", &r, count)
	if err != nil {
		return err
	}
	first := last - int64(count) + 1
	scheduled := tell(lists, first)
	if scheduled > 0 {
		if _, err := s.exec("wait_new", first, last); err != nil {
			return err
		}
	}
	if scheduled < count {
		if _, err := s.exec("line_up_new", first, last); err != nil {
			return err
		}
	}
	return nil
}

// insertJob is insertJobs for one, without JSON and without writing down its number: the
// job has it.
func insertJob(s *session, e *enqueuing) error {
	r := borrowRows(columnsOfJob)
	defer r.giveBack()
	r.next()
	writeJob(&r, e)
	values := make([]any, 0, columnsOfJob)
	for _, c := range r.cells {
		values = append(values, c.value())
	}
	id, err := s.insert("insert_job", values...)
	if err != nil {
		return err
	}
	if e.stored(id) {
		_, err = s.exec("wait_new", id, id)
	} else {
		_, err = s.exec("line_up_job", id, e.job.Queue, e.job.Type, e.job.Priority)
	}
	return err
}

// tell answers for jobs with the numbers from first on, and counts those that wait for
// their time.
func tell(lists [][]enqueuing, first int64) (scheduled int) {
	id := first
	for _, list := range lists {
		for i := range list {
			if list[i].stored(id) {
				scheduled++
			}
			id++
		}
	}
	return scheduled
}

// stored answers that the job has that number, and reports whether it waits for its time.
func (e *enqueuing) stored(id int64) (waits bool) {
	*e.answer = store.Enqueued{ID: id, Status: store.Pending, QueuedAt: micro(e.now)}
	if waits = isLater(e.job.RunAt, e.now); waits {
		e.answer.Status = store.Scheduled
	}
	return waits
}

// columnsOfJob is how many cells writeJob adds.
const columnsOfJob = 13

// writeJob adds what is stored of a job but its number.
func writeJob(r *rows, e *enqueuing) {
	job := &e.job
	r.text(job.Type).text(job.Queue).int(int64(job.Priority)).text(string(job.Args))
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
