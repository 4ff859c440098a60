package later_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// TestStepTx: the step and what else the transaction does happen both or not at all.
func TestStepTx(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, tempFile(t))
		if _, err := s.DB().Exec("CREATE TABLE booking (n INTEGER)"); err != nil {
			t.Fatal(err)
		}
		tries := 0
		queue := queueOn(t, s, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
			number, err := later.Step(ctx, "book", func(ctx context.Context) (int, error) {
				tries++
				return tries, bookTx(ctx, s, tries)
			})
			if err == nil && number != 3 {
				t.Errorf("the step says %d", number)
			}
			return err
		}))
		start(t, queue)
		job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
		wantStatus(t, job, later.StatusCompleted)
		if job.Attempt != 3 {
			t.Errorf("attempt %d: that of the commit counts", job.Attempt)
		}
		var rows int
		if err := s.DB().QueryRow("SELECT count(*) FROM booking").Scan(&rows); err != nil || rows != 1 || tries != 3 {
			t.Errorf("%d bookings after %d tries, %v", rows, tries, err)
		}
	})
}

// bookTx rolls the first transaction back, forgets the second, commits the third and
// reports an error nevertheless.
func bookTx(ctx context.Context, s *sqlite.Store, n int) error {
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, "INSERT INTO booking VALUES (?)", n); err != nil {
		return err
	}
	if err := later.StepTx(ctx, s.Tx(tx), n); err != nil {
		return err
	}
	switch n {
	case 1:
		return errDown
	case 2:
		return nil
	}
	return errors.Join(tx.Commit(), errors.New("the reply was lost"))
}

// TestStepTxRefuses what cannot be.
func TestStepTxRefuses(t *testing.T) {
	s, other := open(t, tempFile(t)), open(t, tempFile(t))
	inTx := func(s *sqlite.Store, fn func(*sql.Tx) error) error {
		tx, err := s.DB().Begin()
		if err != nil {
			return err
		}
		defer tx.Rollback()
		return fn(tx)
	}
	var errs []error
	handler := stepJob.Do(func(ctx context.Context, _ numberArgs) error {
		return later.Do(ctx, "a", func(ctx context.Context) error {
			errs = append(errs,
				inTx(other, func(tx *sql.Tx) error { return later.StepTx(ctx, other.Tx(tx)) }),
				inTx(s, func(tx *sql.Tx) error { return later.StepTx(ctx, s.Tx(tx), 1, 2) }))
			return nil
		})
	})
	queue := queueOn(t, s, later.Config{}, handler)
	enqueue(t, stepJob, queue, numberArgs{})
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(errs) != 2 || !errors.Is(errs[0], later.ErrWrongTx) || !errors.Is(errs[1], later.ErrInvalidOption) {
		t.Errorf("a stored job is told %v", errs)
	}
	errs = nil
	now := later.Define[numberArgs]("NowJob")
	queue.Register(now.Do(func(ctx context.Context, _ numberArgs) error {
		return later.Do(ctx, "a", func(ctx context.Context) error {
			return inTx(s, func(tx *sql.Tx) error { return later.StepTx(ctx, s.Tx(tx)) })
		})
	}))
	if err := now.PerformNow(t.Context(), queue, numberArgs{}); !errors.Is(err, later.ErrConflict) {
		t.Errorf("a job that is not stored is told %v", err)
	}
}
