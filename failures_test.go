package later_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// TestRulesCountApartAcrossAttempts: each rule has its limit, in the store as well, and
// a person's retry begins anew.
func TestRulesCountApartAcrossAttempts(t *testing.T) {
	gone := &fs.PathError{Op: "open", Path: "/x", Err: fs.ErrNotExist}
	opts := []later.DefineOption{
		later.MaxRetries(1), later.Fixed(time.Second),
		later.RetryOn(errBusy, later.MaxRetries(2), later.Fixed(time.Minute)),
		later.RetryOn((*fs.PathError)(nil), later.MaxRetries(1)),
	}
	errs := make(chan error, 20)
	perform := func(context.Context, numberArgs) error { return <-errs }
	synced(t, opts, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		for range 2 {
			for _, err := range []error{errBusy, later.Postpone(time.Second, "later"), errors.New("other"), gone, errBusy, errBusy} {
				errs <- err
			}
		}
		job := wait(t, queue, enqueue(t, number, queue, numberArgs{}).ID)
		if wantStatus(t, job, later.StatusFailed); job.Attempt != 5 || job.Error != "busy" {
			t.Errorf("failed after %d attempts: %s", job.Attempt, job.Error)
		}
		if err := queue.Retry(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		if job = wait(t, queue, job.ID); job.Attempt != 5 {
			t.Errorf("failed after %d attempts in the second round", job.Attempt)
		}
		var seen []string
		attempts, err := queue.Attempts(t.Context(), job.ID)
		for _, a := range attempts[len(attempts)/2:] {
			seen = append(seen, fmt.Sprintf("%s %d %v", a.Outcome, a.Number, a.RuleRetries))
		}
		want := []string{
			"retried 1 map[busy:1]", "postponed 2 map[]", "retried 2 map[busy:1]",
			"retried 3 map[*fs.PathError:1 busy:1]", "retried 4 map[*fs.PathError:1 busy:2]", "failed 5 map[]",
		}
		if err != nil || !slices.Equal(seen, want) {
			t.Errorf("attempts: %q, %v", seen, err)
		}
	})
}

// TestRulesOfTheSameNameCountApart: two values may have the same text.
func TestRulesOfTheSameNameCountApart(t *testing.T) {
	one, two := errors.New("same"), errors.New("same")
	opts := []later.DefineOption{
		later.RetryOn(one, later.MaxRetries(1), later.Fixed(time.Second)), later.RetryOn(two, later.MaxRetries(1), later.Fixed(time.Second)),
	}
	errs := []error{one, two, nil}
	perform := func(ctx context.Context, _ numberArgs) error { return errs[later.Running(ctx).Attempt-1] }
	synced(t, opts, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		wantStatus(t, wait(t, queue, enqueue(t, number, queue, numberArgs{}).ID), later.StatusCompleted)
	})
}

// TestDiscardOnSeveral values and types.
func TestDiscardOnSeveral(t *testing.T) {
	opts := []later.DefineOption{later.DiscardOn(errBusy, (*fs.PathError)(nil)), later.DiscardOn(fs.ErrClosed)}
	errs := []error{errBusy, fmt.Errorf("load: %w", &fs.PathError{Op: "open", Path: "x", Err: errors.New("y")}), fs.ErrClosed}
	perform := func(_ context.Context, args numberArgs) error { return errs[args.N] }
	synced(t, opts, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		for i := range errs {
			job := wait(t, queue, enqueue(t, number, queue, numberArgs{int64(i)}).ID)
			if wantStatus(t, job, later.StatusFailed); job.Attempt != 1 {
				t.Errorf("%d attempts", job.Attempt)
			}
		}
	})
}

// TestRetryForATime: as many retries as the time allows, and no number stops them.
func TestRetryForATime(t *testing.T) {
	opts := []later.DefineOption{later.RetryFor(6 * time.Minute), later.Backoff(func(int, error) time.Duration { return time.Minute })}
	perform := func(context.Context, numberArgs) error { return errBusy }
	synced(t, opts, perform, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		job, err := number.PerformIn(t.Context(), queue, 5*time.Minute, numberArgs{})
		if err != nil {
			t.Fatal(err)
		}
		other := enqueue(t, number, queue, numberArgs{}, later.MaxRetries(2))
		<-time.After(15 * time.Minute)
		job, other = get(t, queue, job.ID), get(t, queue, other.ID)
		wantStatus(t, job, later.StatusFailed)
		wantStatus(t, other, later.StatusFailed)
		if job.Attempt != 6 || job.Error != "busy (not retried: the next attempt would start later than 6m0s after the job was due)" {
			t.Errorf("%d attempts: %s", job.Attempt, job.Error)
		}
		if other.Attempt != 3 || other.Error != "busy" {
			t.Errorf("%d attempts with 2 retries: %s", other.Attempt, other.Error)
		}
	})
}

