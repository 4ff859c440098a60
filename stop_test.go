package later_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// inFakeTime runs a test in fake time with a queue whose store may misbehave.
func inFakeTime(t *testing.T, cfg later.Config, perform func(context.Context, textArgs) error,
	check func(t *testing.T, queue *later.JobQueue, s *faulty)) {
	t.Helper()
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		file := open(t, path)
		defer file.Close()
		s := &faulty{Store: file}
		queue := queueOn(t, s, cfg, textJob.Do(perform))
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		check(t, queue, s)
		stop(t, queue)
	})
}

func TestStopLetsJobsEnd(t *testing.T) {
	perform := func(context.Context, textArgs) error {
		<-time.After(5 * time.Second)
		return nil
	}
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		report := stop(t, queue)
		if report.Finished != 1 || report.Took < 4*time.Second || report.Took > 5*time.Second {
			t.Errorf("report: %+v", report)
		}
		wantStatus(t, get(t, queue, job.ID), later.StatusCompleted)
		if processes, err := queue.Processes(t.Context()); err != nil || len(processes) != 0 {
			t.Errorf("processes left: %v, %v", processes, err)
		}
	})
}

func TestStopCancelsWithoutBurningAttempts(t *testing.T) {
	var causes record[error]
	perform := func(ctx context.Context, _ textArgs) error {
		<-ctx.Done()
		causes.add(context.Cause(ctx))
		return ctx.Err()
	}
	inFakeTime(t, later.Config{Concurrency: 1}, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		running := enqueue(t, textJob, queue, textArgs{})
		waits := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		report := stop(t, queue)
		if report.Stopped != 1 || report.Took < 30*time.Second || report.Took > 31*time.Second {
			t.Errorf("report: %+v", report)
		}
		if cause := causes.all()[0]; !errors.Is(cause, later.ErrStopping) {
			t.Errorf("cause: %v", cause)
		}
		for _, id := range []int64{running.ID, waits.ID} {
			job := get(t, queue, id)
			wantStatus(t, job, later.StatusPending)
			if job.Attempt != 0 || job.Crashes != 0 {
				t.Errorf("a stop burned an attempt: %+v", job)
			}
		}
	})
}

// TestStoppingLetsJobsSaveThemselves: the job learns of the stop at once, long before
// its context ends, and is given back untouched.
func TestStoppingLetsJobsSaveThemselves(t *testing.T) {
	var ended record[error]
	perform := func(ctx context.Context, _ textArgs) error {
		<-later.Running(ctx).Stopping()
		ended.add(context.Cause(ctx))
		return fmt.Errorf("saved: %w", later.ErrStopping)
	}
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		job := enqueue(t, textJob, queue, textArgs{}, later.MaxRetries(0))
		<-time.After(time.Second)
		if n := len(ended.all()); n != 0 {
			t.Fatal("the job was told to stop while the process works")
		}
		report := stop(t, queue)
		if report.Finished != 1 || report.Took > time.Second {
			t.Errorf("report: %+v", report)
		}
		if causes := ended.all(); len(causes) != 1 || causes[0] != nil {
			t.Errorf("the context had ended by then: %v", causes)
		}
		job = get(t, queue, job.ID)
		wantStatus(t, job, later.StatusPending)
		if job.Attempt != 0 || job.Crashes != 0 || job.Error != "" {
			t.Errorf("a stop left its traces: %+v", job)
		}
		if attempts, err := queue.Attempts(t.Context(), job.ID); err != nil || len(attempts) != 0 {
			t.Errorf("attempts: %+v, %v", attempts, err)
		}
	})
}

// TestStoppingNeverComesToJobsWithoutARow: there is no process to give them back to.
func TestStoppingNeverComesToJobsWithoutARow(t *testing.T) {
	var seen record[<-chan struct{}]
	queue := newQueue(t, later.Config{}, textJob.Do(func(ctx context.Context, _ textArgs) error {
		seen.add(later.Running(ctx).Stopping())
		return nil
	}))
	if err := textJob.PerformNow(t.Context(), queue, textArgs{}); err != nil {
		t.Fatal(err)
	}
	if got := seen.all(); len(got) != 1 || got[0] != nil {
		t.Errorf("in PerformNow: %v", got)
	}
	if got := later.Running(t.Context()).Stopping(); got != nil {
		t.Errorf("outside of a handler: %v", got)
	}
}

// TestStopTwice: whoever loses patience calls Stop again, with a context that has
// ended. Both calls return, with the same report.
func TestStopTwice(t *testing.T) {
	perform := func(context.Context, textArgs) error {
		<-time.After(20 * time.Second)
		return nil
	}
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		reports := make(chan later.StopReport, 2)
		go func() { reports <- stop(t, queue) }()
		<-time.After(5 * time.Second)
		hurry, cancel := context.WithCancel(t.Context())
		cancel()
		report, err := queue.Stop(hurry)
		if err != nil || report.Took != 5*time.Second || !slices.Equal(report.Abandoned, []int64{job.ID}) {
			t.Errorf("report: %+v, %v", report, err)
		}
		if first := receive(t, reports); !slices.Equal(first.Abandoned, report.Abandoned) || first.Took != report.Took {
			t.Errorf("the first call: %+v, the second: %+v", first, report)
		}
		wantStatus(t, get(t, queue, job.ID), later.StatusPending)
		<-time.After(15 * time.Second) // the handler ends
	})
}

