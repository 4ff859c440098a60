package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/laterjobs/later/store"
)

var (
	start   = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	end     = start.Add(time.Second)
	errBoom = errors.New("boom")
)

// middle is the random number that leaves a delay as it is.
const middle = 0.5

func TestDecide(t *testing.T) {
	job := store.Job{ID: 1, Token: 2, Attempt: 1, MaxRetries: 2, Timeout: time.Minute}
	lastTry := job
	lastTry.Attempt = 3
	retryAt := func(d time.Duration) store.Outcome {
		return store.Outcome{Kind: store.Retry, Error: "boom", RunAt: end.Add(d)}
	}
	counted := func(o store.Outcome, counts map[string]int) store.Outcome {
		o.RuleRetries = counts
		return o
	}
	fail := store.Outcome{Kind: store.Fail, Error: "boom"}

	for _, test := range []struct {
		name     string
		job      store.Job
		err      error
		cause    error
		stopping bool
		rules    Rules
		want     store.Outcome
	}{
		{"no error", job, nil, nil, false, Rules{}, store.Outcome{Kind: store.Complete, Result: json.RawMessage(`1`)}},
		{"no error, though cancelled", job, nil, &Cancellation{"x"}, false, Rules{}, store.Outcome{Kind: store.Complete, Result: json.RawMessage(`1`)}},
		{"error", job, errBoom, nil, false, Rules{}, retryAt(10 * time.Second)},
		{"out of retries", lastTry, errBoom, nil, false, Rules{}, fail},
		{"not retryable", job, errBoom, nil, false, Rules{NotRetryable: true}, fail},
		{"own backoff", job, errBoom, nil, false, Rules{Backoff: Fixed(time.Minute)}, retryAt(time.Minute)},
		{"retry if says no", job, errBoom, nil, false, Rules{RetryIf: func(error) bool { return false }}, fail},
		{"retry on beats not retryable", job, errBoom, nil,
			false, Rules{NotRetryable: true, RetryOn: []RetryRule{{Name: "boom", Target: errBoom, MaxRetries: -1, Backoff: Fixed(time.Hour)}}},
			counted(retryAt(time.Hour), map[string]int{"boom": 1})},
		{"retry on has its own limit", lastTry, errBoom, nil,
			false, Rules{RetryOn: []RetryRule{{Name: "boom", Target: errBoom, MaxRetries: 3}}},
			counted(retryAt(10*time.Second), map[string]int{"boom": 1})},
		{"past its deadline", job, errBoom, ErrDeadline, false, Rules{}, store.Outcome{Kind: store.Fail, Error: "past its deadline: boom"}},
		{"past its deadline, and done all the same", job, nil, ErrDeadline, false, Rules{}, store.Outcome{Kind: store.Complete, Result: json.RawMessage(`1`)}},
		{"discard on", job, fmt.Errorf("boom: %w", fs.ErrExist), nil, false, Rules{DiscardOn: []error{fs.ErrExist}},
			store.Outcome{Kind: store.Fail, Error: "boom: file already exists"}},
		{"postpone", lastTry, &Postponement{Delay: time.Minute, Reason: "busy"}, nil, false, Rules{},
			store.Outcome{Kind: store.Postpone, Error: "busy", RunAt: end.Add(time.Minute)}},
		{"postpone into the past", job, &Postponement{Delay: -time.Minute}, nil, false, Rules{},
			store.Outcome{Kind: store.Postpone, RunAt: end}},
		{"retry in", job, &DelayedRetry{time.Minute, errBoom}, nil, false, Rules{}, retryAt(time.Minute)},
		{"retry in, out of retries", lastTry, &DelayedRetry{time.Minute, errBoom}, nil, false, Rules{}, fail},
		{"discard", job, &Discarded{errBoom}, nil, false, Rules{}, fail},
		{"cancel self", job, &SelfCancelled{errBoom}, nil, false, Rules{}, store.Outcome{Kind: store.Cancel, Error: "boom"}},
		{"cancelled", job, errBoom, &Cancellation{"not needed"}, false, Rules{}, store.Outcome{Kind: store.Cancel, Error: "not needed"}},
		{"stopping", lastTry, errBoom, ErrStopping, false, Rules{}, store.Outcome{Kind: store.Release}},
		{"lease lost", lastTry, errBoom, ErrLeaseLost, false, Rules{}, store.Outcome{Kind: store.Release}},
		{"timed out", job, errBoom, ErrTimeout, false, Rules{},
			store.Outcome{Kind: store.Retry, Error: "timed out after 1m0s: boom", RunAt: end.Add(10 * time.Second)}},
		{"discard wins over stopping", job, &Discarded{errBoom}, ErrStopping, false, Rules{}, fail},
		{"unperformable", job, fmt.Errorf("%w: boom", ErrUnperformable), nil, false, Rules{},
			store.Outcome{Kind: store.Fail, Error: "cannot be performed: boom"}},
		{"panic", lastTry, &Panicked{errBoom, "main.go:1"}, nil, false, Rules{},
			store.Outcome{Kind: store.Fail, Error: "panic: boom", Stack: "main.go:1"}},
		{"gives itself back", lastTry, fmt.Errorf("saved: %w", ErrStopping), nil, true, Rules{}, store.Outcome{Kind: store.Release}},
		{"gives itself back, too late for its timeout", lastTry, ErrStopping, ErrTimeout, true, Rules{}, store.Outcome{Kind: store.Release}},
		{"gives itself back, though cancelled", lastTry, ErrStopping, &Cancellation{"not needed"}, true, Rules{}, store.Outcome{Kind: store.Cancel, Error: "not needed"}},
		{"gives itself back to a process that goes on", job, ErrStopping, nil, false, Rules{},
			store.Outcome{Kind: store.Retry, Error: "process is stopping", RunAt: end.Add(10 * time.Second)}},
		{"fails while the process begins to stop", job, errBoom, nil, true, Rules{}, retryAt(10 * time.Second)},
		{"postponed while the process begins to stop", job, &Postponement{Delay: time.Minute, Reason: "busy"}, nil, true, Rules{},
			store.Outcome{Kind: store.Postpone, Error: "busy", RunAt: end.Add(time.Minute)}},
		{"discard wins over giving back", job, &Discarded{ErrStopping}, nil, true, Rules{},
			store.Outcome{Kind: store.Fail, Error: "process is stopping"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := decide(attempt{
				job: &test.job, result: json.RawMessage(`1`), err: test.err, cause: test.cause, stopping: test.stopping,
				started: start, finished: end,
			}, test.rules, middle)
			want := test.want
			want.JobID, want.Token, want.StartedAt, want.FinishedAt = 1, 2, start, end
			if diff := cmp.Diff(want, got.Outcome); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBackoff(t *testing.T) {
	for _, test := range []struct {
		name    string
		backoff Backoff
		want    []time.Duration
	}{
		{"exponential", Exponential(time.Second, 5*time.Second), []time.Duration{1e9, 2e9, 4e9, 5e9, 5e9}},
		{"linear", Linear(time.Second, 3*time.Second), []time.Duration{1e9, 2e9, 3e9, 3e9}},
		{"fixed", Fixed(time.Second), []time.Duration{1e9, 1e9}},
		{"default", DefaultBackoff, []time.Duration{10e9, 20e9, 40e9}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i, want := range test.want {
				if got := test.backoff(i+1, errBoom, middle); got != want {
					t.Errorf("retry %d: %v, want %v", i+1, got, want)
				}
				if low := test.backoff(i+1, errBoom, 0); low != want*9/10 {
					t.Errorf("retry %d at its earliest: %v, want %v", i+1, low, want*9/10)
				}
			}
		})
	}
}

func TestBackoffNeverOverflows(t *testing.T) {
	for _, backoff := range []Backoff{Exponential(time.Hour, 1<<63-1), Linear(1<<62, 1<<63-1)} {
		if got := backoff(1_000_000, errBoom, 0.999); got < time.Hour {
			t.Errorf("the millionth retry after %v", got)
		}
	}
}

func TestMatches(t *testing.T) {
	pathError := fmt.Errorf("load: %w", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist})
	for _, test := range []struct {
		name   string
		err    error
		target error
		want   bool
	}{
		{"a value", pathError, fs.ErrNotExist, true},
		{"another value", pathError, fs.ErrExist, false},
		{"a type", pathError, (*fs.PathError)(nil), true},
		{"another type", pathError, (*json.SyntaxError)(nil), false},
		{"no error", nil, fs.ErrExist, false},
		{"no target", pathError, nil, false},
	} {
		if got := Matches(test.err, test.target); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

func TestPrintable(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"plain", "plain"},
		{"a\x00b", "a␀b"},
		{"a\xffb", "a�b"},
		{strings.Repeat("x", 100), strings.Repeat("x", 64)},
		{strings.Repeat("x", 63) + "é", strings.Repeat("x", 63)},
		{strings.Repeat("\x00", 64), strings.Repeat("␀", 21)},
	} {
		got := Printable(test.in, 64)
		if got != test.want {
			t.Errorf("%q: got %q, want %q", test.in, got, test.want)
		}
		if len(got) > 64 || !utf8.ValidString(got) {
			t.Errorf("%q: %q cannot be stored", test.in, got)
		}
	}
}
