package later

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/engine"
)

// RetryOption fits RetryOn.
type RetryOption interface {
	rule(d *definition, rule *engine.RetryRule)
}

// BackoffOption says how long to wait before a retry. It fits a definition and
// RetryOn.
type BackoffOption interface {
	DefineOption
	RetryOption
}

// LimitOption fits a definition, a call and RetryOn.
type LimitOption interface {
	Option
	RetryOption
}

type limitOption int

// MaxRetries is how many attempts may follow the first; 3 by default. In RetryOn
// it holds for the errors named there.
func MaxRetries(retries int) LimitOption { return limitOption(retries) }

func (o limitOption) define(d *definition) {
	d.maxRetries, d.limited = o.checked(&d.settings), true
}
func (o limitOption) call(c *Call) { c.maxRetries = o.checked(&c.settings) }
func (o limitOption) rule(d *definition, rule *engine.RetryRule) {
	rule.MaxRetries = o.checked(&d.settings)
}

func (o limitOption) checked(s *settings) int {
	if o < 0 || o > maxRetriesLimit {
		s.refuse("max retries %d is outside 0…%d", int(o), maxRetriesLimit)
		return 0
	}
	return int(o)
}

const maxRetriesLimit = 1_000_000

type notRetryable struct{}

// NotRetryable fails the job on its first error. Errors named by RetryOn are
// still retried.
func NotRetryable() Option { return notRetryable{} }

func (notRetryable) define(d *definition) {
	d.rules.NotRetryable, d.maxRetries, d.limited = true, 0, true
}
func (notRetryable) call(c *Call) { c.maxRetries = 0 }

// RetryFor retries as long as the next attempt would start within a time since the job
// was due first: since it was enqueued, or since the time that it was enqueued for. It
// takes the place of the number of retries, unless MaxRetries is given, too: then both
// limits hold. A person's retry does not begin the time anew.
func RetryFor(limit time.Duration) DefineOption {
	return defineOption(func(d *definition) {
		if limit <= 0 {
			d.refuse("retry for %v: the time must be above 0", limit)
		}
		d.rules.RetryFor = limit
	})
}

type backoffOption struct {
	backoff engine.Backoff
	refusal func(*settings)
}

func (o backoffOption) define(d *definition) {
	o.refusal(&d.settings)
	d.rules.Backoff = o.backoff
}

func (o backoffOption) rule(d *definition, rule *engine.RetryRule) {
	o.refusal(&d.settings)
	rule.Backoff = o.backoff
}

// Exponential doubles the wait: base, 2·base, 4·base … at most limit, each
// spread by ±10 %. The default is Exponential(10 s, 2 h).
func Exponential(base, limit time.Duration) BackoffOption {
	return backoffOption{engine.Exponential(base, limit), refuseDelays(base, limit)}
}

// Linear lengthens the wait evenly: base, 2·base, 3·base … at most limit, each
// spread by ±10 %.
func Linear(base, limit time.Duration) BackoffOption {
	return backoffOption{engine.Linear(base, limit), refuseDelays(base, limit)}
}

// Fixed waits the same time before every retry, spread by ±10 %.
func Fixed(delay time.Duration) BackoffOption {
	return backoffOption{engine.Fixed(delay), refuseDelays(delay, delay)}
}

// Backoff asks fn how long to wait before a retry (1 for the first) after err.
// Its answer is not spread; a negative one means 0.
func Backoff(fn func(retry int, err error) time.Duration) BackoffOption {
	custom := func(retry int, err error, _ float64) time.Duration { return fn(retry, err) }
	return backoffOption{custom, func(s *settings) {
		if fn == nil {
			s.refuse("the function of Backoff is nil")
		}
	}}
}

func refuseDelays(base, limit time.Duration) func(*settings) {
	return func(s *settings) {
		if base < 0 || limit < base {
			s.refuse("backoff from %v to %v: the delays must be 0 ≤ base ≤ limit", base, limit)
		}
	}
}

// RetryIf retries only errors for which fn returns true. Errors named by RetryOn
// are not asked about.
func RetryIf(fn func(err error) bool) DefineOption {
	return defineOption(func(d *definition) { d.rules.RetryIf = fn })
}

// RetryOn retries errors that match target, with a limit and a backoff of their
// own if options say so. target is a value, matched with errors.Is, or the zero
// value of an error type, such as (*fs.PathError)(nil), matched with errors.As.
// Of several rules the first that matches decides. Each counts the retries that it has
// caused itself, since the job was enqueued or a person let it start over; what no rule
// of RetryOn matches is counted apart as well.
func RetryOn(target error, opts ...RetryOption) DefineOption {
	return defineOption(func(d *definition) {
		if target == nil {
			d.refuse("RetryOn needs an error to match")
			return
		}
		rule := engine.RetryRule{Name: d.nameOfRule(target), Target: target, MaxRetries: -1}
		for _, opt := range opts {
			opt.rule(d, &rule)
		}
		d.rules.RetryOn = append(d.rules.RetryOn, rule)
	})
}

// nameOfRule is the name under which the retries of a rule are counted. It outlives the
// process: the text of a value, the name of a type.
func (d *definition) nameOfRule(target error) string {
	name := fmt.Sprintf("%T", target)
	if !reflect.ValueOf(target).IsZero() {
		name = engine.Printable(target.Error(), maxName)
	}
	same := 0
	for _, rule := range d.rules.RetryOn {
		if base, _, _ := strings.Cut(rule.Name, " #"); base == name {
			same++
		}
	}
	if same > 0 {
		return fmt.Sprintf("%s #%d", name, same+1)
	}
	return name
}

// DiscardOn fails the job at once for errors that match one of the targets, as RetryOn
// matches. It wins over RetryOn and RetryIf.
func DiscardOn(targets ...error) DefineOption {
	return defineOption(func(d *definition) {
		if len(targets) == 0 || slices.Contains(targets, nil) {
			d.refuse("DiscardOn needs an error to match")
			return
		}
		d.rules.DiscardOn = append(d.rules.DiscardOn, targets...)
	})
}

// Postpone, returned by a handler, runs the job again after a while. It uses up
// no attempt. The reason is shown with the scheduled job.
func Postpone(delay time.Duration, reason string) error {
	return &engine.Postponement{Delay: delay, Reason: reason}
}

// RetryIn, returned by a handler, retries after delay instead of the
// definition's backoff, within its limits and rules.
func RetryIn(delay time.Duration, err error) error {
	return &engine.DelayedRetry{Delay: delay, Err: err}
}

// Discard, returned by a handler, fails the job now, whatever retries are left.
func Discard(err error) error { return &engine.Discarded{Err: err} }

// CancelSelf, returned by a handler, ends the job as cancelled, with err as
// the reason.
func CancelSelf(err error) error { return &engine.SelfCancelled{Err: err} }
