package later

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// waitingStatuses are those of jobs that nobody has started, or not again.
var waitingStatuses = []JobStatus{StatusScheduled, StatusPending, StatusRetrying}

// Edit stores a job once more with other arguments, which are checked as Enqueue does, and
// with other options, such as Queue, where some are given, and returns the new job. One that still waits is replaced: the old one is cancelled, saying
// so, and the new one takes its time. What has finished stays as it is, and the new job is
// pending. ErrConflict: the job runs, or another one holds the unique key of the new one.
//
// A process that dies between the two steps leaves the old job cancelled.
func (q *JobQueue) Edit(ctx context.Context, id int64, args json.RawMessage, changed ...CallOption) (Job, error) {
	job, err := q.Get(ctx, id)
	if err != nil {
		return Job{}, err
	}
	if job.Status == StatusRunning || job.Status == StatusBlocked {
		return Job{}, fmt.Errorf("%w: cannot edit job %d: it is %s", ErrConflict, id, job.Status)
	}
	opts, err := sameOptions(job)
	if err != nil {
		return Job{}, fmt.Errorf("edit job %d: %w", id, err)
	}
	call, err := q.callByName(ctx, job.Type, args, append(opts, changed...))
	if err == nil {
		err = call.check(q.cfg.MaxArgs)
	}
	if err != nil {
		return Job{}, fmt.Errorf("edit job %d: %w", id, err)
	}
	if job.Options != nil {
		call.carried = maps.Clone(job.Options.Carried)
	}
	if !slices.Contains(waitingStatuses, job.Status) {
		return q.enqueueEdited(ctx, id, call)
	}
	return q.replaceEdited(ctx, job, call)
}

// sameOptions are the options that a job was enqueued with.
func sameOptions(job Job) ([]CallOption, error) {
	opts := []CallOption{
		Queue(job.Queue), Priority(job.Priority), User(job.UserID), Target(job.TargetID), Tags(job.Tags...), MaxRetries(job.MaxRetries),
	}
	if job.Timeout > 0 {
		opts = append(opts, Timeout(job.Timeout))
	}
	if slices.Contains(waitingStatuses, job.Status) && !job.NextRunAt.IsZero() {
		opts = append(opts, At(job.NextRunAt))
	}
	if o := job.Options; o != nil && slices.Contains(waitingStatuses, job.Status) {
		if !o.StartBy.IsZero() {
			opts = append(opts, StartBy(o.StartBy))
		}
		if !o.FinishBy.IsZero() {
			opts = append(opts, FinishBy(o.FinishBy))
		}
	}
	if len(job.Metadata) > 0 {
		metadata := map[string]any{}
		decoder := json.NewDecoder(bytes.NewReader(job.Metadata))
		decoder.UseNumber()
		if err := decoder.Decode(&metadata); err != nil {
			return nil, fmt.Errorf("its metadata: %w", err)
		}
		opts = append(opts, Metadata(metadata))
	}
	return opts, nil
}

// replaceEdited cancels a job that waits, unless it has been started meanwhile, and
// enqueues the one in its place.
func (q *JobQueue) replaceEdited(ctx context.Context, job Job, call Call) (Job, error) {
	n, err := q.CancelAll(ctx, Filter{IDs: []int64{job.ID}, Status: waitingStatuses}, "edited: stored again with other arguments")
	if err != nil {
		return Job{}, fmt.Errorf("edit job %d: %w", job.ID, err)
	}
	if n == 0 {
		return Job{}, fmt.Errorf("%w: cannot edit job %d: it has been started or cancelled meanwhile", ErrConflict, job.ID)
	}
	edited, err := q.enqueueEdited(ctx, job.ID, call)
	if err == nil {
		return edited, nil
	}
	back := q.Retry(context.WithoutCancel(ctx), job.ID)
	if back == nil && !job.NextRunAt.IsZero() {
		back = q.Reschedule(context.WithoutCancel(ctx), job.ID, job.NextRunAt)
	}
	return Job{}, errors.Join(err, back)
}

func (q *JobQueue) enqueueEdited(ctx context.Context, id int64, call Call) (Job, error) {
	edited, err := enqueueOne(ctx, q, call)
	switch {
	case err != nil:
		return Job{}, fmt.Errorf("edit job %d: %w", id, err)
	case edited.Deduplicated && edited.ID != id:
		return Job{}, fmt.Errorf("%w: edit job %d: job %d holds the unique key", ErrConflict, id, edited.ID)
	case edited.Deduplicated:
		return Job{}, fmt.Errorf("%w: edit job %d: it keeps its unique key for a while yet", ErrConflict, id)
	}
	return edited, nil
}
