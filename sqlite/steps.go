package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// SaveSteps stores steps of a job that is claimed under the token.
func (s *Store) SaveSteps(ctx context.Context, jobID, token int64, steps []store.Step, now time.Time) error {
	now = orNow(now)
	r := &request{rank: rankControl, durable: true, run: func(s *session) error {
		return saveSteps(s, jobID, token, steps, now)
	}}
	for _, step := range steps {
		r.size += rowSize/2 + len(step.Name) + len(step.Result)
	}
	return s.do(ctx, r)
}

// SaveSteps stores steps when the transaction commits.
func (t *userTx) SaveSteps(ctx context.Context, jobID, token int64, steps []store.Step, now time.Time) error {
	return t.run(ctx, func(s *session) error { return saveSteps(s, jobID, token, steps, orNow(now)) })
}

func saveSteps(s *session, jobID, token int64, steps []store.Step, now time.Time) error {
	leased := false
	if err := s.query("has_lease", func(*sql.Rows) error { leased = true; return nil }, jobID, token); err != nil {
		return err
	}
	if !leased {
		return fmt.Errorf("save steps of job %d: %w: it is not claimed under this token", jobID, store.ErrConflict)
	}
	var r rows
	for _, step := range steps {
		if step.At.IsZero() {
			step.At = now
		}
		writeStep(&r, jobID, step)
	}
	return s.execRows("save_steps", &r)
}

func writeStep(r *rows, jobID int64, step store.Step) {
	r.next()
	r.int(jobID).text(step.Name).text(string(step.Kind)).raw(step.Result).time(step.At).int(int64(step.Attempt))
}

// Steps returns the steps of a job, oldest first.
func (s *Store) Steps(ctx context.Context, jobID int64) ([]store.Step, error) {
	var steps []store.Step
	err := s.read(ctx, func(r *session) error {
		return r.query("steps", func(r *sql.Rows) error {
			step, err := scanStep(r)
			steps = append(steps, step)
			return err
		}, jobID)
	})
	return steps, err
}

func scanStep(r *sql.Rows) (step store.Step, err error) {
	var result sql.NullString
	var at sql.NullInt64
	err = r.Scan(&step.JobID, &step.Name, &step.Kind, &result, &at, &step.Attempt)
	step.Result, step.At = rawOf(result), timeOf(at)
	return step, err
}