// TestDeadlines: of the definition and the call, to start and to finish.
func TestDeadlines(t *testing.T) {
	const lasting = 10 * time.Minute
	perform := func(ctx context.Context, _ numberArgs) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lasting):
			return nil
		}
	}
	for _, test := range []struct {
		name   string
		opts   []later.DefineOption
		call   func() []later.CallOption
		status later.JobStatus
		took   time.Duration // of the attempt
		err    string
	}{
		{"in time", []later.DefineOption{later.StartWithin(time.Hour), later.FinishWithin(2 * time.Hour)}, nil, later.StatusCompleted, lasting, ""},
		{"too late to start", []later.DefineOption{later.StartWithin(59 * time.Minute)}, nil, later.StatusFailed, 0, "past its deadline: not performed: it had to start by"},
		{"the call waives it", []later.DefineOption{later.StartWithin(59 * time.Minute)}, func() []later.CallOption {
			return []later.CallOption{later.StartWithin(0)}
		}, later.StatusCompleted, lasting, ""},
		{"the call's own", []later.DefineOption{later.StartWithin(24 * time.Hour)}, func() []later.CallOption {
			return []later.CallOption{later.StartBy(time.Now().Add(time.Minute))}
		}, later.StatusFailed, 0, "past its deadline: not performed: it had to start by"},
		{"counted from when it is due", []later.DefineOption{later.StartWithin(time.Minute)}, func() []later.CallOption {
			return []later.CallOption{later.In(time.Hour)}
		}, later.StatusCompleted, lasting, ""},
		{"too late to finish", nil, func() []later.CallOption {
			return []later.CallOption{later.FinishBy(time.Now().Add(time.Hour))}
		}, later.StatusFailed, 0, "past its deadline: not performed: it had to be finished by"},
		{"ended by it", []later.DefineOption{later.Timeout(0), later.FinishWithin(time.Hour + 3*time.Minute)}, nil, later.StatusFailed, 3 * time.Minute, "past its deadline"},
		{"the timeout is sooner", []later.DefineOption{later.Timeout(time.Minute), later.MaxRetries(0), later.FinishWithin(time.Hour + 3*time.Minute)}, nil,
			later.StatusFailed, time.Minute, "timed out"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := tempFile(t)
			synctest.Test(t, func(t *testing.T) {
				number := later.Define[numberArgs]("NumberJob", append([]later.DefineOption{later.Timeout(time.Hour)}, test.opts...)...)
				s := open(t, path)
				defer s.Close()
				queue := queueOn(t, s, later.Config{PollInterval: time.Minute}, number.Do(perform))
				var call []later.CallOption
				if test.call != nil {
					call = test.call()
				}
				job := enqueue(t, number, queue, numberArgs{}, call...)
				<-time.After(time.Hour)
				if err := queue.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				job = wait(t, queue, job.ID)
				if took := job.FinishedAt.Sub(job.StartedAt); took != test.took || !strings.HasPrefix(job.Error, test.err) {
					t.Errorf("took %v: %q", took, job.Error)
				}
				wantStatus(t, job, test.status)
				stop(t, queue)
			})
		})
	}
}

