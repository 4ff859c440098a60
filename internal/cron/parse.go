package cron

import (
	"errors"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // see the package comment
	"unicode/utf8"
)

// ErrNever: no date and time matches the expression, as on 30 February.
var ErrNever = errors.New("never happens")

// maxText bounds an expression. The longest sensible one, with every list written
// out, stays below.
const maxText = 512

// Rule is a recurring rule. It is not changed after Parse.
type Rule struct {
	text  string
	zone  *time.Location
	start time.Time     // no tick is before; zero: none
	every time.Duration // 0: the fields below count

	second, minute, hour, month set
	days                        days
	realTime                    bool // * in the minute or the hour: due by real time
	everyHour                   bool
}

// String is the expression as Parse reads it, without needless spaces.
func (r *Rule) String() string { return r.text }

// Zone is the time zone whose clocks the rule goes by.
func (r *Rule) Zone() *time.Location { return r.zone }

// shorthands are the names of common rules.
var shorthands = map[string]string{
	"@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
	"@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
}

// Parse reads a crontab expression, five fields or six with the seconds first, or a
// shorthand such as @daily, or "@every 36h" (see Every). zone is an IANA name; empty means
// UTC. No tick is before start, unless that is zero.
func Parse(text, zone string, start time.Time) (*Rule, error) {
	location, err := load(zone)
	if err != nil {
		return nil, err
	}
	if len(text) > maxText || !utf8.ValidString(text) {
		return nil, fmt.Errorf("rule %.40q… has %d bytes; at most %d of UTF-8 are allowed", text, len(text), maxText)
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, fmt.Errorf("rule %q is empty: it has five fields, minute hour day-of-month month day-of-week", text)
	}
	if strings.EqualFold(words[0], "@every") {
		interval, err := Interval(strings.Join(words[1:], ""))
		if err != nil {
			return nil, fmt.Errorf("rule %q: %w", text, err)
		}
		return Every(interval, start)
	}
	r := &Rule{text: strings.Join(words, " "), zone: location, start: start}
	if err := r.read(words); err != nil {
		return nil, fmt.Errorf("rule %q: %w", r.text, err)
	}
	return r, nil
}

func load(zone string) (*time.Location, error) {
	if strings.EqualFold(zone, "local") {
		// It would mean something else on each machine.
		return nil, fmt.Errorf("time zone %q is no place: give an IANA name such as %q", zone, "Europe/Berlin")
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return nil, fmt.Errorf("time zone %.60q is not known: give an IANA name such as %q: %w", zone, "Europe/Berlin", err)
	}
	return location, nil
}

func (r *Rule) read(words []string) error {
	if strings.HasPrefix(words[0], "@") {
		expression, known := shorthands[strings.ToLower(words[0])]
		if !known || len(words) > 1 {
			return fmt.Errorf("there is no %s; there are @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly and @every with an interval", r.text)
		}
		words = strings.Fields(expression)
	}
	if strings.Contains(words[0], "=") {
		return fmt.Errorf("%s is no field: the time zone is an argument of its own", words[0])
	}
	if len(words) != 5 && len(words) != 6 {
		return fmt.Errorf("it has %d fields; five are needed: minute hour day-of-month month day-of-week, or six with the second first", len(words))
	}
	if len(words) == 5 {
		words = append([]string{"0"}, words...)
	}
	if err := r.readFields(words); err != nil {
		return err
	}
	r.everyHour = r.hour == full(hours)
	r.realTime = hasStar(words[1]) || hasStar(words[2]) || r.everyHour || r.minute == full(minutes)
	if _, happens := r.nextOnCalendar(cycleBegin, cycleEnd); !happens {
		return fmt.Errorf("it %w: no month of it has such a day", ErrNever)
	}
	return nil
}

// readFields reports the mistakes of all fields.
func (r *Rule) readFields(words []string) error {
	var problems [6]error
	r.second, problems[0] = seconds.read(words[0])
	r.minute, problems[1] = minutes.read(words[1])
	r.hour, problems[2] = hours.read(words[2])
	problems[3] = r.days.readDaysOfMonth(words[3])
	r.month, problems[4] = months.read(words[4])
	problems[5] = r.days.readWeekdays(words[5])
	return errors.Join(problems[:]...)
}

// The calendar repeats itself after 400 years.
var (
	cycleBegin = clockOf(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC))
	cycleEnd   = clockOf(time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC))
)
