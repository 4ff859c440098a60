package latertest_test

// The tests of docs/testing.md: what is shown there is here.

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/sqlite"
)

type ChargeArgs struct {
	OrderID int64 `json:"order_id" validate:"required"`
	Cents   int64 `json:"cents" validate:"gt=0"`
}

var ChargeCard = later.Define[ChargeArgs]("ChargeCardJob",
	later.Exponential(time.Minute, time.Hour),
	later.MaxRetries(4),
	later.Timeout(30*time.Second),
)

var Remind = later.Define[ChargeArgs]("RemindJob")

// CheckOut is the program under test: it charges now and reminds in a week.
func CheckOut(ctx context.Context, e later.Enqueuer, order ChargeArgs) error {
	if _, err := ChargeCard.PerformLater(ctx, e, order); err != nil {
		return err
	}
	_, err := Remind.PerformIn(ctx, e, 7*24*time.Hour, order)
	return err
}

// bank is a fake of what the handler calls.
type bank struct {
	charged []int64
	deed    func(ctx context.Context, try int) error
	tries   int
}

func (b *bank) Charge(ctx context.Context, args ChargeArgs) error {
	b.tries++
	if b.deed != nil {
		if err := b.deed(ctx, b.tries); err != nil {
			return err
		}
	}
	b.charged = append(b.charged, args.OrderID)
	return nil
}

func TestCheckOutEnqueues(t *testing.T) {
	queue := latertest.New(t, later.Config{}) // no handlers are needed to enqueue
	order := ChargeArgs{OrderID: 7, Cents: 1200}
	if err := CheckOut(t.Context(), queue, order); err != nil {
		t.Fatal(err)
	}

	latertest.Enqueued(t, queue, ChargeCard, latertest.Args(order), latertest.Times(1))
	latertest.Enqueued(t, queue, Remind, latertest.Where(func(job latertest.Job[ChargeArgs]) bool {
		return job.Status == later.StatusScheduled && job.Args.OrderID == 7
	}))
	latertest.NotEnqueued(t, queue, WelcomeEmail)
}

func TestCheckOutCharges(t *testing.T) {
	bank := &bank{}
	queue := latertest.New(t, later.Config{}, ChargeCard.Do(bank.Charge), Remind.Do(bank.Charge))
	if err := CheckOut(t.Context(), queue, ChargeArgs{OrderID: 7, Cents: 1200}); err != nil {
		t.Fatal(err)
	}

	latertest.Drain(t, queue)
	latertest.Performed(t, queue, ChargeCard)
	latertest.NotPerformed(t, queue, Remind) // due in a week

	latertest.Drain(t, queue, latertest.Within(8*24*time.Hour))
	latertest.Performed(t, queue, Remind)
}

func TestChargeIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank := &bank{deed: func(_ context.Context, try int) error {
			if try < 3 {
				return errors.New("the bank does not answer")
			}
			return nil
		}}
		queue := latertest.New(t, later.Config{}, ChargeCard.Do(bank.Charge))
		if _, err := ChargeCard.PerformLater(t.Context(), queue, ChargeArgs{OrderID: 7, Cents: 1200}); err != nil {
			t.Fatal(err)
		}

		latertest.Drain(t, queue)
		time.Sleep(30 * time.Second) // the first backoff is a minute ± 10 %
		if n := latertest.Drain(t, queue); n != 0 {
			t.Errorf("%d attempts before the backoff was over", n)
		}
		time.Sleep(time.Minute)
		latertest.Drain(t, queue)
		time.Sleep(3 * time.Minute) // the second is two minutes
		latertest.Drain(t, queue)

		job := latertest.Performed(t, queue, ChargeCard)[0]
		if job.Status != later.StatusCompleted || job.Attempt != 3 {
			t.Errorf("%s after %d attempts", job.Status, job.Attempt)
		}
	})
}

func TestChargeTimesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bank := &bank{deed: func(ctx context.Context, _ int) error {
			<-ctx.Done() // a bank that never answers
			return context.Cause(ctx)
		}}
		queue := latertest.New(t, later.Config{}, ChargeCard.Do(bank.Charge))
		if _, err := ChargeCard.PerformLater(t.Context(), queue, ChargeArgs{OrderID: 7, Cents: 1200}); err != nil {
			t.Fatal(err)
		}

		began := time.Now()
		latertest.Drain(t, queue)
		if took := time.Since(began); took != 30*time.Second {
			t.Errorf("gave up after %v", took)
		}
		if job := latertest.Performed(t, queue, ChargeCard)[0]; job.Status != later.StatusRetrying || job.Error != "timed out" {
			t.Errorf("%s: %s", job.Status, job.Error)
		}
	})
}

func TestWorkerOverAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		bank := &bank{}
		queue := latertest.NewOn(t, store, later.Config{}, ChargeCard.Do(bank.Charge))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		soon := time.Now().Add(5 * time.Minute)
		job, err := ChargeCard.PerformAt(t.Context(), queue, soon, ChargeArgs{OrderID: 7, Cents: 1200})
		if err != nil {
			t.Fatal(err)
		}

		job, err = queue.Wait(t.Context(), job.ID) // the minutes pass in no time
		if err != nil || job.StartedAt.Before(soon) {
			t.Errorf("started at %v: %v", job.StartedAt, err)
		}
		if _, err := queue.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestRemindersAreRegular(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	synctest.Test(t, func(t *testing.T) {
		store, err := sqlite.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		queue := latertest.NewOn(t, store, later.Config{}, Remind.Do(func(context.Context, ChargeArgs) error { return nil }))
		if err := queue.Schedule("reminders", later.Every(time.Minute), Remind.With(ChargeArgs{OrderID: 7, Cents: 1200})); err != nil {
			t.Fatal(err)
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3*time.Minute + time.Second)
		if _, err := queue.Stop(t.Context()); err != nil {
			t.Error(err)
		}
		latertest.Performed(t, queue, Remind, latertest.Times(3))
	})
}

func TestChargeSurvivesACrash(t *testing.T) {
	bank := &bank{deed: func(ctx context.Context, try int) error {
		if try == 1 {
			latertest.Crash(ctx) // the machine loses power while the bank works
		}
		return nil
	}}
	queue := latertest.New(t, later.Config{}, ChargeCard.Do(bank.Charge))
	if _, err := ChargeCard.PerformLater(t.Context(), queue, ChargeArgs{OrderID: 7, Cents: 1200}); err != nil {
		t.Fatal(err)
	}

	latertest.Drain(t, queue)
	job := latertest.Performed(t, queue, ChargeCard)[0]
	if job.Status != later.StatusCompleted || job.Crashes != 1 || job.Attempt != 1 {
		t.Errorf("%s after %d crashes and %d attempts", job.Status, job.Crashes, job.Attempt)
	}
	if bank.tries != 2 {
		t.Errorf("the bank was asked %d times", bank.tries)
	}
}

func TestChargeIsNotRepeated(t *testing.T) {
	charged, mailed := 0, 0
	queue := latertest.New(t, later.Config{}, ChargeCard.Do(func(ctx context.Context, args ChargeArgs) error {
		err := later.Do(ctx, "charge", func(context.Context) error {
			charged++
			return nil
		})
		if err != nil {
			return err
		}
		return later.Do(ctx, "mail", func(context.Context) error {
			mailed++
			return nil
		})
	}))
	if _, err := ChargeCard.PerformLater(t.Context(), queue, ChargeArgs{OrderID: 7, Cents: 1200}); err != nil {
		t.Fatal(err)
	}

	latertest.InterruptAt(t, queue, "mail") // the process dies between the two
	latertest.Drain(t, queue)
	if job := latertest.Performed(t, queue, ChargeCard)[0]; job.Crashes != 1 || charged != 1 || mailed != 1 {
		t.Errorf("charged %d times, mailed %d times, with %d crashes", charged, mailed, job.Crashes)
	}
}
