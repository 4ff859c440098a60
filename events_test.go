package later_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// told are the events that have come by now, in words.
func told(events <-chan later.Event) (seen []string) {
	for {
		select {
		case e := <-events:
			line := fmt.Sprintf("%s %s %d", e.Kind, e.Job.Status, e.Job.Attempt)
			if e.Job.Error != "" {
				line += " " + e.Job.Error
			}
			seen = append(seen, line)
		default:
			return seen
		}
	}
}

// TestEventsOfALife: every step of a job, with the job as it is afterwards.
func TestEventsOfALife(t *testing.T) {
	errs := []error{later.Postpone(time.Minute, "not yet"), errBusy, nil}
	performed := 0
	number := later.Define[numberArgs]("NumberJob", later.DiscardOn(context.Canceled))
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{PollInterval: time.Minute, HardStop: time.Minute}, number.Do(func(ctx context.Context, args numberArgs) error {
			switch args.N {
			case 0:
				performed++
				return errs[performed-1]
			case 1:
				return context.Canceled
			case 2:
				<-ctx.Done()
				return context.Cause(ctx)
			}
			<-ctx.Done()
			<-time.After(20 * time.Second)
			return nil
		}))
		all := queue.Subscribe(t.Context())
		failures := queue.Subscribe(t.Context(), later.EventFailed, later.EventRetried)
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, queue)
		expect := func(n int64, want ...string) later.Job {
			t.Helper()
			job := wait(t, queue, enqueue(t, number, queue, numberArgs{n}).ID)
			synctest.Wait()
			if seen := told(all); !slices.Equal(slices.Sorted(slices.Values(seen)), slices.Sorted(slices.Values(want))) {
				t.Errorf("told %q, want %q", seen, want)
			}
			return job
		}
		expect(0, "enqueued pending 0", "started running 1", "postponed scheduled 0", "started running 1", "retried retrying 1 busy",
			"started running 2 busy", "completed completed 2")
		expect(1, "enqueued pending 0", "started running 1", "failed failed 1 context canceled")
		if seen := told(failures); !slices.Equal(seen, []string{"retried retrying 1 busy", "failed failed 1 context canceled"}) {
			t.Errorf("failures: %q", seen)
		}
		cancelled := enqueue(t, number, queue, numberArgs{3}) // completes all the same, after it was asked to stop
		<-time.After(time.Second)
		if err := queue.Cancel(t.Context(), cancelled.ID, "not needed"); err != nil {
			t.Fatal(err)
		}
		wantStatus(t, wait(t, queue, cancelled.ID), later.StatusCancelled)
		synctest.Wait()
		if seen := told(all); !slices.Equal(seen, []string{"enqueued pending 0", "started running 1", "stuck running 1", "cancelled cancelled 1 not needed"}) {
			t.Errorf("cancelled: %q", seen)
		}
		enqueue(t, number, queue, numberArgs{2})
		<-time.After(time.Second)
		stop(t, queue)
		if seen := told(all); !slices.Equal(seen, []string{"enqueued pending 0", "started running 1", "released pending 0"}) {
			t.Errorf("released: %q", seen)
		}
	})
}

// TestEventsOfRecovery: jobs taken back from a process that died.
func TestEventsOfRecovery(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{}, textJob.Do(func(context.Context, textArgs) error { return nil }))
		recovered := queue.Subscribe(t.Context(), later.EventRecovered)
		job := enqueue(t, textJob, queue, textArgs{})
		if err := s.Join(t.Context(), store.Process{ID: 7, State: store.ProcessRunning, Host: "elsewhere"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), store.Demand{ProcessID: 7, Token: 9, Types: []string{"TextJob"}, Limit: 1}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer stop(t, queue)
		wantStatus(t, wait(t, queue, job.ID), later.StatusCompleted)
		if e := receive(t, recovered); e.Job.ID != job.ID || e.Job.ProcessID != 7 || e.Job.Crashes != 1 || e.Job.Status != later.StatusPending {
			t.Errorf("%+v", e)
		}
	})
}

// TestEventsOfTwoClaims: what comes too late is told as that.
func TestEventsOfTwoClaims(t *testing.T) {
	s := open(t, tempFile(t))
	taken := false
	queue := queueOn(t, s, later.Config{}, textJob.Do(func(ctx context.Context, _ textArgs) error {
		for !taken { // again, if its process has sent a heartbeat in between
			processes, err := s.Processes(ctx)
			if err != nil || len(processes) == 0 {
				return fmt.Errorf("%d processes, %w", len(processes), err)
			}
			recovered, err := s.Recover(ctx, []store.Silent{{ProcessID: processes[0].ID, Beat: processes[0].Beat}}, time.Now())
			if err != nil {
				return err
			}
			taken = len(recovered) > 0
		}
		return nil
	}))
	events := queue.Subscribe(t.Context(), later.EventCompleted, later.EventSuperseded)
	enqueue(t, textJob, queue, textArgs{})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		if e := <-events; e.Kind != later.EventSuperseded {
			t.Errorf("%+v", e)
		}
		cancel()
	}()
	if _, err := queue.Drain(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrProcessGone) {
		t.Log(err) // its process was declared dead
	}
	<-ctx.Done()
}

// TestSlowSubscribersMissEvents, and are told how many; they hold up nobody.
func TestSlowSubscribersMissEvents(t *testing.T) {
	queue := newQueue(t, later.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	events := queue.Subscribe(ctx, later.EventEnqueued)
	calls := make([]later.Call, 1500)
	for i := range calls {
		calls[i] = textJob.With(textArgs{})
	}
	if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
	for range 1024 {
		if e := <-events; e.Missed != 0 {
			t.Fatalf("missed %d", e.Missed)
		}
	}
	if len(events) != 0 {
		t.Errorf("%d events more than fit", len(events))
	}
	enqueue(t, textJob, queue, textArgs{})
	if e := <-events; e.Missed != 1500-1024 {
		t.Errorf("missed %d", e.Missed)
	}
	enqueue(t, textJob, queue, textArgs{})
	if e := <-events; e.Missed != 0 {
		t.Errorf("missed %d once more", e.Missed)
	}
	cancel()
	for range events { // until it is closed
	}
	enqueue(t, textJob, queue, textArgs{})
}
