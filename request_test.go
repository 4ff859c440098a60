package later_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
)

// hangInHere ignores its context, as bad handlers do, in a goroutine of its own as well.
func hangInHere(until chan struct{}) {
	over := make(chan struct{})
	go func() {
		defer close(over)
		alsoHangInHere(until)
	}()
	<-until
	<-over
}

func alsoHangInHere(until chan struct{}) { <-until }

// TestStackOfARunningJob: whoever asks sees where a job hangs that ignores its context,
// with the goroutines that it has started and nothing of others.
func TestStackOfARunningJob(t *testing.T) {
	var until chan struct{}
	inFakeTime(t, later.Config{Concurrency: 2}, func(context.Context, textArgs) error {
		hangInHere(until)
		return nil
	}, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		until = make(chan struct{}) // in the bubble
		job, other := enqueue(t, textJob, queue, textArgs{}), enqueue(t, textJob, queue, textArgs{})
		synctest.Wait()
		awaitStatus(t, queue, job.ID, later.StatusRunning)
		awaitStatus(t, queue, other.ID, later.StatusRunning)
		if err := queue.Cancel(t.Context(), job.ID, "hangs"); err != nil {
			t.Fatal(err)
		}
		stack := answerTo(t, queue, later.ProcessRequest{Kind: later.RequestStack, JobID: job.ID}).Answer
		for _, want := range []string{"hangInHere", "alsoHangInHere", "request_test.go"} {
			if !strings.Contains(stack, want) {
				t.Errorf("%s is not in\n%s", want, stack)
			}
		}
		if n := strings.Count(stack, "goroutine "); strings.Count("\n\n"+stack, "\n\ngoroutine ") != 2 {
			t.Errorf("%d goroutines, expected those of one job:\n%s", n, stack)
		}
		close(until)
		wait(t, queue, job.ID)
		if _, err := queue.AskProcess(t.Context(), later.ProcessRequest{Kind: later.RequestStack, JobID: job.ID}); !errors.Is(err, later.ErrConflict) {
			t.Errorf("the stack of a finished job: %v", err)
		}
	})
}

// TestDrainAndResume: a process that drains finishes what it runs, claims nothing more
// and lives on, until it is asked to resume.
func TestDrainAndResume(t *testing.T) {
	var proceed chan struct{}
	inFakeTime(t, later.Config{Concurrency: 1}, func(context.Context, textArgs) error {
		<-proceed
		return nil
	}, func(t *testing.T, queue *later.JobQueue, _ *faulty) {
		proceed = make(chan struct{}) // in the bubble
		process := queue.Status().ProcessID
		first := enqueue(t, textJob, queue, textArgs{})
		awaitStatus(t, queue, first.ID, later.StatusRunning)
		second := enqueue(t, textJob, queue, textArgs{})
		answerTo(t, queue, later.ProcessRequest{Kind: later.RequestDrain, ProcessID: process, By: "ada"})
		proceed <- struct{}{}
		wantStatus(t, wait(t, queue, first.ID), later.StatusCompleted)
		<-time.After(20 * time.Second) // several polls
		wantStatus(t, get(t, queue, second.ID), later.StatusPending)
		if s := queue.Status(); !s.Draining || s.Stopping {
			t.Errorf("status: %+v", s)
		}
		if processes, err := queue.Processes(t.Context()); err != nil || len(processes) != 1 || processes[0].State != "draining" {
			t.Errorf("processes: %+v, %v", processes, err)
		}
		answerTo(t, queue, later.ProcessRequest{Kind: later.RequestResume, ProcessID: process})
		proceed <- struct{}{}
		wantStatus(t, wait(t, queue, second.ID), later.StatusCompleted)
	})
}

// TestRequestsThatCannotBe: what is refused, and what nobody answers.
func TestRequestsThatCannotBe(t *testing.T) {
	queue := newQueue(t, later.Config{})
	for _, refused := range []struct {
		request later.ProcessRequest
		want    error
	}{
		{later.ProcessRequest{Kind: "reboot", ProcessID: 1}, later.ErrInvalidOption},
		{later.ProcessRequest{Kind: later.RequestDrain, ProcessID: 404}, later.ErrNotFound},
		{later.ProcessRequest{Kind: later.RequestStack, JobID: 404}, later.ErrNotFound},
	} {
		if _, err := queue.AskProcess(t.Context(), refused.request); !errors.Is(err, refused.want) {
			t.Errorf("%+v: %v, expected %v", refused.request, err, refused.want)
		}
	}
	if _, err := queue.AwaitAnswer(t.Context(), 404); !errors.Is(err, later.ErrNotFound) {
		t.Errorf("an answer to nothing: %v", err)
	}
}

// answerTo waits for the answer of a process.
func answerTo(t testing.TB, queue *later.JobQueue, r later.ProcessRequest) later.ProcessRequest {
	t.Helper()
	asked, err := queue.AskProcess(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	answered, err := queue.AwaitAnswer(t.Context(), asked.ID)
	if err != nil {
		t.Fatal(err)
	}
	return answered
}

// awaitStatus waits for a status that a job is about to reach.
func awaitStatus(t testing.TB, queue *later.JobQueue, id int64, want later.JobStatus) {
	t.Helper()
	for range 1000 {
		if get(t, queue, id).Status == want {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("job %d is not %s", id, want)
}
