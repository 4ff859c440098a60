package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestStepTxHoldsOffRecover: nobody takes a job from its process while a transaction
// that saves a step of it is open, nor does anybody wait for that; afterwards the step is
// there if it was committed, and the job runs elsewhere. A process that comes too late
// with its step is told so.
func TestStepTxHoldsOffRecover(t *testing.T) {
	url := pgtest.URL(t)
	for name, commit := range map[string]bool{"committed": true, "rolled back": false} {
		t.Run(name, func(t *testing.T) {
			schema := inOwnSchema(t, url)
			s, other := open(t, url, schema), open(t, url, schema)
			job := claimFor(t, s, 7)
			tx, err := s.Pool().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := saveStep(t.Context(), s.Tx(tx), job); err != nil {
				t.Fatal(err)
			}
			if recovered := recoverFrom(t, other, 7); len(recovered) != 0 {
				t.Errorf("recovered while the transaction is open: %+v", recovered)
			}
			if _, err := other.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("2")}}, time.Time{}); err != nil {
				t.Errorf("enqueue meanwhile: %v", err)
			}
			end := tx.Rollback
			if commit {
				end = tx.Commit
			}
			if err := end(t.Context()); err != nil {
				t.Fatal(err)
			}
			if recovered := recoverFrom(t, other, 7); len(recovered) != 1 || recovered[0].Status != store.Pending {
				t.Errorf("recovered: %+v", recovered)
			}
			steps, err := s.Steps(t.Context(), job.ID)
			if err != nil || (len(steps) == 1) != commit {
				t.Errorf("steps: %+v %v", steps, err)
			}
			late, err := s.Pool().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer late.Rollback(context.Background())
			if err := saveStep(t.Context(), s.Tx(late), job); !errors.Is(err, store.ErrConflict) {
				t.Errorf("a step after the job was taken: %v", err)
			}
		})
	}
}

func recoverFrom(t *testing.T, s *postgres.Store, process int64) []store.Recovered {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	recovered, err := s.Recover(ctx, []store.Silent{{ProcessID: process}}, time.Time{})
	if err != nil {
		t.Fatalf("recover: %v", err)
	}
	return recovered
}

// claimFor enqueues a job and lets a process that joins have it.
func claimFor(t *testing.T, s *postgres.Store, process int64) store.Job {
	t.Helper()
	err := s.Join(t.Context(), store.Process{ID: process, State: store.ProcessRunning, Host: "elsewhere", StartedAt: time.Now()}, time.Time{})
	if err == nil {
		_, err = s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, time.Time{})
	}
	var jobs []store.Job
	if err == nil {
		jobs, err = s.Claim(t.Context(), store.Demand{ProcessID: process, Token: 70, Types: []string{"MyJob"}, Limit: 1}, time.Time{})
	}
	if err != nil || len(jobs) != 1 {
		t.Fatalf("claim: %v %v", jobs, err)
	}
	return jobs[0]
}

func saveStep(ctx context.Context, tx store.Tx, job store.Job) error {
	return tx.SaveSteps(ctx, job.ID, job.Token, []store.Step{{Name: "charge", Kind: store.StepDone, Result: []byte("1"), Attempt: 1}}, time.Time{})
}

// TestMetadataWithACompletionInATransaction: what was said of the job, also while the
// transaction was open, is part of it; if it is rolled back, it stays all the same.
// Reports of others do not wait for that transaction.
func TestMetadataWithACompletionInATransaction(t *testing.T) {
	url := pgtest.URL(t)
	s := open(t, url, inOwnSchema(t, url))
	job := later.Define[numberArgs]("CompletingJob", later.MaxRetries(0))
	aside := later.Define[numberArgs]("AsideJob")
	var queue *later.JobQueue
	completing := func(ctx context.Context, args numberArgs) error {
		running := later.Running(ctx)
		tx, err := s.Pool().Begin(ctx)
		if err != nil {
			return err
		}
		defer tx.Rollback(context.Background())
		problem := errors.Join(running.SetMetadata("inside", true), running.AddTags("inside"), later.CompleteTx(ctx, s.Tx(tx)), running.AddTags("after"))
		other, err := aside.PerformLater(ctx, queue, numberArgs{})
		if err == nil {
			_, err = queue.Wait(ctx, other.ID)
		}
		if problem := errors.Join(problem, err); problem != nil || args.N == 0 {
			return errors.Join(problem, errors.New("rolled back"))
		}
		return tx.Commit(ctx)
	}
	queue = newQueue(t, s, later.Config{}, job.Do(completing), aside.Do(func(ctx context.Context, _ numberArgs) error {
		return later.Running(ctx).SetMetadata("aside", true)
	}))
	start(t, queue)
	for n, want := range []string{"failed [inside after]", "completed [inside]"} {
		done, err := job.PerformLater(t.Context(), queue, numberArgs{int64(n)})
		if err != nil {
			t.Fatal(err)
		}
		done = wait(t, queue, done.ID)
		if got := fmt.Sprintf("%s %v", done.Status, done.Tags); got != want || string(done.Metadata) != `{"inside":true}` {
			t.Errorf("%s %s %s, want %s", got, done.Metadata, done.Error, want)
		}
	}
}
