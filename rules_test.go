package later_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
)

var errBusy = errors.New("busy")

// TestRulesOfADefinition: what a first failure leads to, by the options of the
// definition and the call.
func TestRulesOfADefinition(t *testing.T) {
	gone := &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist}
	opts := func(opts ...later.DefineOption) []later.DefineOption { return opts }
	for _, test := range []struct {
		name  string
		opts  []later.DefineOption
		call  []later.CallOption
		err   error
		after time.Duration // until the retry; 0: failed
	}{
		{"the default is exponential from 10 s", nil, nil, errBusy, 10 * time.Second},
		{"fixed", opts(later.Fixed(time.Minute)), nil, errBusy, time.Minute},
		{"linear", opts(later.Linear(time.Hour, 2*time.Hour)), nil, errBusy, time.Hour},
		{"own function", opts(later.Backoff(func(retry int, err error) time.Duration {
			return time.Duration(retry) * time.Duration(len(err.Error())) * time.Minute
		})), nil, errBusy, 4 * time.Minute},
		{"not retryable", opts(later.NotRetryable()), nil, errBusy, 0},
		{"not retryable by the call", nil, []later.CallOption{later.NotRetryable()}, errBusy, 0},
		{"no retries", opts(later.MaxRetries(0)), nil, errBusy, 0},
		{"retries by the call", opts(later.MaxRetries(0)), []later.CallOption{later.MaxRetries(1)}, errBusy, 10 * time.Second},
		{"retry if, yes", opts(later.RetryIf(func(err error) bool { return errors.Is(err, errBusy) })), nil, errBusy, 10 * time.Second},
		{"retry if, no", opts(later.RetryIf(func(err error) bool { return errors.Is(err, errBusy) })), nil, gone, 0},
		{"retry on a value", opts(later.NotRetryable(), later.RetryOn(errBusy, later.MaxRetries(9), later.Fixed(time.Second))), nil,
			fmt.Errorf("wrapped: %w", errBusy), time.Second},
		{"retry on a type", opts(later.RetryOn((*fs.PathError)(nil), later.Fixed(time.Hour))), nil, gone, time.Hour},
		{"retry on another", opts(later.NotRetryable(), later.RetryOn(fs.ErrExist)), nil, gone, 0},
		{"discard on a value", opts(later.DiscardOn(errBusy)), nil, fmt.Errorf("wrapped: %w", errBusy), 0},
		{"discard wins", opts(later.DiscardOn(fs.ErrNotExist), later.RetryOn((*fs.PathError)(nil))), nil, gone, 0},
		{"discard on another", opts(later.DiscardOn(fs.ErrExist)), nil, gone, 10 * time.Second},
		{"a rule that panics", opts(later.RetryIf(func(error) bool { panic("oh no") })), nil, errBusy, 0},
		{"a backoff that panics", opts(later.Backoff(func(int, error) time.Duration { panic("oh no") })), nil, errBusy, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			perform := func(context.Context, numberArgs) error { return test.err }
			synced(t, test.opts, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
				job := enqueue(t, number, queue, numberArgs{}, test.call...)
				<-time.After(time.Second / 2)
				job = get(t, queue, job.ID)
				if strings.HasSuffix(test.name, "panics") && !strings.Contains(job.Error, "cannot decide about a retry: panic: oh no") {
					t.Errorf("error: %q", job.Error)
				}
				if test.after == 0 {
					wantStatus(t, job, later.StatusFailed)
					return
				}
				wantStatus(t, job, later.StatusRetrying)
				wait := job.NextRunAt.Sub(job.QueuedAt)
				if wait < test.after*9/10-time.Second || wait > test.after*11/10+time.Second {
					t.Errorf("retried after %v, want about %v", wait, test.after)
				}
			})
		})
	}
}

