package sqlite_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// TestStepTxHoldsOffRecover: nobody takes a job from its process while a transaction
// that saves a step of it is open; afterwards the step is there if it was committed, and
// the job runs elsewhere. A process that comes too late with its step is told so.
func TestStepTxHoldsOffRecover(t *testing.T) {
	for name, commit := range map[string]bool{"committed": true, "rolled back": false} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			s, other := open(t, path), open(t, path)
			job := claimFor(t, s, 7)
			tx, err := s.DB().BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := saveStep(t.Context(), s.Tx(tx), job); err != nil {
				t.Fatal(err)
			}
			recovering := make(chan []store.Recovered, 1)
			go func() {
				recovered, err := other.Recover(t.Context(), []store.Silent{{ProcessID: 7}}, time.Now())
				if err != nil {
					t.Errorf("recover: %v", err)
				}
				recovering <- recovered
			}()
			if now, err := other.Get(t.Context(), job.ID); err != nil || now.Status != store.Running {
				t.Errorf("while the transaction is open: %s %v", now.Status, err)
			}
			end := tx.Rollback
			if commit {
				end = tx.Commit
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			if recovered := <-recovering; len(recovered) != 1 || recovered[0].Status != store.Pending {
				t.Errorf("recovered: %+v", recovered)
			}
			steps, err := s.Steps(t.Context(), job.ID)
			if err != nil || (len(steps) == 1) != commit {
				t.Errorf("steps: %+v %v", steps, err)
			}
			late, err := s.DB().BeginTx(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer late.Rollback()
			if err := saveStep(t.Context(), s.Tx(late), job); !errors.Is(err, store.ErrConflict) {
				t.Errorf("a step after the job was taken: %v", err)
			}
		})
	}
}

// claimFor enqueues a job and lets a process that joins have it.
func claimFor(t *testing.T, s *sqlite.Store, process int64) store.Job {
	t.Helper()
	now := time.Now()
	err := s.Join(t.Context(), store.Process{ID: process, State: store.ProcessRunning, Host: "elsewhere", StartedAt: now}, now)
	if err == nil {
		_, err = s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, now)
	}
	var jobs []store.Job
	if err == nil {
		jobs, err = s.Claim(t.Context(), store.Demand{ProcessID: process, Token: 70, Types: []string{"MyJob"}, Limit: 1}, now)
	}
	if err != nil || len(jobs) != 1 {
		t.Fatalf("claim: %v %v", jobs, err)
	}
	return jobs[0]
}

func saveStep(ctx context.Context, tx store.Tx, job store.Job) error {
	return tx.SaveSteps(ctx, job.ID, job.Token, []store.Step{{Name: "charge", Kind: store.StepDone, Result: []byte("1"), Attempt: 1}}, time.Now())
}
