package engine

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"time"

	"github.com/laterjobs/later/store"
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

// Rules say what an error of a handler leads to. The limit on the number of retries and
// deadlines travel with the job, since a call may override them.
type Rules struct {
	NotRetryable bool
	Backoff      Backoff // nil: the default
	RetryIf      func(error) bool
	RetryOn      []RetryRule   // the first that matches decides
	RetryFor     time.Duration // since the job was due first; 0: no limit
	DiscardOn    []error
}

// RetryRule overrides the rules for errors that match Target, and counts its retries
// apart from those of others.
type RetryRule struct {
	Name       string // under which its retries are counted
	Target     error
	MaxRetries int     // negative: the job's own
	Backoff    Backoff // nil: the definition's
}

// DefaultBackoff is used where a definition names none.
var DefaultBackoff = Exponential(10*time.Second, 2*time.Hour)

// A verdict says what the rules make of an error.
type verdict struct {
	retry     bool
	exhausted bool           // it would be retried if limits allowed it
	missed    string         // the limit in time that the next start would miss
	at        time.Time      // of the retry
	counts    map[string]int // retries by rule, this one included
}

// judge decides whether an error is retried, and when. asked is the delay that the
// handler has asked for; nil: the backoff's.
func (r Rules) judge(err error, a attempt, random float64, asked *time.Duration) verdict {
	rule, named := r.ruleFor(err)
	if !named {
		rule = RetryRule{MaxRetries: -1}
		if r.NotRetryable || r.RetryIf != nil && !r.RetryIf(err) {
			return verdict{}
		}
	}
	limit := rule.MaxRetries
	if limit < 0 {
		limit = a.job.MaxRetries
	}
	retry := 1 + earlier(a.job, rule, named)
	// After progress a retry does not count; a job without retries has none even so.
	uncounted := a.progressed && limit > 0
	if retry > limit && !uncounted {
		return verdict{exhausted: true}
	}
	at := a.finished.Add(r.delay(rule, retry, err, random, asked))
	if missed := r.missed(a.job, at); missed != "" {
		return verdict{exhausted: true, missed: missed}
	}
	if uncounted {
		return verdict{retry: true, at: at, counts: a.job.RuleRetries}
	}
	return verdict{retry: true, at: at, counts: counted(a.job.RuleRetries, rule, named)}
}

// earlier is how often a rule has retried the job in this round. What no rule of
// RetryOn has retried is counted by the attempts.
func earlier(job *store.Job, rule RetryRule, named bool) int {
	if named {
		return job.RuleRetries[rule.Name]
	}
	others := 0
	for _, n := range job.RuleRetries {
		others += max(0, n)
	}
	return max(0, job.Attempt-1-others)
}

func counted(counts map[string]int, rule RetryRule, named bool) map[string]int {
	if !named {
		return counts
	}
	more := map[string]int{rule.Name: 0}
	maps.Copy(more, counts)
	more[rule.Name]++
	return more
}

func (r Rules) delay(rule RetryRule, retry int, err error, random float64, asked *time.Duration) time.Duration {
	backoff := DefaultBackoff
	switch {
	case asked != nil:
		return max(0, *asked)
	case rule.Backoff != nil:
		backoff = rule.Backoff
	case r.Backoff != nil:
		backoff = r.Backoff
	}
	return max(0, backoff(retry, err, random))
}

// missed names the limit in time that a start would miss.
func (r Rules) missed(job *store.Job, at time.Time) string {
	switch o := job.Options; {
	case r.RetryFor > 0 && at.After(due(job).Add(r.RetryFor)):
		return fmt.Sprintf("the next attempt would start later than %v after the job was due", r.RetryFor)
	case o == nil:
		return ""
	case !o.StartBy.IsZero() && at.After(o.StartBy), !o.FinishBy.IsZero() && !at.Before(o.FinishBy):
		return "the next attempt would start after the job's deadline"
	}
	return ""
}

// due is when the job was first to be performed.
func due(job *store.Job) time.Time {
	if job.ScheduledAt.After(job.QueuedAt) {
		return job.ScheduledAt
	}
	return job.QueuedAt
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
