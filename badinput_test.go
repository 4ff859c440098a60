package later_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

type badArgs struct {
	F func() `json:"f"`
}

type textArgs struct {
	Text string `json:"text"`
}

type rangeArgs struct {
	From int `json:"from"`
	To   int `json:"to"`
}

func (a rangeArgs) Validate() error {
	if a.From > a.To {
		return errors.New("from is after to")
	}
	return nil
}

var (
	mailJob  = later.Define[mailArgs]("MailJob")
	badJob   = later.Define[badArgs]("BadJob")
	textJob  = later.Define[textArgs]("TextJob")
	rangeJob = later.Define[rangeArgs]("RangeJob")
)

// TestBadInputIsRefused shows every message, and that nothing is stored.
func TestBadInputIsRefused(t *testing.T) {
	queue := newQueue(t, later.Config{}, mailJob.Do(func(context.Context, mailArgs) error { return nil }))
	ctx := t.Context()
	text := func(s string, opts ...later.CallOption) func() error {
		return func() error { _, err := textJob.PerformLater(ctx, queue, textArgs{s}, opts...); return err }
	}
	byName := func(name, args string) func() error {
		return func() error { _, err := queue.Enqueue(ctx, name, json.RawMessage(args)); return err }
	}
	for _, test := range []struct {
		name    string
		call    func() error
		want    error
		message string
	}{
		{"every problem at once", func() error {
			_, err := mailJob.PerformLater(ctx, queue, mailArgs{0, "ada"})
			return err
		}, later.ErrInvalidArgs, `invalid arguments for MailJob: /user_id is required; /email "ada" is not an email address`},
		{"own validation", func() error { _, err := rangeJob.PerformLater(ctx, queue, rangeArgs{2, 1}); return err },
			later.ErrInvalidArgs, "invalid arguments for RangeJob: from is after to"},
		{"in bulk", func() error {
			_, err := queue.EnqueueAll(ctx, textJob.With(textArgs{"fine"}), rangeJob.With(rangeArgs{2, 1}))
			return err
		}, later.ErrInvalidArgs, "call 1: invalid arguments for RangeJob"},
		{"performed now", func() error { return mailJob.PerformNow(ctx, queue, mailArgs{1, "ada"}) },
			later.ErrInvalidArgs, "is not an email address"},
		{"does not encode", func() error { _, err := badJob.PerformLater(ctx, queue, badArgs{}); return err },
			later.ErrInvalidArgs, "does not encode as JSON: json: unsupported type: func()"},
		{"NUL", text("a\x00b"), later.ErrInvalidArgs, `contains a NUL character (\u0000), which databases cannot store`},
		{"too large", text(strings.Repeat("x", 1<<20)), later.ErrTooLarge,
			"1048587 bytes, at most 1048576 are allowed; store the data elsewhere and pass its id"},
		{"ten megabytes", text(strings.Repeat("x", 10<<20)), later.ErrTooLarge, "at most 1048576"},
		{"priority", text("x", later.Priority(math.MaxInt16+1)), later.ErrInvalidOption, "priority 32768 is outside −32768…32767"},
		{"empty queue", text("x", later.Queue("")), later.ErrInvalidOption, "queue is empty"},
		{"long queue", text("x", later.Queue(strings.Repeat("q", 129))), later.ErrInvalidOption, "has 129 bytes; at most 128 are allowed"},
		{"control character", text("x", later.Queue("a\nb")), later.ErrInvalidOption, `queue "a\nb" contains a control character`},
		{"beyond 9999", text("x", later.At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))), later.ErrInvalidOption, "beyond the year 9999"},
		{"the zero time", text("x", later.At(time.Time{})), later.ErrInvalidOption, "zero time"},
		{"negative delay", text("x", later.In(-time.Second)), later.ErrInvalidOption, "delay -1s is negative"},
		{"negative timeout", text("x", later.Timeout(-1)), later.ErrInvalidOption, "timeout -1ns is negative; 0 means none"},
		{"negative retries", text("x", later.MaxRetries(-1)), later.ErrInvalidOption, "max retries -1 is outside 0…1000000"},
		{"a zero call", func() error { _, err := queue.EnqueueAll(ctx, later.Call{}); return err }, later.ErrInvalidOption, "use what With returns"},
		{"unknown, but similar", byName("MialJob", `{}`), later.ErrUnknownType, `unknown job type "MialJob": did you mean "MailJob"?`},
		{"unknown", byName("Quite different", `{}`), later.ErrUnknownType, `unknown job type "Quite different": known are MailJob`},
		{"by name, invalid", byName("MailJob", `{"user_id":1,"email":"x"}`), later.ErrInvalidArgs, `/email "x" is not an email address`},
		{"by name, wrong type", byName("MailJob", `{"user_id":"one"}`), later.ErrInvalidArgs, "/user_id is a string, but int64 is needed"},
		{"by name, no JSON", byName("MailJob", `{`), later.ErrInvalidArgs, "not valid JSON: {"},
		{"no such job", func() error { _, err := queue.Get(ctx, 404); return err }, later.ErrNotFound, "job 404: not found"},
		{"cancel no such job", func() error { return queue.Cancel(ctx, 404, "") }, later.ErrNotFound, "job 404: not found"},
		{"no handler here", func() error { return textJob.PerformNow(ctx, queue, textArgs{"x"}) }, later.ErrUnknownType,
			"needs a handler registered with this JobQueue"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.call()
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got  %v\nwant %v with %q", err, test.want, test.message)
			}
		})
	}
	if jobs, err := queue.List(ctx, later.Filter{}); err != nil || len(jobs) != 0 {
		t.Errorf("stored all the same: %v, %v", jobs, err)
	}
}

