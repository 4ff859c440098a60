package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// TestRulesCountApart: each rule has its own limit and its own steps of the backoff,
// whatever others have retried before.
func TestRulesCountApart(t *testing.T) {
	errBusy, errGone := errors.New("busy"), errors.New("gone")
	rules := Rules{
		Backoff: Linear(time.Second, time.Hour),
		RetryOn: []RetryRule{
			{Name: "busy", Target: errBusy, MaxRetries: 2, Backoff: Linear(time.Minute, time.Hour)},
			{Name: "*fs.PathError", Target: (*fs.PathError)(nil), MaxRetries: -1},
			{Name: "gone", Target: errGone, MaxRetries: 0},
		},
	}
	path := &fs.PathError{Op: "open", Path: "x", Err: errBoom}
	type step struct {
		err       error
		after     time.Duration // of the retry; 0: failed
		exhausted bool
	}
	for name, steps := range map[string][]step{
		"one rule":            {{errBusy, time.Minute, false}, {errBusy, 2 * time.Minute, false}, {errBusy, 0, true}},
		"no rule":             {{errBoom, time.Second, false}, {errBoom, 2 * time.Second, false}, {errBoom, 0, true}},
		"the job's own limit": {{path, time.Second, false}, {path, 2 * time.Second, false}, {path, 0, true}},
		"a limit of none":     {{errBusy, time.Minute, false}, {errGone, 0, true}},
		"in turns": {
			{errBusy, time.Minute, false}, {errBoom, time.Second, false}, {path, time.Second, false}, {errBoom, 2 * time.Second, false},
			{errBusy, 2 * time.Minute, false}, {path, 2 * time.Second, false}, {errBoom, 0, true},
		},
		"the first that matches": {{fmt.Errorf("%w: %w", path, errBusy), time.Minute, false}},
	} {
		t.Run(name, func(t *testing.T) {
			job := store.Job{Attempt: 1, MaxRetries: 2}
			for i, s := range steps {
				before := maps.Clone(job.RuleRetries)
				d := decide(attempt{job: &job, err: s.err, started: start, finished: end}, rules, middle)
				if !maps.Equal(before, job.RuleRetries) {
					t.Fatal("what the job has brought was changed")
				}
				if failed := d.Kind == store.Fail; failed != (s.after == 0) || d.exhausted != s.exhausted || failed != (d.err != nil) {
					t.Fatalf("step %d: %+v", i, d)
				}
				if d.Kind == store.Retry && d.RunAt.Sub(end) != s.after {
					t.Errorf("step %d: after %v, want %v", i, d.RunAt.Sub(end), s.after)
				}
				job.Attempt, job.RuleRetries = job.Attempt+1, d.RuleRetries
			}
		})
	}
}

// TestRulesStandHostileCounts: rows can be written by hand.
func TestRulesStandHostileCounts(t *testing.T) {
	rules := Rules{RetryOn: []RetryRule{{Name: "boom", Target: errBoom, MaxRetries: 3}}}
	for _, counts := range []map[string]int{{"boom": -5}, {"": 1 << 62, "x": 1 << 62, "boom": 2}, {"boom": -1 << 63}} {
		for _, err := range []error{errBoom, errors.New("other")} {
			job := store.Job{Attempt: 2, MaxRetries: 3, RuleRetries: counts}
			if d := judge(attempt{job: &job, err: err, started: start, finished: end}, rules, middle); d.Kind != store.Retry || d.RunAt.Before(end) {
				t.Errorf("%v, %v: %+v", counts, err, d)
			}
		}
	}
}

// TestNoRetryMissesItsTime: neither RetryFor nor a deadline.
func TestNoRetryMissesItsTime(t *testing.T) {
	day := func(d time.Duration) store.Job { return store.Job{Attempt: 1, MaxRetries: 9, QueuedAt: end.Add(-d)} }
	with := func(o store.Options) store.Job {
		return store.Job{Attempt: 1, MaxRetries: 9, QueuedAt: start, Options: &o}
	}
	scheduled := day(10 * time.Hour)
	scheduled.ScheduledAt = end
	const wait = time.Minute
	for _, test := range []struct {
		name  string
		job   store.Job
		rules Rules
		err   error
		retry bool
	}{
		{"just in time", day(time.Hour - wait), Rules{RetryFor: time.Hour}, errBoom, true},
		{"a moment too late", day(time.Hour - wait + 1), Rules{RetryFor: time.Hour}, errBoom, false},
		{"counted from the time it was enqueued for", scheduled, Rules{RetryFor: time.Hour}, errBoom, true},
		{"the handler's own delay", day(0), Rules{RetryFor: time.Hour}, &DelayedRetry{2 * time.Hour, errBoom}, false},
		{"the time is left, the number is used up", store.Job{Attempt: 3, MaxRetries: 2, QueuedAt: end}, Rules{RetryFor: time.Hour}, errBoom, false},
		{"may still start", with(store.Options{StartBy: end.Add(wait)}), Rules{}, errBoom, true},
		{"may not start any more", with(store.Options{StartBy: end.Add(wait - 1)}), Rules{}, errBoom, false},
		{"may still finish", with(store.Options{FinishBy: end.Add(wait + 1)}), Rules{}, errBoom, true},
		{"cannot finish any more", with(store.Options{FinishBy: end.Add(wait)}), Rules{}, errBoom, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.rules.Backoff = Fixed(wait)
			d := decide(attempt{job: &test.job, err: test.err, started: start, finished: end}, test.rules, middle)
			if got := d.Kind == store.Retry; got != test.retry || d.exhausted == test.retry {
				t.Errorf("%+v", d)
			}
			if d.err != nil && !errors.Is(d.err, errBoom) {
				t.Errorf("the error is lost: %v", d.err)
			}
		})
	}
}
