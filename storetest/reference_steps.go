package storetest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// SaveSteps stores steps of a job that is claimed under the token.
func (r *Reference) SaveSteps(ctx context.Context, jobID, token int64, steps []store.Step, now time.Time) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	defer r.mu.Unlock()
	k := r.jobs[jobID]
	if k == nil || k.job.Status != store.Running || k.job.Token != token {
		return fmt.Errorf("steps of job %d: %w", jobID, store.ErrConflict)
	}
	for _, step := range steps {
		if step.At.IsZero() {
			step.At = orNow(now)
		}
		k.save(step)
	}
	return nil
}

func (k *kept) save(step store.Step) {
	if k.steps == nil {
		k.steps = map[string]store.Step{}
	}
	step.JobID = k.job.ID
	k.steps[step.Name] = step
}

// Steps returns the steps of a job, oldest first.
func (r *Reference) Steps(ctx context.Context, jobID int64) ([]store.Step, error) {
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	defer r.mu.Unlock()
	if k := r.jobs[jobID]; k != nil {
		return k.sortedSteps(), nil
	}
	return nil, nil
}

func (k *kept) sortedSteps() (steps []store.Step) {
	for _, step := range k.steps {
		steps = append(steps, step)
	}
	slices.SortFunc(steps, func(a, b store.Step) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Name, b.Name))
	})
	return steps
}
