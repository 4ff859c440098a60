package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// Import stores whole jobs of another store.
func (s *Store) Import(ctx context.Context, records []store.Record) error {
	if len(records) == 0 {
		return s.alive(ctx)
	}
	if s.closed.Load() {
		return store.ErrClosed
	}
	i := &importing{}
	for _, record := range records {
		i.highest = max(i.highest, record.Job.ID, record.Position)
		if err := i.add(record.AtRest()); err != nil {
			return err
		}
	}
	// Whatever happens to the connection: to import twice does no harm.
	err := s.reading(ctx, func() error { return s.inTx(ctx, s.pool, i.run) })
	if err == nil {
		s.tell(&i.news)
	}
	return err
}

// importing is one Import under way: the jobs, by where they go.
type importing struct {
	all, ready, waiting, finished []store.Record // at rest
	highest                       int64          // of their ids and positions
	news                          news
}

func (i *importing) add(record store.Record) error {
	i.all = append(i.all, record)
	switch record.Job.Status {
	case store.Pending:
		i.ready = append(i.ready, record)
	case store.Scheduled, store.Retrying:
		i.waiting = append(i.waiting, record)
	case store.Completed, store.Failed, store.Cancelled:
		i.finished = append(i.finished, record)
	default:
		return fmt.Errorf("%w: job %d cannot be imported: no job is kept as %q", store.ErrConflict, record.Job.ID, record.Job.Status)
	}
	return nil
}

func (i *importing) run(s *session) error {
	i.news = news{}
	if err := raiseNumbers(s, i.highest); err != nil {
		return err
	}
	stored, err := s.ids("import_jobs", jobColumns(i.all)...)
	if err != nil {
		return err
	}
	fresh := make(map[int64]bool, len(stored))
	for _, id := range stored {
		fresh[id] = true
	}
	if err := i.placeReady(s, only(i.ready, fresh)); err != nil {
		return err
	}
	if err := i.placeWaiting(s, only(i.waiting, fresh)); err != nil {
		return err
	}
	if err := i.placeFinished(s, only(i.finished, fresh)); err != nil {
		return err
	}
	if err := importKeys(s, only(i.all, fresh)); err != nil {
		return err
	}
	return importRest(s, only(i.all, fresh))
}

// raiseNumbers makes the ids and places that are given out from now on come after
// last.
func raiseNumbers(s *session, last int64) error {
	var reached bool
	err := s.query("numbers_reach", func(r row) error { return r.Scan(&reached) }, last)
	if err != nil || reached {
		return err
	}
	if _, err := s.exec("stop_numbers"); err != nil {
		return err
	}
	_, err = s.exec("raise_numbers", last)
	return err
}

// only picks the records of jobs that were stored, each once.
func only(records []store.Record, stored map[int64]bool) (picked []store.Record) {
	seen := make(map[int64]bool, len(records))
	for _, record := range records {
		if id := record.Job.ID; stored[id] && !seen[id] {
			seen[id] = true
			picked = append(picked, record)
		}
	}
	return picked
}

// column is one column of many rows.
func column[R, T any](rows []R, of func(*R) T) []T {
	values := make([]T, len(rows))
	for i := range rows {
		values[i] = of(&rows[i])
	}
	return values
}

func jobColumns(records []store.Record) []any {
	return []any{
		column(records, func(r *store.Record) int64 { return r.Job.ID }),
		column(records, func(r *store.Record) string { return r.Job.Type }),
		column(records, func(r *store.Record) string { return r.Job.Queue }),
		column(records, func(r *store.Record) int16 { return int16(r.Job.Priority) }),
		column(records, func(r *store.Record) string { return textOf(r.Job.Args) }),
		column(records, func(r *store.Record) string { return textOf(r.Job.Metadata) }),
		column(records, func(r *store.Record) string { return r.Job.UserID }),
		column(records, func(r *store.Record) string { return r.Job.TargetID }),
		column(records, func(r *store.Record) string { return arrayText(r.Job.Tags) }),
		column(records, func(r *store.Record) int32 { return int32(r.Job.MaxRetries) }),
		column(records, func(r *store.Record) int64 { return r.Job.Timeout.Microseconds() }),
		column(records, func(r *store.Record) time.Time { return r.Job.QueuedAt }),
		column(records, func(r *store.Record) time.Time { return r.Job.ScheduledAt }),
		column(records, func(r *store.Record) string { return r.Job.Options.Text() }),
	}
}

// placeColumns are what every place has: id, attempts and crashes.
func placeColumns(records []store.Record, more ...any) []any {
	return append([]any{
		column(records, func(r *store.Record) int64 { return r.Job.ID }),
		column(records, func(r *store.Record) int32 { return int32(r.Job.Attempt) }),
		column(records, func(r *store.Record) int32 { return int32(r.Job.Crashes) }),
	}, more...)
}

// unfinishedColumns are what the places of jobs have that are still to run.
func unfinishedColumns(records []store.Record, more ...any) []any {
	return placeColumns(records, append([]any{
		column(records, func(r *store.Record) string { return r.Job.Queue }),
		column(records, func(r *store.Record) string { return r.Job.Type }),
		column(records, func(r *store.Record) int16 { return int16(r.Job.Priority) }),
	}, more...)...)
}

