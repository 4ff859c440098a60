package latertest_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

type WelcomeArgs struct {
	Email string `json:"email" validate:"required,email"`
}

var WelcomeEmail = later.Define[WelcomeArgs]("WelcomeEmailJob", later.Fixed(24*time.Hour))

var Count = later.DefineResult[struct{}, int]("CountJob")

func signUp(t *testing.T, e later.Enqueuer, email string) {
	t.Helper()
	if _, err := WelcomeEmail.PerformLater(t.Context(), e, WelcomeArgs{Email: email}); err != nil {
		t.Fatal(err)
	}
}

func TestSignUpGreets(t *testing.T) {
	var greeted []string
	queue := latertest.New(t, later.Config{}, WelcomeEmail.Do(func(_ context.Context, args WelcomeArgs) error {
		greeted = append(greeted, args.Email)
		return nil
	}))
	signUp(t, queue, "ada@example.com")

	latertest.Enqueued(t, queue, WelcomeEmail, latertest.Args(WelcomeArgs{Email: "ada@example.com"}))
	latertest.Drain(t, queue)
	latertest.Performed(t, queue, WelcomeEmail, latertest.Times(1))
	if len(greeted) != 1 {
		t.Errorf("greeted: %v", greeted)
	}
}

func TestJobsPagesInOrder(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	calls := make([]later.Call, 2500)
	for i := range calls {
		calls[i] = WelcomeEmail.With(WelcomeArgs{Email: "ada@example.com"})
	}
	if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
	jobs := latertest.Jobs(t, queue, WelcomeEmail)
	if len(jobs) != len(calls) {
		t.Fatalf("%d jobs", len(jobs))
	}
	for i, job := range jobs {
		if job.ID != jobs[0].ID+int64(i) {
			t.Fatalf("job %d at place %d", job.ID, i)
		}
	}
	if others := latertest.Jobs(t, queue, Count); len(others) != 0 {
		t.Errorf("of another type: %+v", others)
	}
}

// TestDrainPerformsWhatIsDue: jobs that jobs enqueue as well, later ones not yet, and
// failures do not end it.
func TestDrainPerformsWhatIsDue(t *testing.T) {
	var queue *later.JobQueue
	queue = latertest.New(t, later.Config{},
		WelcomeEmail.Do(func(ctx context.Context, args WelcomeArgs) error {
			if _, err := Count.PerformLater(ctx, queue, struct{}{}); err != nil {
				return err
			}
			return later.Discard(errors.New("no such address"))
		}),
		Count.Do(func(context.Context, struct{}) (int, error) { return 42, nil }))
	signUp(t, queue, "ada@example.com")
	future, err := Count.PerformIn(t.Context(), queue, time.Hour, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if performed := latertest.Drain(t, queue); performed != 2 {
		t.Errorf("performed %d", performed)
	}
	if job := latertest.Enqueued(t, queue, WelcomeEmail)[0]; job.Status != later.StatusFailed || job.Error != "no such address" {
		t.Errorf("the welcome is %s (%s)", job.Status, job.Error)
	}
	counts := latertest.Enqueued(t, queue, Count)
	if len(counts) != 2 || counts[0].ID != future.ID || counts[0].Status != later.StatusScheduled ||
		string(counts[1].Result) != "42" {
		t.Errorf("counts: %+v", counts)
	}
	if performed := latertest.Drain(t, queue); performed != 0 {
		t.Errorf("performed %d again", performed)
	}
}

// TestDrainInFakeTime: a day's backoff passes in no time.
func TestDrainInFakeTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		queue := latertest.New(t, later.Config{}, WelcomeEmail.Do(func(context.Context, WelcomeArgs) error {
			if attempts++; attempts < 3 {
				return errors.New("the server is down")
			}
			return nil
		}))
		signUp(t, queue, "ada@example.com")
		for day := 1; day <= 3; day++ {
			if performed := latertest.Drain(t, queue); performed != 1 {
				t.Fatalf("day %d: performed %d", day, performed)
			}
			<-time.After(27 * time.Hour) // the backoff has ±10 %
		}
		job := latertest.Enqueued(t, queue, WelcomeEmail)[0]
		if job.Status != later.StatusCompleted || job.Attempt != 3 {
			t.Errorf("the welcome is %s after %d attempts", job.Status, job.Attempt)
		}
	})
}
