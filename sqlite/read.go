package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/laterjobs/later/store"
)

// read runs fn over one snapshot of the database.
func (s *Store) read(ctx context.Context, fn func(*session) error) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	if err := s.files.check(); err != nil {
		return err
	}
	s.memory.RLock()
	defer s.memory.RUnlock()
	tx, err := s.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return classify(err)
	}
	reading := &reading{within: within{ctx, tx}, kept: &s.kept}
	err = classify(fn(&session{prepare: reading.statement}))
	_ = tx.Rollback() // it has only read
	s.kept.keep(ctx, reading.fresh)
	return err
}

// within runs statements in a transaction that is not the writer's.
type within struct {
	ctx context.Context
	tx  *sql.Tx
}

func (w within) statement(name string) (statement, error) {
	text, ok := queries[name]
	if !ok {
		text = name // built for a filter
	}
	return direct{w, text}, nil
}

// direct is a statement that is not kept.
type direct struct {
	within
	text string
}

func (d direct) ExecContext(_ context.Context, args ...any) (sql.Result, error) {
	return d.tx.ExecContext(d.ctx, d.text, args...)
}

func (d direct) QueryContext(_ context.Context, args ...any) (*sql.Rows, error) {
	return d.tx.QueryContext(d.ctx, d.text, args...)
}

