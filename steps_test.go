package later_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

var stepJob = later.Define[numberArgs]("StepJob", later.MaxRetries(2), later.Fixed(time.Minute))

var errDown = errors.New("the mail server is down")

// stepFunc is the handler of a job that has steps.
type stepFunc = func(ctx context.Context, args numberArgs) error

func names(steps []later.JobStep) (all []string) {
	for _, step := range steps {
		all = append(all, string(step.Kind)+" "+step.Name)
	}
	return all
}

// TestStepRunsOnce: however often the job is retried, with the result of the first time.
func TestStepRunsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		charged, mailed, got := 0, 0, record[string]{}
		queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, args numberArgs) error {
			receipt, err := later.Step(ctx, "charge", func(context.Context) (string, error) {
				charged++
				return "receipt <7>", nil
			})
			if err != nil {
				return err
			}
			got.add(receipt)
			return later.Do(ctx, "mail", func(context.Context) error {
				if mailed++; mailed < 3 {
					return errDown
				}
				return nil
			})
		}))
		start(t, queue)
		job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
		wantStatus(t, job, later.StatusCompleted)
		if charged != 1 || mailed != 3 || !slices.Equal(got.all(), []string{"receipt <7>", "receipt <7>", "receipt <7>"}) {
			t.Errorf("charged %d times, mailed %d times, with %q", charged, mailed, got.all())
		}
		steps, err := queue.Steps(t.Context(), job.ID)
		if err != nil || !slices.Equal(names(steps), []string{"step charge", "step mail"}) || string(steps[0].Result) != `"receipt <7>"` || steps[1].Result != nil {
			t.Errorf("steps %+v, %v", steps, err)
		}
	})
}

// TestRetryAfterProgressDoesNotCount: the attempt in which a step was done is not one of
// the job's attempts; those in which nothing happened are.
func TestRetryAfterProgressDoesNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		performed := 0
		queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
			performed++
			for _, name := range []string{"a", "b", "c", "d"} {
				did := false
				if err := later.Do(ctx, name, func(context.Context) error { did = true; return nil }); err != nil {
					return err
				}
				if did {
					return errDown
				}
			}
			return errDown
		}))
		start(t, queue)
		job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
		wantStatus(t, job, later.StatusFailed)
		if performed != 4+3 || job.Attempt != 3 {
			t.Errorf("performed %d times, %d attempts counted", performed, job.Attempt)
		}
		attempts, err := queue.Attempts(t.Context(), job.ID)
		if err != nil {
			t.Fatal(err)
		}
		var outcomes []string
		for _, attempt := range attempts {
			outcomes = append(outcomes, string(attempt.Outcome))
		}
		if got := strings.Join(outcomes, " "); got != "progressed progressed progressed progressed retried retried failed" {
			t.Errorf("attempts: %s", got)
		}
	})
}

// TestProgressWithoutRetries: a job that is not to be retried is not, whatever it did.
func TestProgressWithoutRetries(t *testing.T) {
	once := later.Define[numberArgs]("OnceJob", later.MaxRetries(0))
	queue := newQueue(t, later.Config{}, once.Do(func(ctx context.Context, _ numberArgs) error {
		return errors.Join(later.Do(ctx, "a", func(context.Context) error { return nil }), errDown)
	}))
	start(t, queue)
	wantStatus(t, wait(t, queue, enqueue(t, once, queue, numberArgs{}).ID), later.StatusFailed)
}