// TestFormerNames: jobs that were stored before a rename are performed.
func TestFormerNames(t *testing.T) {
	before := later.Define[numberArgs]("OldJob")
	after := later.Define[numberArgs]("NewJob", later.FormerlyNamed("OldJob", "VeryOldJob"))
	var numbers record[int64]
	queue := newQueue(t, later.Config{}, after.Do(func(_ context.Context, args numberArgs) error {
		numbers.add(args.N)
		return nil
	}))
	job := enqueue(t, before, queue, numberArgs{7})
	if _, err := queue.Enqueue(t.Context(), "VeryOldJob", []byte(`{"n":8}`)); err != nil {
		t.Fatal(err)
	}
	if n, err := queue.Drain(t.Context()); n != 2 || err != nil {
		t.Fatalf("drained %d, %v", n, err)
	}
	wantStatus(t, get(t, queue, job.ID), later.StatusCompleted)
	if seen := numbers.all(); len(seen) != 2 || seen[0] != 7 || seen[1] != 8 {
		t.Errorf("performed %v", seen)
	}
}

// TestStartDelay: nothing is claimed before, and heartbeats go out all the same.
func TestStartDelay(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{StartDelay: 30 * time.Second}, textJob.Do(func(context.Context, textArgs) error { return nil }))
		job := enqueue(t, textJob, queue, textArgs{})
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(29 * time.Second)
		wantStatus(t, get(t, queue, job.ID), later.StatusPending)
		if processes, err := queue.Processes(t.Context()); err != nil || len(processes) != 1 || processes[0].Beat < 8 {
			t.Errorf("processes: %+v, %v", processes, err)
		}
		<-time.After(2 * time.Second)
		wantStatus(t, get(t, queue, job.ID), later.StatusCompleted)
		stop(t, queue)
	})
}

// TestConfigureWhileRunning: more slots are used at once; a queue that is no longer
// named is left alone.
func TestConfigureWhileRunning(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		finish := make(chan struct{})
		queue := queueOn(t, s, later.Config{Queues: map[string]int{"default": 1}}, textJob.Do(func(context.Context, textArgs) error {
			<-finish
			return nil
		}))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			enqueue(t, textJob, queue, textArgs{})
		}
		other := enqueue(t, textJob, queue, textArgs{}, later.Queue("other"))
		running := func() int {
			<-time.After(100 * time.Millisecond)
			return len(queue.Status().Running)
		}
		if n := running(); n != 1 {
			t.Errorf("%d running with one slot", n)
		}
		queue.Configure(func(s *later.Settings) { s.Queues = map[string]int{"default": 3} })
		if n := running(); n != 3 {
			t.Errorf("%d running with three slots", n)
		}
		queue.Configure(func(s *later.Settings) { s.Queues = map[string]int{"other": 1} })
		if n := running(); n != 4 {
			t.Errorf("%d running when the other queue was named as well", n)
		}
		close(finish)
		wantStatus(t, wait(t, queue, other.ID), later.StatusCompleted)
		left := enqueue(t, textJob, queue, textArgs{})
		<-time.After(10 * time.Second)
		wantStatus(t, get(t, queue, left.ID), later.StatusPending)
		stop(t, queue)
	})
}

// TestJobsWithoutHandlerAreReported: they wait, burn nothing, and somebody is told.
func TestJobsWithoutHandlerAreReported(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		var log bytes.Buffer
		queue := queueOn(t, s, later.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))},
			textJob.Do(func(context.Context, textArgs) error { return nil }))
		job := enqueue(t, mailJob, queue, mailArgs{1, "ada@example.com"})
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(5 * time.Minute)
		stop(t, queue)
		if got := get(t, queue, job.ID); got.Status != later.StatusPending || got.Attempt != 0 {
			t.Errorf("the job: %+v", got)
		}
		if n := strings.Count(log.String(), "jobs wait for a handler that no process has registered"); n != 1 ||
			!strings.Contains(log.String(), "type=MailJob") {
			t.Errorf("reported %d times:\n%s", n, log.String())
		}
	})
}
