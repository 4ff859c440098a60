package cron

import "time"

// clock is what a clock on the wall shows, date and time, in seconds: those since 1970
// as if it had never been changed.
type clock int64

const secondsPerDay = 24 * 60 * 60

func clockOf(t time.Time) clock {
	_, offset := t.Zone()
	return clock(t.Unix() + int64(offset))
}

// nextOnCalendar is the first date and time from c and before end that the fields
// allow, whether or not clocks ever show it.
func (r *Rule) nextOnCalendar(c, end clock) (clock, bool) {
	midnight := clock(floorDiv(int64(c), secondsPerDay) * secondsPerDay)
	if at, found := r.nextInDay(int(c - midnight)); found && r.allowsDay(midnight) {
		return midnight + at, midnight+at < end
	}
	first, _ := r.nextInDay(0) // no field is empty
	midnight, found := r.nextDay(midnight+secondsPerDay, end)
	return midnight + first, found && midnight+first < end
}

func (r *Rule) allowsDay(midnight clock) bool {
	day, found := r.nextDay(midnight, midnight+1)
	return found && day == midnight
}

// nextDay is the first midnight from the given one and before end whose day the fields
// allow. It goes month by month, and through the days of those that are allowed.
func (r *Rule) nextDay(midnight, end clock) (clock, bool) {
	for midnight < end {
		year, month, day := time.Unix(int64(midnight), 0).UTC().Date()
		first := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
		next := clock(time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC).Unix())
		if r.month.has(int(month)) {
			length := int(next-clock(first.Unix())) / secondsPerDay
			weekday := first.Weekday() + time.Weekday(day-1)
			for ; day <= length && midnight < end; day, weekday = day+1, weekday+1 {
				if r.days.match(day, weekday%7, length) {
					return midnight, true
				}
				midnight += secondsPerDay
			}
		}
		midnight = next
	}
	return 0, false
}

// nextInDay is the first time of a day that the fields allow, from the given second.
func (r *Rule) nextInDay(from int) (clock, bool) {
	h, m, s := from/3600, from/60%60, from%60
	second, found := r.second.from(s)
	if !found {
		m++
	}
	minute, inHour := r.minute.from(m)
	hour, inDay := r.hour.from(h)
	if inDay && hour == h && !inHour {
		hour, inDay = r.hour.from(h + 1)
	}
	if !inDay {
		return 0, false
	}
	if hour > h {
		minute, _ = r.minute.from(0)
	}
	if !found || hour > h || minute > m {
		second, _ = r.second.from(0)
	}
	return clock(hour*3600 + minute*60 + second), true
}
