package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// Get returns one job.
func (s *Store) Get(ctx context.Context, id int64) (store.Job, error) {
	var jobs []store.Job
	err := s.readOnce(ctx, func(r *session) (err error) {
		jobs, err = readJobs(r, []int64{id})
		return err
	})
	switch {
	case err != nil:
		return store.Job{}, err
	case len(jobs) == 0:
		return store.Job{}, store.ErrNotFound
	}
	return jobs[0], nil
}

// readJobs reads whole jobs in the order of the ids.
func readJobs(s *session, list []int64) ([]store.Job, error) {
	jobs := make([]store.Job, 0, len(list))
	err := s.query("jobs", func(r row) error {
		job, err := scanJob(r)
		jobs = append(jobs, job)
		return err
	}, list)
	return jobs, err
}

// wholeRow is a row of the query jobs: the columns of each place, of which one
// is filled.
type wholeRow struct {
	jobRow
	status                                 pgtype.Int2
	fAttempt, fCrashes, fProcess           pgtype.Int8
	fStarted, fFinished                    pgtype.Timestamptz
	result                                 []byte
	fError                                 pgtype.Text
	cause                                  int64
	runAt                                  pgtype.Timestamptz
	kind                                   pgtype.Int2
	reason                                 pgtype.Text
	wAttempt, wCrashes, rAttempt, rCrashes pgtype.Int8
	token, cProcess                        pgtype.Int8
	claimedAt                              pgtype.Timestamptz
	cAttempt, cCrashes                     pgtype.Int8
	cancel                                 bool
	progress                               progressRow
	lastError                              pgtype.Text
	lastProcess                            pgtype.Int8
	lastStarted                            pgtype.Timestamptz
}

func scanJob(r row) (store.Job, error) {
	var row wholeRow
	var job store.Job
	columns := append(append([]any{&job.ID}, row.asked(&job)...),
		&row.status, &row.fAttempt, &row.fCrashes, &row.fProcess, &row.fStarted, &row.fFinished, &row.result, &row.fError, &row.cause,
		&row.runAt, &row.kind, &row.reason, &row.wAttempt, &row.wCrashes,
		&row.rAttempt, &row.rCrashes,
		&row.token, &row.cProcess, &row.claimedAt, &row.cAttempt, &row.cCrashes, &row.cancel,
		&row.progress.done, &row.progress.total, &row.progress.message, &row.progress.at,
		&row.lastError, &row.lastProcess, &row.lastStarted)
	if err := r.Scan(columns...); err != nil {
		return job, err
	}
	row.finish(&job)
	job.Error, job.ProcessID, job.StartedAt = row.lastError.String, row.lastProcess.Int64, timeOf(row.lastStarted)
	job.Progress = row.progress.progress()
	row.place(&job)
	if job.Status == store.Failed || job.Status == store.Retrying {
		job.Cause = store.CauseID(row.cause)
	}
	return job, nil
}

// place fills in what the place of the job says.
func (row *wholeRow) place(job *store.Job) {
	switch {
	case row.status.Valid:
		job.Status = finishedStatuses[row.status.Int16]
		job.Attempt, job.Crashes = int(row.fAttempt.Int64), int(row.fCrashes.Int64)
		job.ProcessID, job.StartedAt, job.FinishedAt = row.fProcess.Int64, timeOf(row.fStarted), timeOf(row.fFinished)
		job.Result, job.Error = row.result, row.fError.String
	case row.runAt.Valid:
		job.Status, job.NextRunAt = store.Scheduled, timeOf(row.runAt)
		if row.kind.Int16 == waitsRetrying {
			job.Status = store.Retrying
		}
		job.Reason = row.reason.String
		job.Attempt, job.Crashes = int(row.wAttempt.Int64), int(row.wCrashes.Int64)
	case row.claimedAt.Valid:
		job.Status, job.Token, job.CancelRequested = store.Running, row.token.Int64, row.cancel
		job.ProcessID, job.StartedAt = row.cProcess.Int64, timeOf(row.claimedAt)
		job.Attempt, job.Crashes = int(row.cAttempt.Int64)+1, int(row.cCrashes.Int64)
	default:
		job.Status = store.Pending
		job.Attempt, job.Crashes = int(row.rAttempt.Int64), int(row.rCrashes.Int64)
	}
}

