package engine

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// discardedTimeout bounds what a program does when a job of it has failed for good. It
// keeps a slot meanwhile, and Stop waiting.
const discardedTimeout = 10 * time.Second

// tellDiscarded runs in the slot of the attempt, before its outcome is stored: a
// process that dies in between performs the job again, and tells again.
func (e *Engine) tellDiscarded(h *held, d decision) {
	ctx, cancel := context.WithTimeout(e.base, discardedTimeout)
	defer cancel()
	job := concluding(h.job, d.Outcome)
	_, err := Protect(func() (struct{}, error) {
		h.handler.Discarded(ctx, &Run{Job: &h.job, engine: e}, job, d.err, d.exhausted)
		return struct{}{}, nil
	})
	if err != nil {
		e.log.Error("what was to be done about a failed job has failed itself",
			"job", job.ID, "type", job.Type, "error", err, "stack", stackOf(err))
	}
}

// concluding is a job as its outcome leaves it.
func concluding(job store.Job, o store.Outcome) store.Job {
	job.StartedAt, job.Error = o.StartedAt, o.Error
	switch o.Kind {
	case store.Complete:
		job.Status, job.Result, job.FinishedAt, job.Error = store.Completed, o.Result, o.FinishedAt, ""
	case store.Fail:
		job.Status, job.FinishedAt = store.Failed, o.FinishedAt
	case store.Cancel:
		job.Status, job.FinishedAt = store.Cancelled, o.FinishedAt
	case store.Retry:
		job.Status, job.NextRunAt = store.Retrying, o.RunAt
	case store.Postpone:
		job.Status, job.NextRunAt, job.Reason, job.Error = store.Scheduled, o.RunAt, o.Error, ""
		job.Attempt--
	case store.Release:
		job.Status = store.Pending
		job.Attempt--
	}
	return job
}