func (i *importing) placeReady(s *session, records []store.Record) error {
	if len(records) == 0 {
		return nil
	}
	return s.query("import_ready", func(r row) error {
		var at lane
		var position int64
		err := r.Scan(&at.queue, &at.priority, &position)
		i.news.lineUp(at, position)
		return err
	}, unfinishedColumns(records, column(records, func(r *store.Record) int64 { return r.Position }))...)
}

func (i *importing) placeWaiting(s *session, records []store.Record) error {
	if len(records) == 0 {
		return nil
	}
	i.news.wake.Work = true
	_, err := s.exec("import_waiting", unfinishedColumns(records,
		column(records, func(r *store.Record) time.Time { return r.Job.NextRunAt }),
		column(records, waitsAs),
		column(records, func(r *store.Record) string { return r.Job.Reason }),
		causesOf(records, store.Retrying))...)
	return err
}

// waitsAs is the kind of waiting: as in the table.
func waitsAs(r *store.Record) int16 {
	switch {
	case r.Job.Status == store.Retrying:
		return waitsRetrying
	case r.Job.Reason != "":
		return waitsPostponed
	}
	return waitsScheduled
}

func (i *importing) placeFinished(s *session, records []store.Record) error {
	if len(records) == 0 {
		return nil
	}
	i.news.wake.Finished = true
	_, err := s.exec("import_finished", placeColumns(records,
		column(records, func(r *store.Record) int16 { return numberOf[r.Job.Status] }),
		column(records, func(r *store.Record) int64 { return r.Job.ProcessID }),
		column(records, func(r *store.Record) time.Time { return r.Job.StartedAt }),
		column(records, func(r *store.Record) time.Time { return r.Job.FinishedAt }),
		column(records, func(r *store.Record) string { return textOf(r.Job.Result) }),
		column(records, func(r *store.Record) string { return r.Job.Error }),
		causesOf(records, store.Failed))...)
	return err
}

// causesOf are the causes of the jobs in that status; others have none.
func causesOf(records []store.Record, status store.JobStatus) []int64 {
	return column(records, func(r *store.Record) int64 {
		if r.Job.Status != status {
			return 0
		}
		return int64(r.Job.Cause)
	})
}

// importRest stores progress, attempts, logs and steps.
func importRest(s *session, records []store.Record) error {
	var progress []store.Job
	var attempts []store.Attempt
	var lines []store.LogLine
	var steps []store.Step
	for _, record := range records {
		if !record.Job.Progress.At.IsZero() {
			progress = append(progress, record.Job)
		}
		for _, a := range record.Attempts {
			a.JobID = record.Job.ID
			attempts = append(attempts, a)
		}
		for _, line := range record.Log {
			line.JobID = record.Job.ID
			lines = append(lines, line)
		}
		for _, step := range record.Steps {
			step.JobID = record.Job.ID
			steps = append(steps, step)
		}
	}
	if err := importProgress(s, progress); err != nil {
		return err
	}
	if err := importAttempts(s, attempts); err != nil {
		return err
	}
	if err := importLogs(s, lines); err != nil {
		return err
	}
	return importSteps(s, steps)
}

func importProgress(s *session, jobs []store.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	_, err := s.exec("import_progress",
		column(jobs, func(j *store.Job) int64 { return j.ID }),
		column(jobs, func(j *store.Job) int64 { return j.Progress.Done }),
		column(jobs, func(j *store.Job) int64 { return j.Progress.Total }),
		column(jobs, func(j *store.Job) time.Time { return j.Progress.At }),
		column(jobs, func(j *store.Job) string { return j.Progress.Message }))
	return err
}

func importAttempts(s *session, attempts []store.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	_, err := s.exec("import_attempts",
		column(attempts, func(a *store.Attempt) int64 { return a.JobID }),
		column(attempts, func(a *store.Attempt) int64 { return a.ProcessID }),
		column(attempts, func(a *store.Attempt) time.Time { return a.StartedAt }),
		column(attempts, func(a *store.Attempt) time.Time { return a.FinishedAt }),
		column(attempts, func(a *store.Attempt) int32 { return int32(a.Number) }),
		column(attempts, func(a *store.Attempt) string { return string(a.Outcome) }),
		column(attempts, func(a *store.Attempt) string { return a.Error }),
		column(attempts, func(a *store.Attempt) string { return a.Stack }),
		column(attempts, func(a *store.Attempt) string { return store.RetriesText(a.RuleRetries) }),
		column(attempts, func(a *store.Attempt) int64 { return int64(a.Cause) }))
	return err
}

func importLogs(s *session, lines []store.LogLine) error {
	if len(lines) == 0 {
		return nil
	}
	_, err := s.exec("import_logs",
		column(lines, func(l *store.LogLine) int64 { return l.JobID }),
		column(lines, func(l *store.LogLine) time.Time { return l.At }),
		column(lines, func(l *store.LogLine) int32 { return int32(l.Attempt) }),
		column(lines, func(l *store.LogLine) string { return l.Level }),
		column(lines, func(l *store.LogLine) string { return l.Message }),
		column(lines, func(l *store.LogLine) string { return textOf(l.Attrs) }))
	return err
}
