package engine

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/laterjobs/later/internal/cause"
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

	progressed bool // a step was done or a cursor moved: a retry does not count
}

// decision is an outcome with what the program is told about it.
type decision struct {
	store.Outcome
	cause     *store.Cause // of a failure; nil: it is none
	failure   error        // what the cause is found from
	err       error        // of an attempt that has failed its job for good
	exhausted bool         // it would have been retried if limits allowed it
}

// judge decides, and fails the job if a rule of its definition panics: rules are
// the program's code as handlers are.
func judge(a attempt, rules Rules, random float64) decision {
	d, err := Protect(func() (decision, error) { return decide(a, rules, random), nil })
	if err == nil {
		return d.withCause(a.job.Type)
	}
	err = fmt.Errorf("cannot decide about a retry: %w", err)
	return decision{err: err, failure: err, Outcome: store.Outcome{
		JobID: a.job.ID, Token: a.job.Token, Kind: store.Fail, StartedAt: a.started, FinishedAt: a.finished,
		Error: sanitize(err.Error()), Stack: stackOf(err),
	}}.withCause(a.job.Type)
}

// withCause finds what a failure has in common with others.
func (d decision) withCause(jobType string) decision {
	if d.failure == nil {
		return d
	}
	failure := cause.Failure{Type: jobType, Err: d.failure}
	var panicked *Panicked
	if errors.As(d.failure, &panicked) {
		failure.Panic, failure.Stack = panicked.Value, panicked.Stack
		if failure.Panic == nil {
			failure.Panic = "nil" // panics nevertheless
		}
	}
	found := cause.Of(failure)
	d.cause, d.Cause = &found, found.ID
	return d
}

// decide turns an attempt into its outcome. It is a pure function; random in
// [0,1) spreads the delay of a retry.
func decide(a attempt, rules Rules, random float64) decision {
	d := decision{Outcome: store.Outcome{
		JobID: a.job.ID, Token: a.job.Token,
		StartedAt: a.started, FinishedAt: a.finished,
		Unique: a.job.Options.KeptUntilDone(),
	}}
	d.Stack = stackOf(a.err)
	switch {
	case a.err == nil:
		d.Kind, d.Result = store.Complete, a.result
	case steer(&d, a, rules, random):
	case errors.Is(a.cause, ErrStopping), errors.Is(a.cause, ErrLeaseLost), errors.Is(a.err, ErrLeaseLost):
		d.Kind = store.Release
	case errors.Is(a.cause, ErrCancelled):
		d.Kind, d.Error = store.Cancel, sanitize(cancelReason(a.cause))
	case a.stopping && errors.Is(a.err, ErrStopping):
		d.Kind = store.Release // of its own accord, before the context ended
	case errors.Is(a.cause, ErrTimeout):
		d.failed(a, rules, random, timeoutError(a), nil)
	case errors.Is(a.cause, ErrDeadline):
		d.fail(deadlineError(a))
	default:
		d.failed(a, rules, random, a.err, nil)
	}
	return d
}

// steer follows the wish of a handler that returned Postpone, RetryIn, Discard
// or CancelSelf, and reports whether there was one.
func steer(d *decision, a attempt, rules Rules, random float64) bool {
	var (
		postponed *Postponement
		delayed   *DelayedRetry
		discarded *Discarded
		cancelled *SelfCancelled
	)
	switch {
	case errors.As(a.err, &postponed):
		d.Kind, d.Error = store.Postpone, sanitize(postponed.Reason)
		d.RunAt = a.finished.Add(max(0, postponed.Delay))
		if !postponed.Until.IsZero() {
			d.RunAt = postponed.Until
		}
	case errors.As(a.err, &discarded):
		d.fail(a.err)
	case errors.As(a.err, &cancelled):
		d.Kind, d.Error = store.Cancel, sanitize(a.err.Error())
	case errors.As(a.err, &delayed):
		d.failed(a, rules, random, a.err, &delayed.Delay)
	default:
		return false
	}
	return true
}

// failed follows the rules for an error.
func (d *decision) failed(a attempt, rules Rules, random float64, err error, asked *time.Duration) {
	d.failure = err // without what is added to it below
	if errors.Is(err, ErrUnperformable) || rules.discards(err) {
		d.fail(err)
		return
	}
	v := rules.judge(err, a, random, asked)
	if v.retry {
		d.Kind, d.Error, d.RunAt, d.RuleRetries = store.Retry, sanitize(err.Error()), v.at, v.counts
		d.Progressed = a.progressed
		return
	}
	d.exhausted = v.exhausted
	if v.missed != "" {
		err = fmt.Errorf("%w (not retried: %s)", err, v.missed)
	}
	d.fail(err)
}

func (d *decision) fail(err error) {
	d.Kind, d.Error, d.err = store.Fail, sanitize(err.Error()), err
	if d.failure == nil {
		d.failure = err
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

// deadlineError is the error of an attempt that the job's deadline ended.
func deadlineError(a attempt) error {
	if errors.Is(a.err, ErrDeadline) {
		return a.err
	}
	return fmt.Errorf("%w: %w", ErrDeadline, a.err)
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
