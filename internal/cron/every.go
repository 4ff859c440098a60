package cron

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Every is a rule that is due at start and after each interval from there. A zero
// start means the Unix epoch, so that all processes agree: every hour is on the hour,
// UTC, and every day at midnight. The interval is at least a second and has whole
// milliseconds.
func Every(interval time.Duration, start time.Time) (*Rule, error) {
	switch {
	case interval < time.Second:
		return nil, fmt.Errorf("interval %v is below a second", interval)
	case interval%time.Millisecond != 0:
		return nil, fmt.Errorf("interval %v is not a whole number of milliseconds", interval)
	}
	return &Rule{text: "@every " + interval.String(), zone: time.UTC, start: start, every: interval}, nil
}

// Interval reads what time.ParseDuration does, and days ("7d") and weeks ("2w")
// before it: of 24 hours each, whatever the clocks show.
func Interval(text string) (time.Duration, error) {
	total, rest := time.Duration(0), strings.TrimSpace(text)
	for _, unit := range []struct {
		name string
		long time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.name)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 32)
		if err != nil || time.Duration(n) > (math.MaxInt64-total)/unit.long {
			return 0, badInterval(text)
		}
		total, rest = total+time.Duration(n)*unit.long, after
	}
	if rest == "" && total > 0 {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > math.MaxInt64-total {
		return 0, badInterval(text)
	}
	return total + d, nil
}

func badInterval(text string) error {
	return fmt.Errorf("%.40q is not an interval: write it as 90s, 15m, 1h30m, 7d or 2w", text)
}

// nextInterval is the first instant after t that lies a whole number of intervals
// from the start. It counts in milliseconds, which reach further than a Duration does.
func (r *Rule) nextInterval(t time.Time) time.Time {
	start := r.start
	if start.IsZero() {
		start = time.Unix(0, 0)
	} else if t.Before(start) {
		return start
	}
	every := r.every.Milliseconds()
	since := (t.Unix()-start.Unix())*1000 + floorDiv(int64(t.Nanosecond()-start.Nanosecond()), 1e6)
	after := (floorDiv(since, every) + 1) * every
	return time.Unix(start.Unix()+after/1000, int64(start.Nanosecond())+after%1000*1e6)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
