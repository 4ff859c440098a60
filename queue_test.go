package later_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

func TestTransactions(t *testing.T) {
	s := open(t, tempFile(t))
	queue := queueOn(t, s, later.Config{})
	begin := func() *sql.Tx {
		tx, err := s.DB().BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return tx
	}
	tx := begin()
	lost := enqueue(t, textJob, queue.Tx(s.Tx(tx)), textArgs{"rolled back"})
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Get(t.Context(), lost.ID); !errors.Is(err, later.ErrNotFound) {
		t.Errorf("after the rollback: %v", err)
	}
	tx = begin()
	kept := enqueue(t, textJob, queue.Tx(s.Tx(tx)), textArgs{"committed"})
	if _, err := queue.Get(t.Context(), kept.ID); !errors.Is(err, later.ErrNotFound) {
		t.Errorf("before the commit: %v", err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, get(t, queue, kept.ID), later.StatusPending)

	other := open(t, tempFile(t))
	tx = begin()
	defer tx.Rollback()
	for name, wrong := range map[string]store.Tx{"wrapped by another store": other.Tx(tx), "nil": nil} {
		if _, err := textJob.PerformLater(t.Context(), queue.Tx(wrong), textArgs{}); !errors.Is(err, later.ErrWrongTx) {
			t.Errorf("transaction %s: %v", name, err)
		}
	}
	if _, err := textJob.PerformLater(t.Context(), queueOn(t, other, later.Config{}).Tx(other.Tx(tx)), textArgs{}); !errors.Is(err, later.ErrWrongTx) {
		t.Errorf("transaction on another file: %v", err)
	}
}

// TestCompleteInTransaction: what the handler does to the database and the end
// of its job become true together.
func TestCompleteInTransaction(t *testing.T) {
	s := open(t, tempFile(t))
	if _, err := s.DB().Exec("CREATE TABLE account (balance INTEGER); INSERT INTO account VALUES (0)"); err != nil {
		t.Fatal(err)
	}
	pay := later.Define[numberArgs]("PayJob", later.NotRetryable())
	book := func(ctx context.Context, args numberArgs) error {
		tx, err := s.DB().BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		if _, err := tx.Exec("UPDATE account SET balance = balance + ?", args.N); err != nil {
			return err
		}
		if err := later.CompleteTx(ctx, s.Tx(tx), "paid"); err != nil {
			return err
		}
		return tx.Commit()
	}
	var log syncBuffer
	cfg := later.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}
	queue := queueOn(t, s, cfg, pay.Do(func(ctx context.Context, args numberArgs) error {
		if err := book(ctx, args); err != nil {
			return err
		}
		if err := book(ctx, args); !errors.Is(err, later.ErrConflict) { // as if the reply of the first commit had been lost
			t.Errorf("booked again: %v", err)
		}
		return errors.New("an error after the commit changes nothing")
	}))
	job := enqueue(t, pay, queue, numberArgs{5})
	if n, err := queue.Drain(t.Context()); n != 1 || err != nil {
		t.Fatalf("drained %d, %v", n, err)
	}
	job = get(t, queue, job.ID)
	wantStatus(t, job, later.StatusCompleted)
	if string(job.Result) != `"paid"` {
		t.Errorf("result: %s", job.Result)
	}
	var balance int
	if err := s.DB().QueryRow("SELECT balance FROM account").Scan(&balance); err != nil || balance != 5 {
		t.Errorf("balance %d, %v", balance, err)
	}
	if strings.Contains(log.String(), "failed") {
		t.Errorf("a completed job is reported as failed:\n%s", log.String())
	}
}