// TestStopAbandonsWhatDoesNotEnd: Stop returns within its timeouts, the job goes
// back to the queue, and the handler's late outcome is not stored.
func TestStopAbandonsWhatDoesNotEnd(t *testing.T) {
	var finish chan struct{}
	perform := func(context.Context, textArgs) error {
		<-finish
		return nil
	}
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		finish = make(chan struct{})
		job := enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		report := stop(t, queue)
		if !slices.Equal(report.Abandoned, []int64{job.ID}) || report.Took > 41*time.Second {
			t.Errorf("report: %+v", report)
		}
		close(finish)
		synctest.Wait()
		wantStatus(t, get(t, queue, job.ID), later.StatusPending)
	})
}

// TestStopReturnsThoughTheStoreHangs: within the two timeouts plus one second.
func TestStopReturnsThoughTheStoreHangs(t *testing.T) {
	perform := func(context.Context, textArgs) error { return nil }
	inFakeTime(t, later.Config{}, perform, func(t *testing.T, queue *later.JobQueue, s *faulty) {
		s.hang()
		enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		began := time.Now()
		if _, err := queue.Stop(t.Context()); err == nil {
			t.Error("no error though the process could not leave the store")
		}
		if took := time.Since(began); took > 41*time.Second {
			t.Errorf("stop took %v", took)
		}
	})
}

// TestStuckHandlerIsReported: once, with the stack that shows where it hangs.
func TestStuckHandlerIsReported(t *testing.T) {
	var log syncBuffer
	var finish chan struct{}
	perform := func(context.Context, textArgs) error { return hangHere(finish) }
	cfg := later.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	inFakeTime(t, cfg, perform, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		finish = make(chan struct{})
		enqueue(t, textJob, queue, textArgs{}, later.Timeout(time.Second), later.MaxRetries(0))
		<-time.After(time.Minute)
		if n := strings.Count(log.String(), "handler ignores the end of its context"); n != 1 {
			t.Errorf("reported %d times:\n%s", n, log.String())
		}
		if !strings.Contains(log.String(), "hangHere") {
			t.Errorf("the stack is missing:\n%s", log.String())
		}
		if running := queue.Status().Running; len(running) != 1 || !running[0].Stuck {
			t.Errorf("status: %+v", running)
		}
		close(finish)
	})
}

func hangHere(finish chan struct{}) error {
	<-finish
	return nil
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// faulty is a store that fails when a test says so.
type faulty struct {
	store.Store
	mu          sync.Mutex
	failBeat    error
	failFinish  int // so many times
	loseReplies int // of so many claims
	hanging     bool
	locked      chan struct{} // beats wait until it is closed, recoveries do not have to
	slowBeat    time.Duration // the answer to the next one
	slowClaim   time.Duration // the answer to the next one of a suspect
}

func (f *faulty) set(change func(*faulty)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
}

// hang makes claims, outcomes and leaving wait until their context ends.
func (f *faulty) hang() { f.set(func(f *faulty) { f.hanging = true }) }

func (f *faulty) hangs(ctx context.Context) error {
	f.mu.Lock()
	hanging := f.hanging
	f.mu.Unlock()
	if !hanging {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *faulty) Beat(ctx context.Context, h store.Heartbeat, now time.Time) (store.Beaten, error) {
	f.mu.Lock()
	fail, locked := f.failBeat, f.locked
	f.mu.Unlock()
	if locked != nil {
		<-locked
	}
	if fail != nil {
		return store.Beaten{}, fail
	}
	beaten, err := f.Store.Beat(ctx, h, now)
	f.dawdle(&f.slowBeat)
	return beaten, err
}

// dawdle is how an answer comes late, once.
func (f *faulty) dawdle(by *time.Duration) {
	f.mu.Lock()
	late := *by
	*by = 0
	f.mu.Unlock()
	<-time.After(late)
}

func (f *faulty) Claim(ctx context.Context, d store.Demand, now time.Time) ([]store.Job, error) {
	if err := f.hangs(ctx); err != nil {
		return nil, err
	}
	jobs, err := f.Store.Claim(ctx, d, now)
	if d.Suspects && len(jobs) > 0 {
		f.dawdle(&f.slowClaim)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(jobs) > 0 && f.loseReplies > 0 {
		f.loseReplies--
		return nil, store.ErrUnavailable
	}
	return jobs, err
}

func (f *faulty) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if err := f.hangs(ctx); err != nil {
		return nil, err
	}
	f.mu.Lock()
	fail := f.failFinish > 0
	f.failFinish--
	f.mu.Unlock()
	if fail {
		return nil, store.ErrUnavailable
	}
	return f.Store.Finish(ctx, outcomes, now)
}

func (f *faulty) Leave(ctx context.Context, id int64, now time.Time) error {
	if err := f.hangs(ctx); err != nil {
		return err
	}
	return f.Store.Leave(ctx, id, now)
}