// Get returns one job.
func (s *Store) Get(ctx context.Context, id int64) (store.Job, error) {
	var jobs []store.Job
	err := s.read(ctx, func(r *session) (err error) {
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
	err := s.query("jobs", func(r *sql.Rows) error {
		job, err := scanJob(r)
		jobs = append(jobs, job)
		return err
	}, ids(list))
	return jobs, err
}

// wholeRow is a row of the query jobs: the columns of each place, of which one
// is filled.
type wholeRow struct {
	jobRow
	status, fAttempt, fCrashes, fProcess, fStarted, fFinished sql.NullInt64
	result, fError                                            sql.NullString
	runAt, kind                                               sql.NullInt64
	reason                                                    sql.NullString
	wAttempt, wCrashes, rAttempt, rCrashes                    sql.NullInt64
	token, cProcess, claimedAt, cAttempt, cCrashes            sql.NullInt64
	cancel                                                    bool
	progress                                                  progressRow
	lastError                                                 sql.NullString
	lastProcess, lastStarted                                  sql.NullInt64
}

func scanJob(r *sql.Rows) (store.Job, error) {
	var row wholeRow
	var job store.Job
	var cause int64
	columns := append(row.asked(&job),
		&row.status, &row.fAttempt, &row.fCrashes, &row.fProcess, &row.fStarted, &row.fFinished, &row.result, &row.fError, &cause,
		&row.runAt, &row.kind, &row.reason, &row.wAttempt, &row.wCrashes,
		&row.rAttempt, &row.rCrashes,
		&row.token, &row.cProcess, &row.claimedAt, &row.cAttempt, &row.cCrashes, &row.cancel,
		&row.progress.done, &row.progress.total, &row.progress.message, &row.progress.at,
		&row.lastError, &row.lastProcess, &row.lastStarted)
	if err := r.Scan(columns...); err != nil {
		return job, err
	}
	job = row.finish(job)
	job.Args = valid(job.Args)
	job.Error, job.ProcessID, job.StartedAt = row.lastError.String, row.lastProcess.Int64, timeOf(row.lastStarted)
	job.Progress = row.progress.progress()
	row.place(&job)
	if job.Status == store.Failed || job.Status == store.Retrying {
		job.Cause = store.CauseID(cause)
	}
	return job, nil
}

// place fills in what the place of the job says.
func (row *wholeRow) place(job *store.Job) {
	switch {
	case row.status.Valid:
		job.Status = finishedStatuses[row.status.Int64]
		job.Attempt, job.Crashes = int(row.fAttempt.Int64), int(row.fCrashes.Int64)
		job.ProcessID, job.StartedAt, job.FinishedAt = row.fProcess.Int64, timeOf(row.fStarted), timeOf(row.fFinished)
		job.Result, job.Error = rawOf(row.result), row.fError.String
	case row.runAt.Valid:
		job.Status, job.NextRunAt = store.Scheduled, timeOf(row.runAt)
		if row.kind.Int64 == waitsRetrying {
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
	err := s.read(ctx, func(r *session) error {
		return r.query("attempts", func(r *sql.Rows) error {
			a, err := scanAttempt(r)
			attempts = append(attempts, a)
			return err
		}, jobID)
	})
	return attempts, err
}

func scanAttempt(r *sql.Rows) (a store.Attempt, err error) {
	var started, finished sql.NullInt64
	var text, stack, retries sql.NullString
	err = r.Scan(&a.JobID, &a.Number, &a.Outcome, &a.ProcessID, &started, &finished, &text, &stack, &retries, (*int64)(&a.Cause))
	a.StartedAt, a.FinishedAt, a.Error, a.Stack = timeOf(started), timeOf(finished), text.String, stack.String
	a.RuleRetries = store.RetriesOf([]byte(retries.String))
	return a, err
}

// Log returns what a job has logged, oldest first.
func (s *Store) Log(ctx context.Context, jobID int64) ([]store.LogLine, error) {
	var lines []store.LogLine
	err := s.read(ctx, func(r *session) error {
		return r.query("log", func(r *sql.Rows) error {
			line, err := scanLine(r)
			lines = append(lines, line)
			return err
		}, jobID)
	})
	return lines, err
}

func scanLine(r *sql.Rows) (line store.LogLine, err error) {
	var at sql.NullInt64
	var attrs sql.NullString
	err = r.Scan(&line.JobID, &line.Attempt, &at, &line.Level, &line.Message, &attrs)
	line.At, line.Attrs = timeOf(at), rawOf(attrs)
	return line, err
}

// Types returns what processes have published, by name.
func (s *Store) Types(ctx context.Context) ([]store.JobType, error) {
	var types []store.JobType
	err := s.read(ctx, func(r *session) error {
		return r.query("job_types", func(r *sql.Rows) error {
			var t store.JobType
			var timeout, startWithin, finishWithin int64
			var schema, unique sql.NullString
			var seen sql.NullInt64
			err := r.Scan(&t.Name, &t.Description, &t.Queue, &t.Priority, &t.MaxRetries, &timeout, &schema, &seen, &startWithin, &finishWithin, &unique)
			t.Timeout, t.Schema, t.SeenAt = time.Duration(timeout)*time.Microsecond, rawOf(schema), timeOf(seen)
			t.StartWithin, t.FinishWithin = time.Duration(startWithin)*time.Microsecond, time.Duration(finishWithin)*time.Microsecond
			t.Unique = store.UniqueRuleOf([]byte(unique.String))
			types = append(types, t)
			return err
		})
	})
	return types, err
}

// Processes returns the processes that work on the store, oldest first.
func (s *Store) Processes(ctx context.Context) ([]store.Process, error) {
	var processes []store.Process
	err := s.read(ctx, func(r *session) error {
		return r.query("processes", func(r *sql.Rows) error {
			var p store.Process
			var beatAt, started sql.NullInt64
			var queues, performs sql.NullString
			if err := r.Scan(&p.ID, &p.Beat, &beatAt, &p.State, &p.Host, &p.PID, &p.Version, &started, &queues, &p.Slots, &performs); err != nil {
				return err
			}
			p.BeatAt, p.StartedAt = timeOf(beatAt), timeOf(started)
			p.Ended = s.locks.Ended(p.Host, p.ID)
			if queues.Valid {
				_ = json.Unmarshal([]byte(queues.String), &p.Queues) // what somebody wrote by hand must not hide who lives
			}
			if performs.Valid {
				_ = json.Unmarshal([]byte(performs.String), &p.Performs)
			}
			processes = append(processes, p)
			return nil
		})
	})
	return processes, err
}
