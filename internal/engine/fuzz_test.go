package engine

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/laterjobs/later/store"
)

// FuzzPrintable: any text becomes one that every store keeps, and stays it.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"", "plain", "a\x00b", "\xff\xfe", "é\xc3", "\xed\xa0\x80", "\x1b[31m", strings.Repeat("€", 50), strings.Repeat("\x00", 50)} {
		f.Add(s, 64)
	}
	f.Add("€€", 4)
	f.Add("\xf0\x9f\x98\x80", 3)
	f.Add("x", 0)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = min(max(limit, 0), 1<<16)
		got := Printable(s, limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.IndexByte(got, 0) >= 0 {
			t.Errorf("%q cannot be stored in %d bytes", got, limit)
		}
		if again := Printable(got, limit); again != got {
			t.Errorf("%q becomes %q", got, again)
		}
		if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 && len(s) <= limit && got != s {
			t.Errorf("%q needs no change, and became %q", s, got)
		}
	})
}

// FuzzBackoff: every delay lies within its policy's bounds, whatever the policy.
func FuzzBackoff(f *testing.F) {
	f.Add(int64(time.Second), int64(time.Hour), 1, 0.5)
	f.Add(int64(0), int64(0), 2000, 0.0)
	f.Add(int64(0), int64(math.MaxInt64), 1_000_000, 0.999)
	f.Add(int64(math.MaxInt64), int64(math.MaxInt64), math.MaxInt, 0.999)
	f.Add(int64(1), int64(math.MaxInt64), 64, 0.25)
	f.Fuzz(func(t *testing.T, base, limit int64, retry int, random float64) {
		if base < 0 || limit < base || retry < 1 || !(random >= 0 && random < 1) {
			t.Skip("refused when the policy is made, or never asked")
		}
		// A delay is spread, and what does not fit is cut.
		low := time.Duration(min(float64(base)*(1-jitter), math.MaxInt64/2)) - 1
		high := time.Duration(min(float64(limit)*(1+jitter), math.MaxInt64/2)) + 1
		for name, backoff := range map[string]Backoff{
			"exponential": Exponential(time.Duration(base), time.Duration(limit)),
			"linear":      Linear(time.Duration(base), time.Duration(limit)),
			"fixed":       Fixed(time.Duration(base)),
		} {
			got := backoff(retry, errBoom, random)
			if got < max(0, low) || got > high {
				t.Errorf("%s: retry %d after %v, outside of %v…%v", name, retry, got, low, high)
			}
			if next := backoff(retry+min(1, math.MaxInt-retry), errBoom, random); next < got {
				t.Errorf("%s: retry %d after %v, the next after %v", name, retry, got, next)
			}
		}
	})
}

// FuzzDecide: whatever a handler returns, the outcome can be stored, and no attempt is
// burned by a stop.
func FuzzDecide(f *testing.F) {
	f.Add("boom", uint8(0), uint8(0), false, int64(time.Minute), 1, 3, 0.5)
	f.Add("\xff\x00", uint8(1), uint8(1), true, int64(math.MinInt64), math.MaxInt, 0, 0.999)
	f.Add("", uint8(5), uint8(2), true, int64(math.MaxInt64), -1, math.MaxInt, 0.0)
	f.Fuzz(func(t *testing.T, text string, kind, cause uint8, stopping bool, delay int64, attempts, retries int, random float64) {
		if !(random >= 0 && random < 1) {
			t.Skip("never asked")
		}
		boom := errors.New(text)
		errs := []error{
			nil, boom, &Postponement{Delay: time.Duration(delay), Reason: text}, &DelayedRetry{time.Duration(delay), boom}, &Discarded{boom},
			&SelfCancelled{boom}, &Panicked{text, text}, errors.Join(boom, ErrStopping), errGoexit,
		}
		causes := []error{nil, ErrStopping, ErrLeaseLost, &Cancellation{text}, ErrTimeout}
		a := attempt{
			job:    &store.Job{ID: 1, Token: 2, Attempt: attempts, MaxRetries: retries, Timeout: time.Duration(delay)},
			result: []byte(`1`), err: errs[int(kind)%len(errs)], cause: causes[int(cause)%len(causes)], stopping: stopping,
			started: start, finished: end,
		}
		got := judge(a, Rules{Backoff: Exponential(0, time.Hour)}, random)
		for _, s := range []string{got.Error, got.Stack} {
			if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 || len(s) > maxText {
				t.Errorf("%q cannot be stored", s)
			}
		}
		if got.Kind < store.Complete || got.Kind > store.Release {
			t.Errorf("no outcome: %+v", got)
		}
		if timed := got.Kind == store.Retry || got.Kind == store.Postpone; timed == got.RunAt.IsZero() || timed && got.RunAt.Before(end) {
			t.Errorf("due at the wrong time: %+v", got)
		}
		if errors.Is(a.cause, ErrStopping) && got.Kind == store.Retry && !errors.As(a.err, new(*DelayedRetry)) {
			t.Errorf("a stop burned an attempt: %+v", got)
		}
	})
}
