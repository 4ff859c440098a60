package dashboard

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// short is a duration in the two units that matter.
func short(d time.Duration) string {
	if d < 0 {
		return "−" + short(-d)
	}
	switch {
	case d < time.Millisecond:
		return strconv.FormatInt(d.Microseconds(), 10) + " µs"
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(math.Floor(d.Seconds()*10)/10, 'f', 1, 64) + " s"
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < time.Hour:
		return units(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 48*time.Hour:
		return units(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return units(int(d.Hours())/24, "days", int(d.Hours())%24, "h")
}

// units are two of them, the smaller one unless it is zero: 15 min, 15 min 2 s.
func units(large int, name string, small int, smaller string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, name)
	}
	return fmt.Sprintf("%d %s %d %s", large, name, small, smaller)
}

// ago is how long ago something was, for people.
func ago(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := now.Sub(t)
	if d < -time.Second {
		return until(now, t)
	}
	return coarse(d) + " ago"
}

func until(now, t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := t.Sub(now)
	if d <= 0 {
		return "now"
	}
	return "in " + coarse(d)
}

// coarse is a duration in one unit.
func coarse(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(0, int(d.Seconds()))) + " s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + " min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + " h"
	case d < 365*24*time.Hour:
		return strconv.Itoa(int(d.Hours()/24)) + " days"
	}
	return plural(int64(d.Hours()/24/365), "year", "years")
}

// number groups digits by threes.
func number(n int64) string {
	text := strconv.FormatInt(n, 10)
	sign := ""
	if text[0] == '-' {
		sign, text = "−", text[1:]
	}
	var groups []string
	for len(text) > 3 {
		groups = append([]string{text[len(text)-3:]}, groups...)
		text = text[:len(text)-3]
	}
	return sign + strings.Join(append([]string{text}, groups...), ",")
}

// atLeast is a number of which there may be more than were counted: 10k+.
func atLeast(n int64, more bool) string {
	switch {
	case !more || n == 0:
		return number(n)
	case n < 1000:
		return number(n) + "+"
	}
	return number(n/1000) + "k+"
}

// size is a number of bytes for people.
func size(n int) string {
	switch {
	case n < 1<<10:
		return strconv.Itoa(n) + " bytes"
	case n < 1<<20:
		return strconv.FormatFloat(float64(n)/(1<<10), 'f', 1, 64) + " KiB"
	}
	return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) + " MiB"
}

// ruleText is that of a schedule without the empty units of its span: @every 5m.
func ruleText(text string) string {
	if span, every := strings.CutPrefix(text, "@every "); every {
		if span = strings.TrimSuffix(span, "m0s"); len(span) < len(text)-len("@every ") {
			span += "m"
		}
		if shorter, whole := strings.CutSuffix(span, "h0m"); whole {
			span = shorter + "h"
		}
		return "@every " + span
	}
	return text
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}
