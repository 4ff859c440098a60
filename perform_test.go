package later_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
)

func TestPerformLater(t *testing.T) {
	number := later.Define[numberArgs]("NumberJob")
	got := make(chan int64, 1)
	queue := newQueue(t, later.Config{}, number.Do(func(_ context.Context, args numberArgs) error {
		got <- args.N
		return nil
	}))
	start(t, queue)
	const big = 1<<53 + 1 // not a float64
	job := enqueue(t, number, queue, numberArgs{big})
	if n := receive(t, got); n != big {
		t.Errorf("performed with %d, want %d", n, int64(big))
	}
	job = wait(t, queue, job.ID)
	wantStatus(t, job, later.StatusCompleted)
	if job.Attempt != 1 || job.FinishedAt.IsZero() || job.StartedAt.Before(job.QueuedAt.Add(-time.Second)) {
		t.Errorf("completed job: %+v", job)
	}
}

// synced runs a test in fake time over a real file. It hands over a queue whose
// handler calls perform.
func synced(t *testing.T, opts []later.DefineOption, perform func(context.Context, numberArgs) error,
	check func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs])) {
	t.Helper()
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		number := later.Define[numberArgs]("NumberJob", opts...)
		store := open(t, path)
		defer store.Close()
		queue := queueOn(t, store, later.Config{PollInterval: time.Minute}, number.Do(perform))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, queue)
		check(t, queue, number)
	})
}

func TestPerformAtStartsInTime(t *testing.T) {
	var starts record[time.Time]
	perform := func(context.Context, numberArgs) error {
		starts.add(time.Now())
		return nil
	}
	synced(t, nil, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		at := time.Now().Add(2*time.Minute + 123*time.Millisecond)
		job, err := number.PerformAt(t.Context(), queue, at, numberArgs{})
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, job, later.StatusScheduled)
		wait(t, queue, job.ID)
		if late := starts.all()[0].Sub(at); late < 0 || late > 50*time.Millisecond {
			t.Errorf("PerformAt started %v after its time", late)
		}
		at = time.Now().Add(time.Minute)
		job, err = number.PerformIn(t.Context(), queue, time.Minute, numberArgs{})
		if err != nil {
			t.Fatal(err)
		}
		wait(t, queue, job.ID)
		if late := starts.all()[1].Sub(at); late < 0 || late > 50*time.Millisecond {
			t.Errorf("PerformIn started %v after its time", late)
		}
	})
}

func TestRetriesWithBackoff(t *testing.T) {
	var starts record[time.Time]
	perform := func(ctx context.Context, _ numberArgs) error {
		starts.add(time.Now())
		return fmt.Errorf("attempt %d", later.Running(ctx).Attempt)
	}
	opts := []later.DefineOption{later.MaxRetries(3), later.Exponential(10*time.Second, 30*time.Second)}
	synced(t, opts, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		job := wait(t, queue, enqueue(t, number, queue, numberArgs{}).ID)
		wantStatus(t, job, later.StatusFailed)
		if job.Error != "attempt 4" || job.Attempt != 4 {
			t.Errorf("failed with %q after %d attempts", job.Error, job.Attempt)
		}
		for i, want := range []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second} {
			if got := starts.all()[i+1].Sub(starts.all()[i]); got < want*9/10 || got > want*11/10+50*time.Millisecond {
				t.Errorf("retry %d came after %v, want about %v", i+1, got, want)
			}
		}
		attempts, err := queue.Attempts(t.Context(), job.ID)
		if err != nil || len(attempts) != 4 {
			t.Errorf("attempts: %v, %v", attempts, err)
		}
	})
}

func TestTimeoutEndsTheContext(t *testing.T) {
	var causes record[error]
	perform := func(ctx context.Context, _ numberArgs) error {
		<-ctx.Done()
		causes.add(context.Cause(ctx))
		return ctx.Err()
	}
	opts := []later.DefineOption{later.Timeout(10 * time.Second), later.NotRetryable()}
	synced(t, opts, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		job := wait(t, queue, enqueue(t, number, queue, numberArgs{}).ID)
		wantStatus(t, job, later.StatusFailed)
		if cause := causes.all()[0]; !errors.Is(cause, later.ErrTimeout) {
			t.Errorf("cause: %v", cause)
		}
		if took := job.FinishedAt.Sub(job.StartedAt); took != 10*time.Second {
			t.Errorf("timed out after %v", took)
		}
		if !strings.Contains(job.Error, "timed out after 10s") {
			t.Errorf("error: %q", job.Error)
		}
	})
}

func TestPostponeUsesNoAttempt(t *testing.T) {
	var performed int
	perform := func(ctx context.Context, _ numberArgs) error {
		if later.Running(ctx).Attempt != 1 {
			t.Errorf("attempt %d, want 1", later.Running(ctx).Attempt)
		}
		if performed++; performed <= 5 {
			return later.Postpone(20*time.Second, "the other side is closed")
		}
		return nil
	}
	synced(t, []later.DefineOption{later.MaxRetries(0)}, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		began := time.Now()
		id := enqueue(t, number, queue, numberArgs{}).ID
		<-time.After(10 * time.Second)
		job := get(t, queue, id)
		wantStatus(t, job, later.StatusScheduled)
		if job.Reason != "the other side is closed" {
			t.Errorf("reason: %q", job.Reason)
		}
		job = wait(t, queue, id)
		wantStatus(t, job, later.StatusCompleted)
		if took := time.Since(began); took < 100*time.Second || took > 105*time.Second {
			t.Errorf("a hundred seconds of postponement took %v", took)
		}
	})
}

