package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/store"
)

// SaveSteps stores steps of a job that is claimed under the token.
func (s *Store) SaveSteps(ctx context.Context, jobID, token int64, steps []store.Step, now time.Time) error {
	p := newSaving(s, jobID, token, steps, now)
	if err := s.entry.do(ctx, &request{part: p, durable: true}); err != nil {
		return err
	}
	return p.verdict()
}

// SaveSteps stores steps when the transaction commits.
func (t *userTx) SaveSteps(ctx context.Context, jobID, token int64, steps []store.Step, now time.Time) error {
	if err := t.belongs(ctx); err != nil {
		return err
	}
	p := newSaving(t.store, jobID, token, steps, now)
	err := (&session{t.store, ctx, t.on}).query("save_steps", p.scan, p.columns...)
	if err != nil {
		return t.store.classify(ctx, err)
	}
	return p.verdict()
}

// saving is one SaveSteps under way.
type saving struct {
	store   *Store
	jobID   int64
	columns []any
	leases  int64 // that the statement has found: one or none
}

func newSaving(s *Store, jobID, token int64, steps []store.Step, now time.Time) *saving {
	now = s.orNow(now)
	latest := lastOfEach(steps)
	return &saving{store: s, jobID: jobID, columns: []any{
		jobID, token,
		column(latest, func(s *store.Step) string { return s.Name }),
		column(latest, func(s *store.Step) string { return string(s.Kind) }),
		column(latest, func(s *store.Step) string { return textOf(s.Result) }),
		column(latest, func(s *store.Step) time.Time {
			if s.At.IsZero() {
				return now
			}
			return s.At
		}),
		column(latest, func(s *store.Step) int32 { return int32(s.Attempt) }),
	}}
}

// lastOfEach picks the last step of each name: a statement can store a row once.
func lastOfEach(steps []store.Step) []store.Step {
	place := make(map[string]int, len(steps))
	latest := make([]store.Step, 0, len(steps))
	for _, step := range steps {
		if i, known := place[step.Name]; known {
			latest[i] = step
			continue
		}
		place[step.Name] = len(latest)
		latest = append(latest, step)
	}
	return latest
}

func (p *saving) queue(b *pgx.Batch) { b.Queue(p.store.query("save_steps"), p.columns...) }

func (p *saving) read(answers pgx.BatchResults) error {
	found, err := answers.Query()
	if err != nil {
		return err
	}
	return each("save_steps", found, p.scan)
}

func (p *saving) scan(r row) error { return r.Scan(&p.leases) }

func (p *saving) committed(*news) {}

func (p *saving) verdict() error {
	if p.leases == 0 {
		return fmt.Errorf("save steps of job %d: %w: it is not claimed under this token", p.jobID, store.ErrConflict)
	}
	return nil
}

// Steps returns the steps of a job, oldest first.
func (s *Store) Steps(ctx context.Context, jobID int64) ([]store.Step, error) {
	var steps []store.Step
	err := s.readOnce(ctx, func(r *session) error {
		steps = nil
		return r.query("steps", func(r row) error {
			step, err := scanStep(r)
			steps = append(steps, step)
			return err
		}, jobID)
	})
	return steps, err
}

func scanStep(r row) (step store.Step, err error) {
	var result []byte
	var at pgtype.Timestamptz
	err = r.Scan(&step.JobID, &step.Name, &step.Kind, &result, &at, &step.Attempt)
	step.Result, step.At = result, timeOf(at)
	return step, err
}

func importSteps(s *session, steps []store.Step) error {
	if len(steps) == 0 {
		return nil
	}
	_, err := s.exec("import_steps",
		column(steps, func(s *store.Step) int64 { return s.JobID }),
		column(steps, func(s *store.Step) string { return s.Name }),
		column(steps, func(s *store.Step) string { return string(s.Kind) }),
		column(steps, func(s *store.Step) string { return textOf(s.Result) }),
		column(steps, func(s *store.Step) time.Time { return s.At }),
		column(steps, func(s *store.Step) int32 { return int32(s.Attempt) }))
	return err
}
