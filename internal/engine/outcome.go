package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/laterjobs/later/store"
)

// attempt is what is known when a handler has returned.
type attempt struct {
	job      *store.Job
	result   json.RawMessage
	err      error
	cause    error // why the context had ended by then; nil if it had not
	stopping bool  // the process had begun to stop by then
	started  time.Time
	finished time.Time
}

// judge decides, and fails the job if a rule of its definition panics: rules are
// the program's code as handlers are.
func judge(a attempt, rules Rules, random float64) store.Outcome {
	outcome, err := Protect(func() (store.Outcome, error) { return decide(a, rules, random), nil })
	if err == nil {
		return outcome
	}
	return store.Outcome{
		JobID: a.job.ID, Token: a.job.Token, Kind: store.Fail, StartedAt: a.started, FinishedAt: a.finished,
		Error: sanitize("cannot decide about a retry: " + err.Error()), Stack: stackOf(err),
	}
}

// decide turns an attempt into its outcome. It is a pure function; random in
// [0,1) spreads the delay of a retry.
func decide(a attempt, rules Rules, random float64) store.Outcome {
	outcome := store.Outcome{
		JobID: a.job.ID, Token: a.job.Token,
		StartedAt: a.started, FinishedAt: a.finished,
	}
	outcome.Stack = stackOf(a.err)
	switch {
	case a.err == nil:
		outcome.Kind, outcome.Result = store.Complete, a.result
	case steer(&outcome, a, rules, random):
	case errors.Is(a.cause, ErrStopping), errors.Is(a.cause, ErrLeaseLost):
		outcome.Kind = store.Release
	case errors.Is(a.cause, ErrCancelled):
		outcome.Kind, outcome.Error = store.Cancel, sanitize(cancelReason(a.cause))
	case a.stopping && errors.Is(a.err, ErrStopping):
		outcome.Kind = store.Release // of its own accord, before the context ended
	case errors.Is(a.cause, ErrTimeout):
		failed(&outcome, a, rules, random, timeoutError(a))
	default:
		failed(&outcome, a, rules, random, a.err)
	}
	return outcome
}

// steer follows the wish of a handler that returned Postpone, RetryIn, Discard
// or CancelSelf, and reports whether there was one.
func steer(outcome *store.Outcome, a attempt, rules Rules, random float64) bool {
	var (
		postponed *Postponement
		delayed   *DelayedRetry
		discarded *Discarded
		cancelled *SelfCancelled
	)
	switch {
	case errors.As(a.err, &postponed):
		outcome.Kind, outcome.Error = store.Postpone, sanitize(postponed.Reason)
		outcome.RunAt = a.finished.Add(max(0, postponed.Delay))
	case errors.As(a.err, &discarded):
		outcome.Kind, outcome.Error = store.Fail, sanitize(a.err.Error())
	case errors.As(a.err, &cancelled):
		outcome.Kind, outcome.Error = store.Cancel, sanitize(a.err.Error())
	case errors.As(a.err, &delayed):
		failed(outcome, a, rules, random, a.err)
		if outcome.Kind == store.Retry {
			outcome.RunAt = a.finished.Add(max(0, delayed.Delay))
		}
	default:
		return false
	}
	return true
}

func failed(outcome *store.Outcome, a attempt, rules Rules, random float64, err error) {
	outcome.Kind, outcome.Error = store.Fail, sanitize(err.Error())
	if errors.Is(err, ErrUnperformable) || rules.discards(err) {
		return
	}
	if delay, ok := rules.retry(err, a.job.Attempt, a.job.MaxRetries, random); ok {
		outcome.Kind, outcome.RunAt = store.Retry, a.finished.Add(delay)
	}
}

// ErrUnperformable marks errors that no retry can mend: arguments that no longer
// decode or validate, a result that cannot be stored.
var ErrUnperformable = errors.New("cannot be performed")

func timeoutError(a attempt) error {
	if errors.Is(a.err, ErrTimeout) {
		return a.err
	}
	return fmt.Errorf("%w after %v: %w", ErrTimeout, a.job.Timeout, a.err)
}

func cancelReason(cause error) string {
	var cancellation *Cancellation
	if errors.As(cause, &cancellation) {
		return cancellation.Reason
	}
	return ""
}

func stackOf(err error) string {
	if err == nil {
		return "" // and nothing allocated
	}
	var panicked *Panicked
	if errors.As(err, &panicked) {
		return sanitize(panicked.Stack)
	}
	return ""
}

// maxText bounds an error or stack, in bytes.
const maxText = 64 << 10

func sanitize(s string) string { return Printable(s, maxText) }

// Printable makes any text storable everywhere, so that none can block an
// outcome: valid UTF-8 without NUL, of at most limit bytes.
func Printable(s string, limit int) string {
	s = s[:min(len(s), limit)]
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "␀")
	for len(s) > limit {
		_, size := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-size]
	}
	return s
}