// TestDeadlinesThatCannotBe are refused at the door.
func TestDeadlinesThatCannotBe(t *testing.T) {
	queue := newQueue(t, later.Config{})
	tomorrow := time.Now().Add(24 * time.Hour)
	for name, opts := range map[string][]later.CallOption{
		"start before it is due":  {later.At(tomorrow), later.StartBy(tomorrow.Add(-time.Hour))},
		"finish before it is due": {later.FinishBy(tomorrow.Add(-time.Hour)), later.At(tomorrow)},
		"no time":                 {later.StartBy(time.Time{})},
		"none at all":             {later.FinishBy(time.Time{})},
		"negative":                {later.StartWithin(-1)},
		"negative too":            {later.FinishWithin(-1)},
	} {
		if _, err := textJob.PerformLater(t.Context(), queue, textArgs{}, opts...); !errors.Is(err, later.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		}
	}
	far := enqueue(t, textJob, queue, textArgs{}, later.FinishWithin(1<<63-1))
	if stored := get(t, queue, far.ID); stored.Options == nil || !stored.Options.FinishBy.Equal(far.Options.FinishBy) {
		t.Errorf("stored %+v, returned %+v", stored.Options, far.Options)
	}
	for name, opt := range map[string]later.DefineOption{
		"retry for no time": later.RetryFor(0), "discard nothing": later.DiscardOn(), "discard nil": later.DiscardOn(errBusy, nil),
		"no function": later.AfterDiscard(nil), "no function either": later.OnExhausted(nil),
	} {
		d := later.Define[textArgs]("T", opt)
		if err := newQueue(t, later.Config{}, d.Do(func(context.Context, textArgs) error { return nil })).Start(t.Context()); !errors.Is(err, later.ErrInvalidOption) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDeadlinesHoldForPerformNow as well.
func TestDeadlinesHoldForPerformNow(t *testing.T) {
	queue := newQueue(t, later.Config{}, textJob.Do(func(ctx context.Context, _ textArgs) error { <-ctx.Done(); return ctx.Err() }))
	for _, opt := range []later.CallOption{later.StartBy(time.Now().Add(-time.Hour)), later.FinishBy(time.Now().Add(-time.Hour)), later.FinishWithin(time.Millisecond)} {
		if err := textJob.PerformNow(t.Context(), queue, textArgs{}, opt); !errors.Is(err, later.ErrDeadline) {
			t.Error(err)
		}
	}
}

// TestDeadlinesOfPublishedTypes hold for those who know only their names.
func TestDeadlinesOfPublishedTypes(t *testing.T) {
	s := open(t, tempFile(t))
	number := later.Define[numberArgs]("NumberJob", later.StartWithin(time.Hour), later.FinishWithin(2*time.Hour), later.RetryFor(time.Hour))
	start(t, queueOn(t, s, later.Config{}, number.Do(func(context.Context, numberArgs) error { return nil })))
	job, err := queueOn(t, s, later.Config{}).Enqueue(t.Context(), "NumberJob", nil)
	if err != nil || job.Options == nil || job.Options.StartBy.Sub(job.QueuedAt).Round(time.Second) != time.Hour ||
		job.Options.FinishBy.Sub(job.Options.StartBy) != time.Hour || job.MaxRetries != 1_000_000 {
		t.Errorf("%+v, %+v, %v", job, job.Options, err)
	}
}

// TestTellsOfDiscardedJobs: whoever fails for good, and whether limits did it.
func TestTellsOfDiscardedJobs(t *testing.T) {
	type told struct {
		what string
		job  later.Job
		err  error
	}
	for _, test := range []struct {
		name string
		err  error
		opts []later.DefineOption
		call []later.CallOption
		args string
		want []string
	}{
		{name: "nothing is wrong"},
		{name: "out of retries", err: errBusy, opts: []later.DefineOption{later.MaxRetries(2)}, want: []string{"exhausted busy", "discarded busy", "last busy"}},
		{name: "by its own rule", err: errBusy, opts: []later.DefineOption{later.RetryOn(errBusy, later.MaxRetries(1))},
			want: []string{"exhausted busy", "discarded busy", "last busy"}},
		{name: "discard on", err: errBusy, opts: []later.DefineOption{later.DiscardOn(errBusy)}, want: []string{"discarded busy", "last busy"}},
		{name: "discarded by itself", err: later.Discard(errBusy), want: []string{"discarded busy", "last busy"}},
		{name: "not retryable", err: errBusy, opts: []later.DefineOption{later.RetryIf(func(error) bool { return false })},
			want: []string{"discarded busy", "last busy"}},
		{name: "past its deadline", call: []later.CallOption{later.StartBy(time.Unix(0, 0))}, want: []string{"discarded past its deadline", "last past its deadline"}},
		{name: "arguments", args: `{"n":"x"}`, want: []string{"discarded cannot be performed", "last cannot be performed"}},
		{name: "cancels itself", err: later.CancelSelf(errBusy)},
	} {
		t.Run(test.name, func(t *testing.T) {
			var seen record[told]
			var ran record[context.Context]
			tell := func(what string) func(context.Context, later.Job, error) {
				return func(ctx context.Context, job later.Job, err error) {
					ran.add(ctx)
					seen.add(told{what, job, err})
					later.Running(ctx).Logger.Info("told " + what)
					if what == "discarded" {
						panic("oh no")
					}
				}
			}
			opts := append([]later.DefineOption{
				later.Fixed(time.Second), later.AfterDiscard(tell("discarded")), later.AfterDiscard(tell("last")), later.OnExhausted(tell("exhausted")),
			}, test.opts...)
			synced(t, opts, func(context.Context, numberArgs) error { return test.err }, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
				job := enqueueRaw(t, queue, number, test.args, test.call)
				job = wait(t, queue, job.ID)
				var got []string
				for _, s := range seen.all() {
					got = append(got, s.what+" "+s.err.Error())
					if s.job.Status != later.StatusFailed || s.job.Error != job.Error || s.job.Attempt != job.Attempt || s.job.FinishedAt.IsZero() {
						t.Errorf("told %+v; stored %+v", s.job, job)
					}
				}
				if len(got) != len(test.want) {
					t.Fatalf("told %q, want %q", got, test.want)
				}
				for i, want := range test.want {
					if !strings.HasPrefix(got[i], want) {
						t.Errorf("told %q, want %q", got[i], want)
					}
				}
				for _, ctx := range ran.all() {
					if deadline, ok := ctx.Deadline(); !ok || time.Until(deadline) > 10*time.Second {
						t.Errorf("deadline %v, %v", deadline, ok)
					}
				}
				log, err := queue.Log(t.Context(), job.ID)
				if wanted := len(got) + min(1, len(got)); err != nil || len(log) != wanted { // the panic has a line, too
					t.Errorf("%d lines in the job's log, %v: %+v", len(log), err, log)
				}
			})
		})
	}
}

// enqueueRaw stores arguments that the definition would refuse, if there are any.
func enqueueRaw(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs], args string, call []later.CallOption) later.Job {
	t.Helper()
	if args == "" {
		return enqueue(t, number, queue, numberArgs{}, call...)
	}
	other := later.Define[map[string]string](number.Name())
	job, err := other.PerformLater(t.Context(), queue, map[string]string{"n": "x"})
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// TestEndOfTheGoroutineWhileTold: what the program does about a failed job cannot lose it.
func TestEndOfTheGoroutineWhileTold(t *testing.T) {
	opts := []later.DefineOption{later.NotRetryable(), later.AfterDiscard(func(context.Context, later.Job, error) { runtime.Goexit() })}
	synced(t, opts, func(context.Context, numberArgs) error { return errBusy }, func(t *testing.T, queue *later.JobQueue, number *later.Definition[numberArgs]) {
		for range 7 { // more than there are slots
			wantStatus(t, wait(t, queue, enqueue(t, number, queue, numberArgs{}).ID), later.StatusFailed)
		}
	})
}

// TestAttemptsShowEveryEnd: completed, failed with its stack, postponed and crashed ones.
func TestAttemptsShowEveryEnd(t *testing.T) {
	s := open(t, tempFile(t))
	perform := func(ctx context.Context, _ numberArgs) error {
		switch log, err := attemptsSoFar(ctx, s); {
		case err != nil:
			return err
		case log == 1:
			return later.Postpone(0, "not yet")
		case log == 2:
			panic("oh no")
		}
		return nil
	}
	number := later.Define[numberArgs]("NumberJob", later.Fixed(0))
	queue := queueOn(t, s, later.Config{}, number.Do(perform))
	job := enqueue(t, number, queue, numberArgs{})
	dead := store.Process{ID: 7, State: store.ProcessRunning, Host: "elsewhere"}
	if err := s.Join(t.Context(), dead, time.Now()); err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.Claim(t.Context(), store.Demand{ProcessID: 7, Token: 9, Types: []string{"NumberJob"}, Limit: 1}, time.Now()); err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	if recovered, err := s.Recover(t.Context(), []store.Silent{{ProcessID: 7}}, time.Now()); err != nil || len(recovered) != 1 {
		t.Fatal(recovered, err)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, get(t, queue, job.ID), later.StatusCompleted)
	attempts, err := queue.Attempts(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, a := range attempts {
		seen = append(seen, fmt.Sprintf("%d %s %s", a.Number, a.Outcome, a.Error))
		if a.StartedAt.IsZero() || a.FinishedAt.Before(a.StartedAt) || a.ProcessID == 0 || (a.Outcome == later.AttemptRetried) != strings.Contains(a.Stack, "failures_test.go") {
			t.Errorf("%+v", a)
		}
	}
	want := []string{"1 crashed crashed its process", "1 postponed not yet", "1 retried panic: oh no", "2 completed "}
	if !slices.Equal(seen, want) {
		t.Errorf("attempts: %q", seen)
	}
	if _, err := queue.Attempts(t.Context(), 99); !errors.Is(err, later.ErrNotFound) {
		t.Errorf("of no job: %v", err)
	}
}

func attemptsSoFar(ctx context.Context, s store.Store) (int, error) {
	attempts, err := s.Attempts(ctx, later.Running(ctx).ID)
	return len(attempts), err
}
