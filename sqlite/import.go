package sqlite

import (
	"context"
	"fmt"

	"github.com/laterjobs/later/store"
)

// Import stores whole jobs of another store.
func (s *Store) Import(ctx context.Context, records []store.Record) error {
	if len(records) == 0 {
		return ctx.Err()
	}
	i := &importing{}
	r := &request{rank: rankControl, durable: true, run: i.run}
	for _, record := range records {
		i.records = append(i.records, record.AtRest())
		i.highest = max(i.highest, record.Job.ID, record.Position)
		r.size += rowSize + len(record.Job.Args) + len(record.Job.Metadata) + len(record.Job.Result) + rowSize*(len(record.Attempts)+len(record.Log)+len(record.Steps))
	}
	return s.do(ctx, r)
}

// importing is one Import under way.
type importing struct {
	records []store.Record // at rest
	highest int64          // of their ids and positions

	jobs, progress, logs, keys, steps rows
	moves                             moves
}

func (i *importing) run(s *session) error {
	i.jobs, i.progress, i.logs, i.keys, i.steps, i.moves = rows{}, rows{}, rows{}, rows{}, rows{}, moves{}
	if _, err := s.exec("raise_numbers", i.highest); err != nil {
		return err
	}
	known, err := i.known(s)
	if err != nil {
		return err
	}
	for _, record := range i.records {
		if known[record.Job.ID] {
			continue
		}
		known[record.Job.ID] = true
		if err := i.add(record); err != nil {
			return err
		}
	}
	for name, r := range map[string]*rows{"insert_jobs": &i.jobs, "import_keys": &i.keys, "import_progress": &i.progress, "import_logs": &i.logs, "save_steps": &i.steps} {
		if err := s.execRows(name, r); err != nil {
			return err
		}
	}
	return i.moves.apply(s)
}

// known tells which jobs exist already.
func (i *importing) known(s *session) (map[int64]bool, error) {
	list := make([]int64, len(i.records))
	for n, record := range i.records {
		list[n] = record.Job.ID
	}
	found, err := s.list("known_jobs", ids(list))
	known := make(map[int64]bool, len(found))
	for _, id := range found {
		known[id] = true
	}
	return known, err
}

func (i *importing) add(record store.Record) error {
	job := record.Job
	i.jobs.next()
	i.jobs.int(job.ID)
	writeJob(&i.jobs, &enqueuing{now: job.QueuedAt, job: store.NewJob{
		Type: job.Type, Queue: job.Queue, Priority: job.Priority, Args: job.Args, Metadata: job.Metadata, Options: job.Options,
		UserID: job.UserID, TargetID: job.TargetID, Tags: job.Tags,
		MaxRetries: job.MaxRetries, Timeout: job.Timeout, RunAt: job.ScheduledAt,
	}})
	if unique := job.Options.UniqueKey(); unique != nil && record.HoldsKey {
		writeKey(&i.keys, job.ID, job.Type, unique, job.QueuedAt)
	}
	if p := job.Progress; !p.At.IsZero() {
		i.progress.next()
		i.progress.int(job.ID).int(p.Done).int(p.Total).text(p.Message).time(p.At)
	}
	for _, line := range record.Log {
		i.logs.next()
		i.logs.int(job.ID).int(int64(line.Attempt)).int(line.At.UnixMicro()).text(line.Level).text(line.Message).raw(line.Attrs)
	}
	for _, step := range record.Steps {
		writeStep(&i.steps, job.ID, step)
	}
	for _, a := range record.Attempts {
		// Tokens do not travel: nobody can have a claim of another store.
		claim := placed{id: job.ID, process: a.ProcessID}
		i.moves.record(claim, a.Outcome, int64(a.Number), a.StartedAt, a.FinishedAt, a.Error, a.Stack, a.RuleRetries, int64(a.Cause))
	}
	return i.place(record)
}

// place sends a job where its status says.
func (i *importing) place(record store.Record) error {
	job := record.Job
	to := placed{
		id: job.ID, queue: job.Queue, jobType: job.Type, priority: int64(job.Priority), position: record.Position,
		attempt: int64(job.Attempt), crashes: int64(job.Crashes), process: job.ProcessID, cause: int64(job.Cause),
	}
	end := ending{startedAt: job.StartedAt, finishedAt: job.FinishedAt, result: job.Result, error: job.Error}
	switch job.Status {
	case store.Pending:
		i.moves.toReady(to)
	case store.Retrying:
		i.moves.toWaiting(to, waitsRetrying, job.NextRunAt, "")
	case store.Scheduled:
		kind := waitsScheduled
		if job.Reason != "" {
			kind = waitsPostponed
		}
		i.moves.toWaiting(to, kind, job.NextRunAt, job.Reason)
	case store.Completed, store.Failed, store.Cancelled:
		end.status = numberOf[job.Status]
		i.moves.toFinished(to, end)
	default:
		return fmt.Errorf("%w: job %d cannot be imported: no job is kept as %q", store.ErrConflict, job.ID, job.Status)
	}
	return nil
}