func TestPerformNow(t *testing.T) {
	slow := later.Define[textArgs]("SlowJob", later.Timeout(time.Millisecond))
	queue := newQueue(t, later.Config{},
		slow.Do(func(ctx context.Context, _ textArgs) error { <-ctx.Done(); return ctx.Err() }),
		textJob.Do(func(ctx context.Context, args textArgs) error {
			if job := later.Running(ctx); job.ID != 0 || job.Attempt != 1 {
				t.Errorf("running: %+v", job.Job)
			}
			panic(args.Text)
		}))
	if err := slow.PerformNow(t.Context(), queue, textArgs{}); !errors.Is(err, later.ErrTimeout) {
		t.Errorf("timeout: %v", err)
	}
	if err := textJob.PerformNow(t.Context(), queue, textArgs{"oh"}); err == nil || err.Error() != "panic: oh" {
		t.Errorf("panic: %v", err)
	}
	if jobs, err := queue.List(t.Context(), later.Filter{}); err != nil || len(jobs) != 0 {
		t.Errorf("stored: %v, %v", jobs, err)
	}
}

// TestEnqueueByPublishedSchema: a process without handlers checks against what
// another one has published.
func TestEnqueueByPublishedSchema(t *testing.T) {
	path := tempFile(t)
	performed := make(chan string, 1)
	mail := later.Define[mailArgs]("MailJob", later.Queue("mailers"), later.Priority(7), later.MaxRetries(9))
	start(t, queueOn(t, open(t, path), later.Config{}, mail.Do(func(_ context.Context, args mailArgs) error {
		performed <- args.Email
		return nil
	})))
	client := queueOn(t, open(t, path), later.Config{})
	job, err := client.Enqueue(t.Context(), "MailJob", json.RawMessage(`{"user_id":1,"email":"ada@example.com"}`))
	if err != nil {
		t.Fatal(err)
	}
	if job.Queue != "mailers" || job.Priority != 7 || job.MaxRetries != 9 {
		t.Errorf("job: %+v", job)
	}
	if got := receive(t, performed); got != "ada@example.com" {
		t.Errorf("performed for %q", got)
	}
	_, err = client.Enqueue(t.Context(), "MailJob", json.RawMessage(`{"email":"x"}`))
	if !errors.Is(err, later.ErrInvalidArgs) || !strings.Contains(err.Error(), "user_id") || !strings.Contains(err.Error(), "/email") {
		t.Errorf("invalid: %v", err)
	}
	wantStatus(t, wait(t, client, job.ID), later.StatusCompleted)
}