// TestMisusedSteps fail the job at once, and say why.
func TestMisusedSteps(t *testing.T) {
	nothing := func(context.Context) error { return nil }
	kept := func(value any) stepFunc {
		return func(ctx context.Context, _ numberArgs) error {
			_, err := later.Step(ctx, "a", func(context.Context) (any, error) { return value, nil })
			return err
		}
	}
	for name, test := range map[string]struct {
		do   stepFunc
		want string
	}{
		"same name": {func(ctx context.Context, _ numberArgs) error {
			return errors.Join(later.Do(ctx, "a", nothing), later.Do(ctx, "a", nothing))
		}, `two steps of the name "a"`},
		"step and cursor": {func(ctx context.Context, _ numberArgs) error {
			_, err := later.Cursor(ctx, "a", 0)
			return errors.Join(err, later.Do(ctx, "a", nothing))
		}, `two steps of the name "a"`},
		"no name":  {func(ctx context.Context, _ numberArgs) error { return later.Do(ctx, "", nothing) }, "name of a step is empty"},
		"NUL name": {func(ctx context.Context, _ numberArgs) error { return later.Do(ctx, "a\x00", nothing) }, "control character"},
		"nested": {func(ctx context.Context, _ numberArgs) error {
			return later.Do(ctx, "outer", func(ctx context.Context) error { return later.Do(ctx, "inner", nothing) })
		}, `the step "inner" is inside of the step "outer"`},
		"nested sleep": {func(ctx context.Context, _ numberArgs) error {
			return later.Do(ctx, "outer", func(ctx context.Context) error { return later.Sleep(ctx, "inner", 1) })
		}, `the sleep "inner" is inside of the step "outer"`},
		"StepTx outside": {func(ctx context.Context, _ numberArgs) error { return later.StepTx(ctx, nil) }, "StepTx outside of a step"},
		"too large":      {kept(strings.Repeat("x", 2000)), "what came of it cannot be kept"},
		"no JSON":        {kept(func() {}), "does not encode as JSON"},
		"NUL":            {kept("a\x00"), "NUL"},
	} {
		t.Run(name, func(t *testing.T) {
			queue := newQueue(t, later.Config{MaxArgs: 1000}, stepJob.Do(test.do))
			start(t, queue)
			job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
			wantStatus(t, job, later.StatusFailed)
			if !strings.Contains(job.Error, test.want) || job.Attempt != 1 {
				t.Errorf("attempt %d: %s", job.Attempt, job.Error)
			}
		})
	}
}

// TestStepsOfAnotherVersion: what is saved no longer fits the program.
func TestStepsOfAnotherVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		performed := 0
		queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, args numberArgs) error {
			if performed++; performed%2 == 1 {
				_, err := later.Step(ctx, "a", func(context.Context) (string, error) { return "x", nil })
				return errors.Join(err, errDown)
			}
			if args.N == 0 {
				_, err := later.Step(ctx, "a", func(context.Context) (int, error) { return 1, nil })
				return err
			}
			_, err := later.Cursor(ctx, "a", 5)
			return err
		}))
		start(t, queue)
		for n, want := range []string{`the saved result of the step "a"`, `"a" was saved as a step before and is a cursor now`} {
			job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{N: int64(n)}).ID)
			if job.Status != later.StatusFailed || !strings.Contains(job.Error, want) {
				t.Errorf("%s: %s", job.Status, job.Error)
			}
		}
	})
}

// TestRetryByPersonKeepsSteps: a failed job is not charged twice; a completed one starts
// over.
func TestRetryByPersonKeepsSteps(t *testing.T) {
	charged, broken := 0, true
	queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
		if err := later.Do(ctx, "charge", func(context.Context) error { charged++; return nil }); err != nil {
			return err
		}
		if broken {
			return later.Discard(errDown)
		}
		return nil
	}))
	job := enqueue(t, stepJob, queue, numberArgs{})
	for i, want := range []struct {
		status  later.JobStatus
		charged int
	}{{later.StatusFailed, 1}, {later.StatusFailed, 1}, {later.StatusCompleted, 1}, {later.StatusCompleted, 2}} {
		if i > 0 {
			if err := queue.Retry(t.Context(), job.ID); err != nil {
				t.Fatal(err)
			}
		}
		broken = want.status == later.StatusFailed
		if _, err := queue.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := get(t, queue, job.ID); got.Status != want.status || charged != want.charged {
			t.Errorf("round %d: %s, charged %d times", i, got.Status, charged)
		}
	}
}

