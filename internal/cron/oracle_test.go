package cron

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// oracle answers what Next answers, slowly, in another way: it walks from instant to
// instant, reads each off the clock, and keeps the rule of the package comment. It
// shares no code with what it judges, and reads the expression on its own.
type oracle struct {
	fields    [6]string // the second first
	realTime  bool
	everyHour bool
}

func newOracle(expression string) oracle {
	words := strings.Fields(expression)
	if len(words) == 5 {
		words = append([]string{"0"}, words...)
	}
	o := oracle{fields: [6]string(words)}
	every := func(i, most int) bool {
		for n := range most {
			if !allows(words[i], n, 0, most-1, nil) {
				return false
			}
		}
		return true
	}
	o.everyHour = every(2, 24)
	o.realTime = o.everyHour || every(1, 60) || strings.Contains(words[1]+words[2], "*")
	return o
}

// due lists the instants in (from, to] at which the rule is due, given step, the
// seconds between two instants worth a look. It reads the clock from a lead before.
func (o oracle) due(zone *time.Location, from, to time.Time, step int64) (due []time.Time) {
	const lead = 26 * 60 * 60
	var spans [][2]int64 // of what has been shown, from the first to the last
	shown := func(reads int64) bool {
		return slices.ContainsFunc(spans, func(s [2]int64) bool { return s[0] <= reads && reads <= s[1] })
	}
	last := int64(0)
	for i := from.Unix() - lead; i <= to.Unix(); i += step {
		at := time.Unix(i, 0).In(zone)
		_, offset := at.Zone()
		reads := i + int64(offset)
		isDue := o.allows(reads) && (o.realTime || !shown(reads))
		if last != 0 && !o.everyHour {
			for skipped := last + step; skipped < reads && !isDue; skipped += step {
				isDue = o.allows(skipped)
			}
		}
		if last != 0 && reads == last+step {
			spans[len(spans)-1][1] = reads
		} else {
			spans = append(spans, [2]int64{reads, reads})
		}
		last = reads
		if isDue && at.After(from) {
			due = append(due, at)
		}
	}
	return due
}

// allows asks the fields about a date and time, in seconds as if it were UTC.
func (o oracle) allows(reads int64) bool {
	at := time.Unix(reads, 0).UTC()
	return allows(o.fields[0], at.Second(), 0, 59, nil) && allows(o.fields[1], at.Minute(), 0, 59, nil) &&
		allows(o.fields[2], at.Hour(), 0, 23, nil) && allows(o.fields[4], int(at.Month()), 1, 12, months.names) &&
		o.allowsDay(at)
}

func (o oracle) allowsDay(at time.Time) bool {
	lastDay := at.AddDate(0, 0, 1).Month() != at.Month()
	lastOne := at.AddDate(0, 0, 7).Month() != at.Month()
	byMonth := allows(o.fields[3], at.Day(), 1, 31, nil) || slices.Contains(strings.Split(strings.ToUpper(o.fields[3]), ","), "L") && lastDay
	byWeek := false
	for part := range strings.SplitSeq(strings.ToUpper(o.fields[5]), ",") {
		name, nth, counted := strings.Cut(part, "#")
		trimmed := strings.TrimSuffix(name, "L")
		ofDay := func(text string) bool {
			return allows(text, int(at.Weekday()), 0, 7, weekdays.names) || at.Weekday() == 0 && allows(text, 7, 0, 7, weekdays.names)
		}
		switch {
		case counted:
			n, _ := strconv.Atoi(nth)
			byWeek = byWeek || ofDay(name) && (at.Day()+6)/7 == n
		case trimmed != name:
			byWeek = byWeek || ofDay(trimmed) && lastOne
		default:
			byWeek = byWeek || ofDay(name)
		}
	}
	if strings.ContainsAny(o.fields[3]+o.fields[5], "*?") {
		return byMonth && byWeek
	}
	return byMonth || byWeek
}

// allows asks one field, as written, about a number.
func allows(text string, n, least, most int, names []string) bool {
	number := func(text string) (int, bool) {
		if i := slices.Index(names, strings.ToUpper(text)); i >= 0 {
			return i + least, true
		}
		n, err := strconv.Atoi(text)
		return n, err == nil
	}
	for part := range strings.SplitSeq(text, ",") {
		bounds, stepText, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			step, _ = strconv.Atoi(stepText)
		}
		from, to := least, most
		if bounds == "*" && most == 7 {
			to = 6
		}
		if bounds != "*" && bounds != "?" {
			low, high, ranged := strings.Cut(bounds, "-")
			var ok bool
			if from, ok = number(low); !ok {
				continue // L and # are asked for elsewhere
			}
			switch {
			case ranged:
				to, _ = number(high)
				if to == 0 && most == 7 {
					to = 7
				}
			case !stepped:
				to = from
			case most == 7:
				to = 6
			}
		}
		if n >= from && n <= to && (n-from)%step == 0 {
			return true
		}
	}
	return false
}
