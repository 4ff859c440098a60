package engine

import (
	"errors"
	"math"
	"reflect"
	"time"
)

// Backoff gives the delay before a retry; retry is 1 for the first. random is
// in [0,1) and spreads the delay where the policy has jitter.
type Backoff func(retry int, err error, random float64) time.Duration

// jitter is the part of a delay by which it may be longer or shorter.
const jitter = 0.1

// doublings make the longest delay of the shortest.
const doublings = 63

// Exponential doubles: base, 2·base, 4·base … at most limit, ±10 %.
func Exponential(base, limit time.Duration) Backoff {
	return func(retry int, _ error, random float64) time.Duration {
		return spread(math.Min(math.Ldexp(float64(base), min(retry-1, doublings)), float64(limit)), random)
	}
}

// Linear grows by base: base, 2·base, 3·base … at most limit, ±10 %.
func Linear(base, limit time.Duration) Backoff {
	return func(retry int, _ error, random float64) time.Duration {
		return spread(math.Min(float64(base)*float64(retry), float64(limit)), random)
	}
}

// Fixed waits the same time before every retry, ±10 %.
func Fixed(delay time.Duration) Backoff {
	return func(_ int, _ error, random float64) time.Duration { return spread(float64(delay), random) }
}

func spread(delay, random float64) time.Duration {
	delay *= 1 + jitter*(2*random-1)
	return time.Duration(math.Max(0, math.Min(delay, math.MaxInt64/2)))
}

// Rules say what an error of a handler leads to. Limits on the number of
// retries and on time travel with the job, since a call may override them.
type Rules struct {
	NotRetryable bool
	Backoff      Backoff // nil: the default
	RetryIf      func(error) bool
	RetryOn      []RetryRule // the first that matches decides
	DiscardOn    []error
}

// RetryRule overrides the rules for errors that match Target.
type RetryRule struct {
	Target     error
	MaxRetries int     // negative: the job's own
	Backoff    Backoff // nil: the definition's
}

// DefaultBackoff is used where a definition names none.
var DefaultBackoff = Exponential(10*time.Second, 2*time.Hour)

// retry decides whether an error is retried and after what delay.
func (r Rules) retry(err error, attempt, maxRetries int, random float64) (time.Duration, bool) {
	backoff, allowed := r.Backoff, !r.NotRetryable
	if rule, ok := r.ruleFor(err); ok {
		allowed = true
		if rule.MaxRetries >= 0 {
			maxRetries = rule.MaxRetries
		}
		if rule.Backoff != nil {
			backoff = rule.Backoff
		}
	} else if allowed && r.RetryIf != nil {
		allowed = r.RetryIf(err)
	}
	if !allowed || attempt > maxRetries {
		return 0, false
	}
	if backoff == nil {
		backoff = DefaultBackoff
	}
	return max(0, backoff(attempt, err, random)), true
}

func (r Rules) ruleFor(err error) (RetryRule, bool) {
	for _, rule := range r.RetryOn {
		if Matches(err, rule.Target) {
			return rule, true
		}
	}
	return RetryRule{}, false
}

func (r Rules) discards(err error) bool {
	for _, target := range r.DiscardOn {
		if Matches(err, target) {
			return true
		}
	}
	return false
}

// Matches reports whether err is target, as errors.Is does, or, when target is
// the zero value of an error type (such as (*fs.PathError)(nil)), whether an
// error of that type is in err's chain, as errors.As does.
func Matches(err, target error) bool {
	if err == nil || target == nil {
		return false
	}
	if errors.Is(err, target) {
		return true
	}
	value := reflect.ValueOf(target)
	return value.IsZero() && errors.As(err, reflect.New(value.Type()).Interface())
}
