package cron

import "time"

// endOfTime bounds the search: no store holds a later time.
var endOfTime = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)

// Next is the first instant after t at which the rule is due; the zero time if there is
// none before the year 10000. It costs about as much for a rule of every four years as
// for one of every second: see BenchmarkNext.
func (r *Rule) Next(t time.Time) time.Time {
	next := r.next(t)
	if !next.Before(endOfTime) {
		return time.Time{}
	}
	return next.In(r.zone)
}

func (r *Rule) next(t time.Time) time.Time {
	if r.every > 0 {
		return r.nextInterval(t)
	}
	if !r.start.IsZero() && t.Before(r.start) {
		t = r.start.Add(-time.Nanosecond) // the start may be due itself
	}
	from := time.Unix(t.Unix()+1, 0).In(r.zone)
	// From one clock change to the next, clocks show times one after the other.
	for from.Before(endOfTime) {
		begin, end := from.ZoneBounds()
		shown := clockOf(from)
		if !begin.IsZero() {
			before := clockOf(begin.Add(-time.Second)) + 1
			switch after := clockOf(begin); {
			case before < after && from.Equal(begin) && r.inGap(before, after):
				return begin
			case before > shown && !r.realTime:
				shown = before // what is earlier has been shown before the change
			}
		}
		until := endOfTime
		if !end.IsZero() && end.Before(endOfTime) {
			until = end
		}
		_, offset := from.Zone()
		if at, found := r.nextOnCalendar(shown, clock(until.Unix()+int64(offset))); found {
			return time.Unix(int64(at)-int64(offset), 0)
		}
		from = until.In(r.zone)
	}
	return endOfTime
}

// inGap reports whether a time is due that the clocks skip.
func (r *Rule) inGap(from, to clock) bool {
	if r.everyHour {
		return false
	}
	_, skipped := r.nextOnCalendar(from, to)
	return skipped
}
