package latercli

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

const timesExample = `write 10m, 3d, "tomorrow 09:00", 2006-01-02T15:04:05Z or "2006-01-02 15:04"`

// parseTime reads a time: one from now (10m, 3d), a time of day (09:00: the next one;
// today, tomorrow or a weekday before it), a day, a day with a time, or RFC 3339.
func parseTime(s string, now time.Time) (time.Time, error) {
	text := strings.TrimSpace(s)
	for _, layout := range []string{time.RFC3339, time.DateTime, "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	lower := strings.ToLower(text)
	if lower == "now" {
		return now, nil
	}
	if d, err := parseSpan(strings.TrimPrefix(lower, "in ")); err == nil {
		return now.Add(d), nil
	}
	if t, ok := timeOfDay(lower, now); ok {
		return t, nil
	}
	return time.Time{}, fmt.Errorf(`%q is no time: %s`, s, timesExample)
}

// timeOfDay reads "09:00", "tomorrow 09:00" and "monday 09:00".
func timeOfDay(text string, now time.Time) (time.Time, bool) {
	day, clock, two := strings.Cut(text, " ")
	if !two {
		day, clock = "", text
	}
	at, err := time.Parse("15:04", strings.TrimSpace(clock))
	if err != nil {
		if at, err = time.Parse("15:04:05", strings.TrimSpace(clock)); err != nil {
			return time.Time{}, false
		}
	}
	on := func(days int) time.Time {
		return time.Date(now.Year(), now.Month(), now.Day()+days, at.Hour(), at.Minute(), at.Second(), 0, now.Location())
	}
	switch day {
	case "":
		if t := on(0); t.After(now) {
			return t, true
		}
		return on(1), true
	case "today":
		return on(0), true
	case "tomorrow":
		return on(1), true
	}
	for days := range 8 {
		name := strings.ToLower(now.AddDate(0, 0, days).Weekday().String())
		if t := on(days); (day == name || day == name[:3]) && t.After(now) {
			return t, true
		}
	}
	return time.Time{}, false
}

// parseSpan reads a length of time: as Go does, with d and w for days and weeks of 24
// hours before it.
func parseSpan(s string) (time.Duration, error) {
	rest, total := strings.TrimSpace(s), time.Duration(0)
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		number, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || n < 0 || n > 100_000 {
			return 0, fmt.Errorf("%q is no length of time: write 90s, 2h30m, 3d or 1w", s)
		}
		total += time.Duration(n * float64(unit.length))
		rest = after
		if rest == "" {
			return total, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%q is no length of time: write 90s, 2h30m, 3d or 1w", s)
	}
	return total + d, nil
}

// spanValue is a flag that takes a length of time.
type spanValue time.Duration

func (v *spanValue) Set(s string) error {
	d, err := parseSpan(s)
	*v = spanValue(d)
	return err
}

func (v *spanValue) String() string {
	if *v == 0 {
		return ""
	}
	return time.Duration(*v).String()
}

func (v *spanValue) Type() string { return "duration" }

// runsAt says when something will be: "runs Tue 24 Nov 09:00 CET, in 18h00m".
func (a *app) runsAt(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	now := time.Now()
	layout := "Mon 2 Jan 15:04 MST"
	local := at.In(a.zone)
	switch {
	case local.Year() != now.In(a.zone).Year():
		layout = "Mon 2 Jan 2006 15:04 MST"
	case at.Sub(now) < 10*time.Minute:
		layout = "Mon 2 Jan 15:04:05 MST"
	}
	return "runs " + local.Format(layout) + ", " + when(at.Round(time.Second), now.Round(time.Second))
}

// clock prints a moment in the zone of --tz.
func (a *app) clock(t time.Time) string { return t.In(a.zone).Format(time.DateTime) }