// TestStepOfSupersededWorker: it changes nothing, is told so, and its job goes on
// elsewhere.
func TestStepOfSupersededWorker(t *testing.T) {
	s := open(t, tempFile(t))
	told := make(chan error, 1)
	quiet := later.Config{Heartbeat: time.Hour, TimeToDie: 3 * time.Hour}
	queue := queueOn(t, s, quiet, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
		job := later.Running(ctx)
		if job.Crashes > 0 {
			return nil
		}
		err := later.Do(ctx, "a", func(context.Context) error {
			for { // until no heartbeat comes between
				processes, err := s.Processes(t.Context())
				if err != nil {
					return err
				}
				silent := []store.Silent{{ProcessID: job.ProcessID, Beat: processes[0].Beat}}
				if back, err := s.Recover(t.Context(), silent, time.Time{}); err != nil || len(back) > 0 {
					return err
				}
			}
		})
		told <- err
		return err
	}))
	job := enqueue(t, stepJob, queue, numberArgs{})
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-told; !errors.Is(err, later.ErrLeaseLost) {
		t.Errorf("the step was told %v", err)
	}
	if steps, err := queue.Steps(t.Context(), job.ID); err != nil || len(steps) > 0 {
		t.Errorf("steps %v, %v", steps, err)
	}
	if attempts, err := queue.Attempts(t.Context(), job.ID); err != nil || len(attempts) != 2 || attempts[0].Outcome != store.AttemptCrashed {
		t.Errorf("attempts %+v, %v", attempts, err)
	}
}

// TestStepsWithoutRow: in memory, until the handler returns.
func TestStepsWithoutRow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		charged := 0
		work := func(ctx context.Context, _ numberArgs) error {
			cursor, err := later.Cursor(ctx, "rows", 7)
			if err != nil || cursor.Get() != 7 {
				t.Errorf("the cursor is at %d, %v", cursor.Get(), err)
			}
			return errors.Join(
				later.Do(ctx, "charge", func(context.Context) error { charged++; return nil }),
				cursor.Set(8), later.Sleep(ctx, "minute", time.Minute))
		}
		queue := newQueue(t, later.Config{}, stepJob.Do(work))
		before := time.Now()
		for range 2 {
			if err := stepJob.PerformNow(t.Context(), queue, numberArgs{}); err != nil {
				t.Error(err)
			}
		}
		if err := work(t.Context(), numberArgs{}); err != nil {
			t.Errorf("a handler that a test calls: %v", err)
		}
		if slept := time.Since(before); charged != 3 || slept != 3*time.Minute {
			t.Errorf("charged %d times, slept %v", charged, slept)
		}
	})
}

// TestStepsAreEncrypted with the definition: results, cursors, and what StepTx saves. A
// cursor that comes back to its place is none the less no progress.
func TestStepsAreEncrypted(t *testing.T) {
	hidden := later.Define[numberArgs]("HiddenJob", later.Encrypt(testKey(1)), later.MaxRetries(3), later.Fixed(time.Nanosecond))
	file := tempFile(t)
	s := open(t, file)
	performed := 0
	queue := queueOn(t, s, later.Config{}, hidden.Do(func(ctx context.Context, _ numberArgs) error {
		performed++
		first, err := later.Step(ctx, "a", func(context.Context) (string, error) { return secret, nil })
		if err != nil || first != secret {
			t.Errorf("the step says %q, %v", first, err)
		}
		second, err := later.Step(ctx, "b", func(ctx context.Context) (string, error) {
			tx, err := s.DB().BeginTx(ctx, nil)
			if err != nil {
				return "", err
			}
			defer tx.Rollback()
			return "", errors.Join(later.StepTx(ctx, s.Tx(tx), secret), tx.Commit())
		})
		if err != nil || second != secret {
			t.Errorf("the step in a transaction says %q, %v", second, err)
		}
		cursor, err := later.Cursor(ctx, "rows", "")
		if err != nil {
			return err
		}
		return errors.Join(cursor.Set(secret), errDown)
	}))
	job := enqueue(t, hidden, queue, numberArgs{})
	for range 8 {
		if _, err := queue.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got := get(t, queue, job.ID); got.Status != later.StatusFailed || performed != 5 {
		t.Errorf("%s after %d performings: %s", got.Status, performed, got.Error)
	}
	steps, err := queue.Steps(t.Context(), job.ID)
	if err != nil || len(steps) != 3 || strings.Contains(string(steps[0].Result), secret) {
		t.Errorf("stored: %+v, %v", steps, err)
	}
}