func TestMistakesInConfigAreAllReported(t *testing.T) {
	bad := later.Define[textArgs]("TextJob", later.Exponential(time.Minute, time.Second), later.Timeout(-1))
	queue := newQueue(t, later.Config{
		Concurrency: -1, PollInterval: -1, Heartbeat: 6 * time.Second, Queues: map[string]int{"a": 0},
	}, bad.Do(func(context.Context, textArgs) error { return nil }))
	err := queue.Start(t.Context())
	if !errors.Is(err, later.ErrInvalidOption) {
		t.Fatalf("start: %v", err)
	}
	for _, message := range []string{
		"Concurrency -1 is negative", "PollInterval -1ns is negative", `Queues: "a" has 0 slots`,
		"Heartbeat 6s is above a third of TimeToDie 15s", "backoff from 1m0s to 1s", "timeout -1ns is negative",
	} {
		if !strings.Contains(err.Error(), message) {
			t.Errorf("%q is missing in:\n%v", message, err)
		}
	}
}

// TestForgottenUnits: a number without a unit is nanoseconds, and would ask the store
// without a pause.
func TestForgottenUnits(t *testing.T) {
	err := newQueue(t, later.Config{PollInterval: 5, Heartbeat: 3, TimeToDie: 15}).Start(t.Context())
	for _, message := range []string{"PollInterval 5ns is below 10ms: does it lack its unit", "Heartbeat 3ns is below 10ms"} {
		if !errors.Is(err, later.ErrInvalidOption) || !strings.Contains(err.Error(), message) {
			t.Errorf("%q is missing in: %v", message, err)
		}
	}
}

func TestMalformedNamesPanic(t *testing.T) {
	for _, name := range []string{"", "a\x00b", "\xff", strings.Repeat("x", 129)} {
		if message := panicOf(func() { later.Define[textArgs](name) }); !strings.Contains(message, "job type") {
			t.Errorf("Define(%q): %q", name, message)
		}
	}
}

func TestTwoHandlersPanicNamingBothPlaces(t *testing.T) {
	nothing := func(context.Context, textArgs) error { return nil }
	queue := newQueue(t, later.Config{}, textJob.Do(nothing))
	message := panicOf(func() { queue.Register(textJob.Do(nothing)) })
	if strings.Count(message, "badinput_test.go:") != 2 || !strings.Contains(message, `two handlers for "TextJob"`) {
		t.Errorf("message: %q", message)
	}
}

func panicOf(fn func()) (message string) {
	defer func() {
		if value, ok := recover().(string); ok {
			message = value
		}
	}()
	fn()
	return ""
}

// TestStoredArgumentsThatNoLongerFit: such a job fails at once, with the field
// named, whatever retries are left.
func TestStoredArgumentsThatNoLongerFit(t *testing.T) {
	old := later.Define[numberArgs]("RenamedJob")
	type newArgs struct {
		N string `json:"n"`
	}
	current := later.Define[newArgs]("CurrentJob", later.FormerlyNamed("RenamedJob"))
	queue := newQueue(t, later.Config{}, current.Do(func(context.Context, newArgs) error { return nil }))
	job := enqueue(t, old, queue, numberArgs{7})
	if n, err := queue.Drain(t.Context()); n != 1 || err != nil {
		t.Fatalf("drained %d, %v", n, err)
	}
	job = get(t, queue, job.ID)
	wantStatus(t, job, later.StatusFailed)
	if !strings.Contains(job.Error, "/n is a number, but string is needed") {
		t.Errorf("error: %q", job.Error)
	}
}
