package later

import (
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/cron"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// Rule says when something recurs: what Cron and Every return. A mistake in it is
// reported by what it is given to.
type Rule struct {
	text, zone string
	err        error
}

// Cron is a rule of five fields, minute hour day-of-month month day-of-week, or six with
// the second first: "0 2 * * *", "*/15 9-17 * * MON-FRI", "0 0 L * *", or one of @yearly,
// @monthly, @weekly, @daily and @hourly. The zone is an IANA name such as "Europe/Berlin";
// empty means UTC. If both fields for days are restricted, a day that matches either is
// one.
//
// A time that the clocks of the zone skip is due at the first instant after the gap, and
// one that they show twice is due the first time; but rules with * in the minute or the
// hour go on by real time. docs/schedules.md has a table.
func Cron(expression, zone string) Rule {
	return newRule(expression, zone)
}

// Every is a rule that is due again and again after an interval of real time, at least a
// second: a time.Duration, or text such as "90s", "1h30m", "7d" or "2w". It counts from
// 1970-01-01T00:00:00Z, so that "1h" is on the hour, unless StartAt says otherwise.
func Every[D string | time.Duration](interval D) Rule {
	switch interval := any(interval).(type) {
	case time.Duration:
		return newRule("@every "+interval.String(), "")
	default:
		return newRule(fmt.Sprint("@every ", interval), "")
	}
}

func newRule(text, zone string) Rule {
	r := Rule{text: text, zone: zone}
	rule, err := cron.Parse(text, zone, time.Time{})
	if err != nil {
		r.err = err
		return r
	}
	r.text = rule.String()
	return r
}

// String is the rule in text, with its zone.
func (r Rule) String() string {
	if r.zone == "" {
		return r.text
	}
	return r.text + " " + r.zone
}

// NextRuns are the next n times at which the rule is due, after now.
func (r Rule) NextRuns(n int) ([]time.Time, error) {
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrInvalidOption, r.err)
	}
	return nextRuns(store.ScheduleDefinition{Rule: r.text, Zone: r.zone}, time.Now(), n)
}

func nextRuns(d store.ScheduleDefinition, after time.Time, n int) (runs []time.Time, err error) {
	rule, err := engine.RuleOf(&store.Schedule{Definition: d})
	if err != nil {
		return nil, err
	}
	for at := rule.Next(after); len(runs) < n && !at.IsZero(); at = rule.Next(at) {
		runs = append(runs, at)
	}
	return runs, nil
}