func TestHandlersSteerTheirJobs(t *testing.T) {
	boom := errors.New("boom")
	for _, test := range []struct {
		name    string
		perform func(context.Context, numberArgs) error
		status  later.JobStatus
		error   string
	}{
		{"discard", func(context.Context, numberArgs) error { return later.Discard(boom) }, later.StatusFailed, "boom"},
		{"cancel self", func(context.Context, numberArgs) error { return later.CancelSelf(boom) }, later.StatusCancelled, "boom"},
		{"retry in", func(context.Context, numberArgs) error { return later.RetryIn(time.Hour, boom) }, later.StatusRetrying, "boom"},
		{"panic", func(context.Context, numberArgs) error { panic(boom) }, later.StatusRetrying, "panic: boom"},
		{"goexit", func(context.Context, numberArgs) error { runtime.Goexit(); return nil }, later.StatusRetrying,
			"the handler ended its goroutine (runtime.Goexit)"},
		{"NUL and broken UTF-8", func(context.Context, numberArgs) error { return errors.New("a\x00b\xff") }, later.StatusRetrying, "a␀b�"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synced(t, nil, test.perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
				// One slot's worth of such jobs and one more: none may cost a slot.
				var last int64
				for range 6 {
					last = enqueue(t, number, queue, numberArgs{}).ID
				}
				<-time.After(time.Second)
				job := get(t, queue, last)
				wantStatus(t, job, test.status)
				if job.Error != test.error {
					t.Errorf("error %q, want %q", job.Error, test.error)
				}
			})
		})
	}
}

func TestCancelRunning(t *testing.T) {
	path := tempFile(t)
	number := later.Define[numberArgs]("NumberJob")
	running, causes := make(chan struct{}, 1), make(chan error, 1)
	worker := queueOn(t, open(t, path), later.Config{}, number.Do(func(ctx context.Context, _ numberArgs) error {
		running <- struct{}{}
		<-ctx.Done()
		causes <- context.Cause(ctx)
		return ctx.Err()
	}))
	start(t, worker)
	for _, from := range []struct {
		name  string
		queue *later.JobQueue
	}{{"the same process", worker}, {"another store", queueOn(t, open(t, path), later.Config{})}} {
		t.Run(from.name, func(t *testing.T) {
			job := enqueue(t, number, from.queue, numberArgs{})
			receive(t, running)
			asked := time.Now()
			if err := from.queue.Cancel(t.Context(), job.ID, "changed my mind"); err != nil {
				t.Fatal(err)
			}
			if cause := receive(t, causes); !errors.Is(cause, later.ErrCancelled) || !strings.Contains(cause.Error(), "changed my mind") {
				t.Errorf("cause: %v", cause)
			}
			if took := time.Since(asked); took > 2*time.Second {
				t.Errorf("the handler learned of it after %v", took)
			}
			job = wait(t, worker, job.ID)
			wantStatus(t, job, later.StatusCancelled)
			if job.Error != "changed my mind" {
				t.Errorf("reason: %q", job.Error)
			}
			if err := from.queue.Cancel(t.Context(), job.ID, ""); !errors.Is(err, later.ErrConflict) {
				t.Errorf("cancel of a cancelled job: %v", err)
			}
		})
	}
}

func TestConcurrencyIsKept(t *testing.T) {
	number := later.Define[numberArgs]("NumberJob")
	var now, most atomic.Int64
	queue := newQueue(t, later.Config{Queues: map[string]int{"a": 2, "b": 3}}, number.Do(func(context.Context, numberArgs) error {
		most.Store(max(most.Load(), now.Add(1)))
		runtime.Gosched()
		now.Add(-1)
		return nil
	}))
	start(t, queue)
	var calls []later.Call
	for i := range 500 {
		calls = append(calls, number.With(numberArgs{}, later.Queue([]string{"a", "b", "c"}[i%3])))
	}
	jobs, err := queue.EnqueueAll(t.Context(), calls...)
	if err != nil {
		t.Fatal(err)
	}
	for _, job := range jobs {
		if job.Queue != "c" {
			wantStatus(t, wait(t, queue, job.ID), later.StatusCompleted)
		}
	}
	wantStatus(t, get(t, queue, jobs[2].ID), later.StatusPending)
	if most.Load() > 5 {
		t.Errorf("%d jobs at once on 5 slots", most.Load())
	}
}

func TestResults(t *testing.T) {
	double := later.DefineResult[numberArgs, int64]("DoubleJob", later.NotRetryable())
	queue := newQueue(t, later.Config{}, double.Do(func(_ context.Context, args numberArgs) (int64, error) {
		if args.N < 0 {
			return 0, errors.New("negative")
		}
		return 2 * args.N, nil
	}))
	start(t, queue)
	job := enqueue(t, &double.Definition, queue, numberArgs{1 << 60})
	if got, err := double.Await(t.Context(), queue, job.ID); err != nil || got != 1<<61 {
		t.Errorf("awaited %d, %v", got, err)
	}
	if got, err := double.PerformNow(t.Context(), queue, numberArgs{21}); err != nil || got != 42 {
		t.Errorf("performed now: %d, %v", got, err)
	}
	job = enqueue(t, &double.Definition, queue, numberArgs{-1})
	_, err := double.Await(t.Context(), queue, job.ID)
	var failed *later.JobError
	if !errors.As(err, &failed) || failed.Job.Error != "negative" {
		t.Errorf("await of a failed job: %v", err)
	}
}
