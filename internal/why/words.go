package why

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// span is a length of time for people.
func span(d time.Duration) string {
	switch d = d.Abs(); {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return units(int(d.Minutes()), "min", int(d.Seconds())%60, "s")
	case d < 48*time.Hour:
		return units(int(d.Hours()), "h", int(d.Minutes())%60, "min")
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}

// units are two of them, the smaller one unless it is zero: 15 min, 15 min 2 s.
func units(large int, name string, small int, smaller string) string {
	if small == 0 {
		return fmt.Sprintf("%d %s", large, name)
	}
	return fmt.Sprintf("%d %s %d %s", large, name, small, smaller)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") }

// count is a number with its noun.
func count(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}

// maxNamed is how many names a list of names holds.
const maxNamed = 8

// listed is names for people: sorted, and not too many.
func listed(names []string) string {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) == 0 {
		return "none"
	}
	if more := len(names) - maxNamed; more > 0 {
		return strings.Join(names[:maxNamed], ", ") + " and " + count(int64(more), "more", "more")
	}
	return strings.Join(names, ", ")
}

// word is a value as it stands in a command for a shell.
func word(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// term is a condition of the search for jobs.
func term(field, value string) string {
	if strings.ContainsAny(value, " \t\",") || value == "" {
		return field + `:"` + strings.ReplaceAll(value, `"`, `\"`) + `"`
	}
	return field + ":" + value
}
