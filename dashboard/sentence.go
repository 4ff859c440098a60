package dashboard

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/cron"
)

// inWords says a rule as people do, such as "Weekdays at 09:00". "": it is too special
// for that, and speaks for itself.
func inWords(rule, zone string) string {
	text := ruleInWords(rule)
	if text != "" && zone != "" && !strings.HasPrefix(text, "Every") {
		text += " " + zone
	}
	return text
}

func ruleInWords(rule string) string {
	words := strings.Fields(strings.ToUpper(rule))
	if len(words) == 0 {
		return ""
	}
	if words[0] == "@EVERY" {
		d, err := cron.Interval(strings.ToLower(strings.Join(words[1:], "")))
		if err != nil {
			return ""
		}
		return "Every " + interval(d)
	}
	if named, known := map[string]string{
		"@YEARLY": "0 0 1 1 *", "@ANNUALLY": "0 0 1 1 *", "@MONTHLY": "0 0 1 * *", "@WEEKLY": "0 0 * * 0",
		"@DAILY": "0 0 * * *", "@MIDNIGHT": "0 0 * * *", "@HOURLY": "0 * * * *",
	}[words[0]]; known {
		words = strings.Fields(named)
	}
	if len(words) == 6 && words[0] == "0" {
		words = words[1:]
	}
	if len(words) != 5 {
		return ""
	}
	times, days := timesInWords(words[0], words[1]), daysInWords(words[2], words[3], words[4])
	switch {
	case times == "" || days == "":
		return ""
	case strings.HasPrefix(times, "at "):
		return days + " " + times
	case days == "Daily":
		return times
	}
	return times + ", " + strings.ToLower(days[:1]) + days[1:]
}

// interval is a duration without the parts that are zero.
func interval(d time.Duration) string {
	for _, unit := range []struct {
		long time.Duration
		name string
	}{{7 * 24 * time.Hour, "week"}, {24 * time.Hour, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch {
		case d == unit.long:
			return unit.name
		case d%unit.long == 0:
			return plural(int64(d/unit.long), unit.name, unit.name+"s")
		}
	}
	return short(d)
}

func timesInWords(minute, hour string) string {
	if step, each := strings.CutPrefix(minute, "*/"); each && hour == "*" {
		return "Every " + step + " minutes"
	}
	m, errM := strconv.Atoi(minute)
	switch {
	case minute == "*" && hour == "*":
		return "Every minute"
	case errM != nil:
		return ""
	case hour == "*" && m == 0:
		return "Every hour"
	case hour == "*":
		return fmt.Sprintf("Every hour at minute %d", m)
	}
	if step, each := strings.CutPrefix(hour, "*/"); each && m == 0 {
		return "Every " + step + " hours"
	}
	var times []string
	for part := range strings.SplitSeq(hour, ",") {
		h, err := strconv.Atoi(part)
		if err != nil {
			return ""
		}
		times = append(times, fmt.Sprintf("%02d:%02d", h, m))
	}
	return "at " + list(times)
}

var dayNames = map[string]string{
	"0": "Sundays", "7": "Sundays", "1": "Mondays", "2": "Tuesdays", "3": "Wednesdays", "4": "Thursdays", "5": "Fridays", "6": "Saturdays",
	"SUN": "Sundays", "MON": "Mondays", "TUE": "Tuesdays", "WED": "Wednesdays", "THU": "Thursdays", "FRI": "Fridays", "SAT": "Saturdays",
	"1-5": "Weekdays", "MON-FRI": "Weekdays", "0,6": "Weekends", "6,0": "Weekends", "6,7": "Weekends", "SAT,SUN": "Weekends",
}

func daysInWords(day, month, weekday string) string {
	if month != "*" {
		m, errM := strconv.Atoi(month)
		d, errD := strconv.Atoi(day)
		if errM != nil || errD != nil || weekday != "*" || m < 1 || m > 12 {
			return ""
		}
		return fmt.Sprintf("Yearly on %s %d", time.Month(m), d)
	}
	switch {
	case day == "*" && weekday == "*":
		return "Daily"
	case day == "*":
		if name, known := dayNames[weekday]; known {
			return name
		}
		var names []string
		for part := range strings.SplitSeq(weekday, ",") {
			name, known := dayNames[part]
			if !known {
				return ""
			}
			names = append(names, name)
		}
		return list(names)
	case weekday != "*":
		return ""
	case day == "L":
		return "On the last day of each month"
	}
	if d, err := strconv.Atoi(day); err == nil {
		return fmt.Sprintf("On day %d of each month", d)
	}
	return ""
}

// list joins with commas and "and".
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
