package latertest_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/store"
)

type StepArgs struct {
	Name string `json:"name"`
}

var Step = later.Define[StepArgs]("StepJob", later.Fixed(20*time.Minute), later.MaxRetries(2))

// performingSteps is a queue that notes which steps it performs; what they do more is
// in deeds.
func performingSteps(t *testing.T, deeds map[string]func(ctx context.Context) error) (*later.JobQueue, *[]string) {
	var done []string
	queue := latertest.New(t, later.Config{}, Step.Do(func(ctx context.Context, args StepArgs) error {
		done = append(done, args.Name)
		if deed := deeds[args.Name]; deed != nil {
			return deed(ctx)
		}
		return nil
	}))
	return queue, &done
}

func stepIn(t *testing.T, queue *later.JobQueue, name string, in time.Duration) {
	t.Helper()
	if _, err := Step.PerformIn(t.Context(), queue, in, StepArgs{name}); err != nil {
		t.Fatal(err)
	}
}

// TestDrainWithin: what is due within the hour, in the order in which it is due, and no more.
func TestDrainWithin(t *testing.T) {
	var queue *later.JobQueue
	tries := 0
	queue, done := performingSteps(t, map[string]func(context.Context) error{
		"parent": func(ctx context.Context) error { // at minute 29
			stepIn(t, queue, "child within", 29*time.Minute)
			stepIn(t, queue, "child beyond", 32*time.Minute)
			return nil
		},
		"postponed": func(ctx context.Context) error { return later.Postpone(25*time.Minute, "again") }, // at 5, 30, 55, 80
		"failing":   func(ctx context.Context) error { tries++; return errors.New("no") },               // at 0, about 20, about 40
	})
	stepIn(t, queue, "beyond", 61*time.Minute)
	stepIn(t, queue, "last", 59*time.Minute+30*time.Second)
	stepIn(t, queue, "parent", 29*time.Minute)
	stepIn(t, queue, "postponed", 5*time.Minute)
	stepIn(t, queue, "failing", 0)
	performed := latertest.Drain(t, queue, latertest.Within(time.Hour))
	want := []string{"failing", "postponed", "failing", "parent", "postponed", "failing", "postponed", "child within", "last"}
	if !slices.Equal(*done, want) || performed != len(want) {
		t.Errorf("performed %d: %q, want %q", performed, *done, want)
	}
	latertest.Enqueued(t, queue, Step, latertest.Times(4), latertest.Where(func(job latertest.Job[StepArgs]) bool {
		return job.Status.Finished()
	}))
	if more := latertest.Drain(t, queue); more != 0 {
		t.Errorf("performed %d that were not due", more)
	}
}

func TestDrainAllScheduled(t *testing.T) {
	queue, done := performingSteps(t, map[string]func(context.Context) error{
		"failing": func(ctx context.Context) error { return errors.New("no") },
	})
	stepIn(t, queue, "next year", 366*24*time.Hour)
	stepIn(t, queue, "failing", time.Hour)
	latertest.Drain(t, queue, latertest.AllScheduled())
	if want := []string{"failing", "failing", "failing", "next year"}; !slices.Equal(*done, want) {
		t.Errorf("performed %q, want %q", *done, want)
	}
}

func TestDrainAllScheduledEnds(t *testing.T) {
	queue, _ := performingSteps(t, map[string]func(context.Context) error{
		"endless": func(ctx context.Context) error { return later.Postpone(time.Hour, "again") },
	})
	stepIn(t, queue, "endless", 0)
	text := complaintOf(t, func(t testing.TB) { latertest.Drain(t, queue, latertest.AllScheduled()) })
	if !strings.Contains(text, "does it postpone itself for ever?") {
		t.Errorf("complaint: %q", text)
	}
}

// TestCrash: the process dies with the job in hand; the job is taken back and performed again.
func TestCrash(t *testing.T) {
	crashes := 0
	var processes []int64
	queue, done := performingSteps(t, map[string]func(context.Context) error{
		"fragile": func(ctx context.Context) error {
			processes = append(processes, later.Running(ctx).ProcessID)
			if crashes++; crashes == 1 {
				latertest.Crash(ctx)
			}
			return nil
		},
	})
	stepIn(t, queue, "before", 0)
	stepIn(t, queue, "fragile", 0)
	stepIn(t, queue, "after", 0)
	if performed := latertest.Drain(t, queue); performed != 4 {
		t.Errorf("performed %d", performed)
	}
	if want := []string{"before", "fragile", "after", "fragile"}; !slices.Equal(*done, want) {
		t.Errorf("performed %q, want %q", *done, want)
	}
	fragile := latertest.Performed(t, queue, Step, latertest.Args(StepArgs{"fragile"}))[0]
	if fragile.Status != later.StatusCompleted || fragile.Crashes != 1 || fragile.Attempt != 1 {
		t.Errorf("after a crash: %+v", fragile)
	}
	if len(processes) != 2 || processes[0] == processes[1] {
		t.Errorf("performed by the processes %v", processes)
	}
	if left, err := queue.Processes(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("processes left: %v, %v", left, err)
	}
}

// TestCrashEveryTime: after five crashes a job is failed, as in production.
func TestCrashEveryTime(t *testing.T) {
	queue, done := performingSteps(t, map[string]func(context.Context) error{
		"deadly": func(ctx context.Context) error { latertest.Crash(ctx); return nil },
	})
	stepIn(t, queue, "deadly", 0)
	latertest.Drain(t, queue)
	deadly := latertest.Performed(t, queue, Step)[0]
	if len(*done) != store.MaxCrashes || deadly.Status != later.StatusFailed || deadly.Crashes != store.MaxCrashes || deadly.Attempt != 0 {
		t.Errorf("performed %d times: %+v", len(*done), deadly)
	}
}

// TestCrashSomewhereElse: a context that no Drain has made cannot crash.
func TestCrashSomewhereElse(t *testing.T) {
	defer func() {
		if text, _ := recover().(string); !strings.Contains(text, "needs the context of a job") {
			t.Errorf("panicked with %q", text)
		}
	}()
	latertest.Crash(t.Context())
}
