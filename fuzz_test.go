package later_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/storetest"
)

// refusals are what callers can tell apart when the door is shut.
var refusals = []error{later.ErrInvalidArgs, later.ErrInvalidOption, later.ErrTooLarge, later.ErrUnknownType}

func refused(err error) bool {
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

// inMemory is a JobQueue over a store in memory.
func inMemory(t testing.TB, handlers ...later.Handler) *later.JobQueue {
	t.Helper()
	s, err := sqlite.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return queueOn(t, s, later.Config{Logger: slog.New(slog.DiscardHandler)}, handlers...)
}

// FuzzEnqueue: arguments by name are refused with a reason, or come to the handler and
// back to the reader byte for byte.
func FuzzEnqueue(f *testing.F) {
	mail := later.Define[mailArgs]("MailJob", later.MaxRetries(0))
	anything := later.Define[json.RawMessage]("AnythingJob", later.MaxRetries(0))
	var got []byte
	queue := inMemory(f, mail.Do(func(context.Context, mailArgs) error { return nil }),
		anything.Do(func(_ context.Context, args json.RawMessage) error {
			got = bytes.Clone(args)
			return nil
		}))
	for _, raw := range []string{
		``, `{}`, `null`, `{"user_id":1,"email":"ada@example.com"}`, `{"user_id":9007199254740993,"email":"ada@example.com","more":1}`,
		`{"user_id":1e400,"email":"x"}`, `{"user_id":1.5}`, `{"email":"\ud800","user_id":1}`, `{"email":"\u0000"}`, "{\"email\":\"\x00\"}", "\"\xff\"",
		`{"user_id":1,"user_id":"two"}`, strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), `"` + strings.Repeat("x", 2<<20) + `"`, `"\ud83d\ude00 ␀"`,
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, name := range []string{"MailJob", "AnythingJob"} {
			job, err := queue.Enqueue(t.Context(), name, raw)
			if err != nil {
				if !refused(err) {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			if len(raw) == 0 {
				raw = []byte(`{}`) // what no arguments mean
			}
			got = nil
			if n, err := queue.Drain(t.Context()); n != 1 || err != nil {
				t.Fatalf("performed %d jobs, %v", n, err)
			}
			job = get(t, queue, job.ID)
			wantStatus(t, job, later.StatusCompleted)
			if !bytes.Equal(job.Args, raw) {
				t.Errorf("stored %q, was %q", job.Args, raw)
			}
			if name == "AnythingJob" && !bytes.Equal(bytes.TrimSpace(raw), bytes.TrimSpace(got)) {
				t.Errorf("performed with %q, was %q", got, raw)
			}
			if _, err := json.Marshal(job); err != nil {
				t.Errorf("cannot be shown: %v", err)
			}
		}
	})
}

// FuzzOptions: options are refused with a reason, or stored as they are.
func FuzzOptions(f *testing.F) {
	number := later.Define[numberArgs]("NumberJob")
	queue := inMemory(f, number.Do(func(context.Context, numberArgs) error { return nil }))
	f.Add("default", "ada", "7", "red", "{}", 0, 3, int64(time.Minute), int64(0), int64(time.Hour))
	f.Add("", "\x00", "\xff", strings.Repeat("x", 129), "\xed\xa0\x80", -32769, -1, int64(-1), int64(1), int64(-1))
	f.Add("räume", "'", `"`, "\u202e", "\x1b", 32767, 1_000_000, int64(1<<63-1), int64(253402300799), int64(1<<63-1))
	f.Add("q", "", "", "t", "", -32768, 1_000_001, int64(0), int64(253402300800), int64(0))
	f.Add("q", "", "", "t", "", 0, 0, int64(1), int64(-1<<63), int64(0))
	f.Fuzz(func(t *testing.T, name, user, target, tag, metadata string, priority, retries int, timeout, at, in int64) {
		opts := []later.CallOption{
			later.Queue(name), later.User(user), later.Target(target), later.Tags(tag), later.Metadata(map[string]any{"m": metadata}),
			later.Priority(priority), later.MaxRetries(retries), later.Timeout(time.Duration(timeout)),
		}
		if at != 0 {
			opts = append(opts, later.At(time.Unix(at, 0)))
		} else {
			opts = append(opts, later.In(time.Duration(in)))
		}
		job, err := number.PerformLater(t.Context(), queue, numberArgs{1}, opts...)
		if err != nil {
			if !refused(err) {
				t.Error(err)
			}
			return
		}
		stored := get(t, queue, job.ID)
		if stored.Queue != name || stored.UserID != user || stored.TargetID != target || stored.Tags[0] != tag ||
			stored.Priority != priority || stored.MaxRetries != retries || stored.Timeout != time.Duration(timeout).Truncate(time.Microsecond) {
			t.Errorf("%+v", stored)
		}
		if _, err := json.Marshal([]later.Job{job, stored}); err != nil {
			t.Errorf("cannot be shown: %v", err)
		}
		if _, err := queue.DeleteAll(t.Context(), later.Filter{IDs: []int64{job.ID}}); err != nil {
			t.Error(err)
		}
	})
}

// FuzzConfig: a Config is refused with a reason, or a JobQueue starts with it, works
// and stops.
func FuzzConfig(f *testing.F) {
	number := later.Define[numberArgs]("NumberJob")
	f.Add(0, 0, "", int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), int64(0), 0)
	f.Add(1, 2, "default", int64(time.Second), int64(1), int64(1), int64(1), int64(time.Second), int64(3*time.Second), int64(-1), 1)
	f.Add(-1, -1, "\x00", int64(-1), int64(-1), int64(-1), int64(-1), int64(-1), int64(-1), int64(-1), -1)
	f.Add(1<<62, 1<<62, "q", int64(1<<62), int64(1<<62), int64(1<<62), int64(1<<62), int64(1<<61), int64(1<<63-1), int64(1<<63-1), 1<<62)
	f.Add(1, 0, "", int64(5), int64(0), int64(30), int64(10), int64(3), int64(15), int64(1), 0) // without their units
	f.Add(1, 0, "", int64(10*time.Millisecond), int64(0), int64(0), int64(0), int64(10*time.Millisecond), int64(30*time.Millisecond), int64(1), 0)
	f.Fuzz(func(t *testing.T, concurrency, slots int, name string, poll, delay, soft, hard, heartbeat, dead, keep int64, maxArgs int) {
		cfg := later.Config{
			Concurrency: concurrency, PollInterval: time.Duration(poll), StartDelay: time.Duration(delay),
			SoftStop: time.Duration(soft), HardStop: time.Duration(hard), Heartbeat: time.Duration(heartbeat), TimeToDie: time.Duration(dead),
			Retention: later.Retention{Completed: time.Duration(keep), Failed: time.Duration(keep), Cancelled: time.Duration(keep)},
			MaxArgs:   maxArgs, Logger: slog.New(slog.DiscardHandler),
		}
		if name != "" {
			cfg.Queues = map[string]int{name: slots}
		}
		queue := later.New(storetest.NewReference(), cfg)
		done := make(chan struct{}, 1)
		queue.Register(number.Do(func(context.Context, numberArgs) error {
			done <- struct{}{}
			return nil
		}))
		if err := queue.Start(t.Context()); err != nil {
			if !errors.Is(err, later.ErrInvalidOption) {
				t.Error(err)
			}
			return
		}
		if name == "" && delay == 0 && (maxArgs == 0 || maxArgs > 100) {
			enqueue(t, number, queue, numberArgs{})
			receive(t, done)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if report, err := queue.Stop(ended); err != nil || report.Took > time.Minute {
			t.Errorf("stop: %+v, %v", report, err)
		}
	})
}