func TestControl(t *testing.T) {
	queue := newQueue(t, later.Config{})
	ctx := t.Context()
	job, err := textJob.PerformIn(ctx, queue, time.Hour, textArgs{"a"}, later.User("ada"), later.Target("order/1"), later.Tags("x"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(2 * time.Hour).Truncate(time.Microsecond)
	steps := []struct {
		name string
		call func() error
		want later.JobStatus
	}{
		{"reschedule", func() error { return queue.Reschedule(ctx, job.ID, at) }, later.StatusScheduled},
		{"run now", func() error { return queue.RunNow(ctx, job.ID) }, later.StatusPending},
		{"run now again", func() error { return queue.RunNow(ctx, job.ID) }, later.StatusPending},
		{"cancel", func() error { return queue.Cancel(ctx, job.ID, "no") }, later.StatusCancelled},
		{"retry", func() error { return queue.Retry(ctx, job.ID) }, later.StatusPending},
	}
	for _, step := range steps {
		if err := step.call(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		wantStatus(t, get(t, queue, job.ID), step.want)
	}
	if err := queue.Retry(ctx, job.ID); !errors.Is(err, later.ErrConflict) || !strings.Contains(err.Error(), "cannot retry job 1: it is pending") {
		t.Errorf("retry of a pending job: %v", err)
	}
	for name, f := range map[string]later.Filter{"user": {User: "ada"}, "target": {Target: "order/1"}, "tag": {Tag: "x"}, "text": {Text: `"text":"A"`}} {
		if jobs, err := queue.List(ctx, f); err != nil || len(jobs) != 1 {
			t.Errorf("by %s: %v, %v", name, jobs, err)
		}
	}
	if n, err := queue.CancelAll(ctx, later.Filter{Target: "order/1"}, "gone"); n != 1 || err != nil {
		t.Errorf("cancelled %d, %v", n, err)
	}
	if n, err := queue.RetryAll(ctx, later.Filter{Status: []later.JobStatus{later.StatusCancelled}}); n != 1 || err != nil {
		t.Errorf("retried %d, %v", n, err)
	}
	if err := queue.Delete(ctx, job.ID); err != nil {
		t.Error(err)
	}
	if err := queue.Delete(ctx, job.ID); !errors.Is(err, later.ErrNotFound) {
		t.Errorf("delete twice: %v", err)
	}
}

func TestPauseAndResume(t *testing.T) {
	performed := make(chan string, 2)
	queue := newQueue(t, later.Config{}, textJob.Do(func(_ context.Context, args textArgs) error {
		performed <- args.Text
		return nil
	}))
	if err := queue.Pause(t.Context(), "default", "the printer is out of paper"); err != nil {
		t.Fatal(err)
	}
	start(t, queue)
	paused := enqueue(t, textJob, queue, textArgs{"paused"})
	open := enqueue(t, textJob, queue, textArgs{"open"}, later.Queue("other"))
	wait(t, queue, open.ID)
	wantStatus(t, get(t, queue, paused.ID), later.StatusPending)
	if err := queue.Resume(t.Context(), "default"); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, wait(t, queue, paused.ID), later.StatusCompleted)
}

func TestProgressAndLog(t *testing.T) {
	queue := newQueue(t, later.Config{}, textJob.Do(func(ctx context.Context, _ textArgs) error {
		job := later.Running(ctx)
		job.Progress(1, 3, "first")
		job.Progress(3, 3, "last")
		job.Logger.Debug("not kept")
		job.Logger.With("a", 1).WithGroup("g").Info("kept", "b", "x\x00y")
		return nil
	}))
	job := enqueue(t, textJob, queue, textArgs{})
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := get(t, queue, job.ID).Progress; got.Done != 3 || got.Total != 3 || got.Message != "last" {
		t.Errorf("progress: %+v", got)
	}
	lines, err := queue.Log(t.Context(), job.ID)
	if err != nil || len(lines) != 1 || lines[0].Message != "kept" || lines[0].Level != "INFO" || lines[0].Attempt != 1 {
		t.Fatalf("log: %+v, %v", lines, err)
	}
}

// TestRunThatIsOverBeforeItWorks: ctrl-C at once is ctrl-C; what else keeps it from
// working is an error all the same.
func TestRunThatIsOverBeforeItWorks(t *testing.T) {
	pressed := errors.New("ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(pressed)
	s := open(t, tempFile(t))
	queue := queueOn(t, s, later.Config{})
	if err := queue.Run(ctx); err != nil {
		t.Error(err)
	}
	if processes, err := queue.Processes(t.Context()); len(processes) != 0 || err != nil {
		t.Errorf("%+v, %v", processes, err)
	}
	if err := queueOn(t, s, later.Config{Concurrency: -1}).Run(ctx); !errors.Is(err, later.ErrInvalidOption) {
		t.Errorf("with a mistake in Config: %v", err)
	}
}

func TestStatus(t *testing.T) {
	running, finish := make(chan struct{}), make(chan struct{})
	queue := newQueue(t, later.Config{Concurrency: 2}, textJob.Do(func(context.Context, textArgs) error {
		running <- struct{}{}
		<-finish
		return nil
	}))
	if s := queue.Status(); s.Working || !slices.Equal(s.Types, []string{"TextJob"}) {
		t.Errorf("before Start: %+v", s)
	}
	start(t, queue)
	job := enqueue(t, textJob, queue, textArgs{})
	<-running
	s := queue.Status()
	if !s.Working || s.Slots != (later.Slots{Max: 2, Used: 1, Free: 1}) || len(s.Running) != 1 || s.Running[0].ID != job.ID {
		t.Errorf("at work: %+v", s)
	}
	queue.Configure(func(s *later.Settings) { s.Concurrency = 3; s.PollInterval = time.Minute })
	if s := queue.Status(); s.Slots.Max != 3 || s.PollInterval != time.Minute {
		t.Errorf("configured: %+v", s)
	}
	close(finish)
}