// Attempts returns the recorded attempts of a job, oldest first.
func (s *Store) Attempts(ctx context.Context, jobID int64) ([]store.Attempt, error) {
	var attempts []store.Attempt
	err := s.readOnce(ctx, func(r *session) error {
		attempts = nil
		return r.query("attempts", func(r row) error {
			a, err := scanAttempt(r)
			attempts = append(attempts, a)
			return err
		}, jobID)
	})
	return attempts, err
}

func scanAttempt(r row) (a store.Attempt, err error) {
	var started, finished pgtype.Timestamptz
	var text, stack pgtype.Text
	var retries []byte
	err = r.Scan(&a.JobID, &a.Number, &a.Outcome, &a.ProcessID, &started, &finished, &text, &stack, &retries, (*int64)(&a.Cause))
	a.StartedAt, a.FinishedAt, a.Error, a.Stack = timeOf(started), timeOf(finished), text.String, stack.String
	a.RuleRetries = store.RetriesOf(retries)
	return a, err
}

// Log returns what a job has logged, oldest first.
func (s *Store) Log(ctx context.Context, jobID int64) ([]store.LogLine, error) {
	var lines []store.LogLine
	err := s.readOnce(ctx, func(r *session) error {
		lines = nil
		return r.query("log", func(r row) error {
			line, err := scanLine(r)
			lines = append(lines, line)
			return err
		}, jobID)
	})
	return lines, err
}

func scanLine(r row) (line store.LogLine, err error) {
	var at pgtype.Timestamptz
	var attrs []byte
	err = r.Scan(&line.JobID, &line.Attempt, &at, &line.Level, &line.Message, &attrs)
	line.At, line.Attrs = timeOf(at), attrs
	return line, err
}

// Types returns what processes have published, by name.
func (s *Store) Types(ctx context.Context) ([]store.JobType, error) {
	var types []store.JobType
	err := s.readOnce(ctx, func(r *session) error {
		types = nil
		return r.query("job_types", func(r row) error {
			var t store.JobType
			var timeout, startWithin, finishWithin int64
			var schema, unique []byte
			var seen pgtype.Timestamptz
			err := r.Scan(&t.Name, &t.Description, &t.Queue, &t.Priority, &t.MaxRetries, &timeout, &schema, &seen, &startWithin, &finishWithin, &unique)
			t.Timeout, t.Schema, t.SeenAt = time.Duration(timeout)*time.Microsecond, schema, timeOf(seen)
			t.StartWithin, t.FinishWithin = time.Duration(startWithin)*time.Microsecond, time.Duration(finishWithin)*time.Microsecond
			t.Unique = store.UniqueRuleOf(unique)
			types = append(types, t)
			return err
		})
	})
	return types, err
}

// Processes returns the processes that work on the store, oldest first. It uses the
// connection of the heartbeat: whoever watches the others must not wait for handlers.
func (s *Store) Processes(ctx context.Context) ([]store.Process, error) {
	var processes []store.Process
	err := s.live(ctx, func(ctx context.Context, conn *pgx.Conn) error {
		processes = nil
		return s.own(ctx, conn).query("processes", func(r row) error {
			var p store.Process
			var beatAt, started pgtype.Timestamptz
			var queues, performs []byte
			var ahead int64
			if err := r.Scan(&p.ID, &p.Beat, &beatAt, &p.State, &p.Host, &p.PID, &p.Version, &started, &queues, &p.Slots, &performs, &ahead); err != nil {
				return err
			}
			p.ClockAhead = time.Duration(ahead) * time.Microsecond
			p.BeatAt, p.StartedAt = timeOf(beatAt), timeOf(started)
			p.Ended = s.locks.Ended(p.Host, p.ID)
			if queues != nil {
				_ = json.Unmarshal(queues, &p.Queues) // what somebody wrote by hand must not hide who lives
			}
			if performs != nil {
				_ = json.Unmarshal(performs, &p.Performs)
			}
			processes = append(processes, p)
			return nil
		})
	})
	return processes, err
}
