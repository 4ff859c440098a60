package store

import (
	"slices"
	"time"
)

const (
	// ArrivalsSpan is how far back arrivals are counted at most.
	ArrivalsSpan = 5 * time.Minute
	// ArrivalsJobs is at how many of the newest jobs a store looks for it.
	ArrivalsJobs = 10_000
)

// Arrivals is how many jobs were enqueued of late, by whatever process, program or
// statement; those for a later time, too. More than ArrivalsJobs are not looked at, so that
// it costs little: where so many have arrived, the span is as much shorter.
type Arrivals struct {
	Span   time.Duration    `json:"span"`   // nanoseconds, until now; at most ArrivalsSpan
	Queues map[string]int64 `json:"queues"` // that anything has arrived in
}

// Arrived are jobs of one queue that were enqueued in the same second.
type Arrived struct {
	Queue  string
	Age    time.Duration // of the oldest; negative: after now, ArrivalsSpan and more: too long ago
	Jobs   int64
	Lowest int64 // id
}

// The rest decides what stores do.

// ArrivalsOf counts what arrived among the newest ArrivalsJobs jobs, by id. Ids and times
// do not always rise together: transactions are slow, clocks jump, jobs come from elsewhere.
func ArrivalsOf(looked []Arrived) Arrivals {
	a := Arrivals{Span: ArrivalsSpan, Queues: map[string]int64{}}
	var first *Arrived // of all, by id
	var within []Arrived
	jobs, arrived := int64(0), int64(0)
	for i := range looked {
		one := &looked[i]
		jobs += one.Jobs
		if first == nil || one.Lowest < first.Lowest {
			first = one
		}
		if one.Age >= 0 && one.Age < ArrivalsSpan {
			within = append(within, *one)
			arrived += one.Jobs
		}
	}
	if jobs >= ArrivalsJobs && arrived > 0 && first.Age < ArrivalsSpan {
		within = a.shorten(within, arrived)
	}
	for _, one := range within {
		a.Queues[one.Queue] += one.Jobs
	}
	return a
}

// shorten lets the span begin with the oldest job that was looked at, but for the seconds
// that have one job in a hundred: they are out of order. It returns what is left.
func (a *Arrivals) shorten(within []Arrived, jobs int64) []Arrived {
	const shortest = 100 * time.Millisecond
	var seconds [ArrivalsSpan / time.Second]int64
	for _, one := range within {
		seconds[one.Age/time.Second] += one.Jobs
	}
	first, left := len(seconds)-1, jobs/100
	for first > 0 && seconds[first] <= left {
		left -= seconds[first]
		first--
	}
	within = slices.DeleteFunc(within, func(one Arrived) bool { return int(one.Age/time.Second) > first })
	a.Span = shortest
	for _, one := range within {
		a.Span = max(a.Span, one.Age)
	}
	return within
}

// Flow is how many jobs a minute come into a queue, and leave it since they are completed,
// failed or cancelled.
type Flow struct {
	In  float64 `json:"in_per_minute"`
	Out float64 `json:"out_per_minute"`
}

// flowMinutes is over how many minutes what leaves is averaged.
const flowMinutes = 5

// Flows are those of the queues in which anything has moved. rollups are those of the
// minutes of late: the present one says nothing yet, nor does the one before it, part of
// which is on its way.
func Flows(arrivals Arrivals, rollups []Rollup, now time.Time) map[string]Flow {
	flows := map[string]Flow{}
	for queue, jobs := range arrivals.Queues {
		flows[queue] = Flow{In: float64(jobs) / arrivals.Span.Minutes()}
	}
	until := now.Truncate(time.Minute).Add(-time.Minute)
	from := until.Add(-flowMinutes * time.Minute)
	for i := range rollups {
		if r := &rollups[i]; r.Span == time.Minute && !r.At.Before(from) && r.At.Before(until) {
			f := flows[r.Queue]
			f.Out += float64(r.Completed+r.Failed+r.Cancelled) / flowMinutes
			flows[r.Queue] = f
		}
	}
	return flows
}

// EmptyIn is how long it takes until what waits in a queue has left it at this rate; ok is
// false if it never does.
func (f Flow) EmptyIn(pending int64) (d time.Duration, ok bool) {
	if pending == 0 {
		return 0, true
	}
	if f.Out <= 0 {
		return 0, false
	}
	const longest = 100 * 365 * 24 * time.Hour
	return time.Duration(min(float64(pending)/f.Out*float64(time.Minute), float64(longest))), true
}

// Outlook says when what waits in a queue has left it at this rate: "paused", "never", or
// the time as say puts it, "over" that if more wait than were counted. Empty: nothing waits.
func (f Flow) Outlook(q QueueStats, say func(time.Duration) string) string {
	in, ok := f.EmptyIn(q.Pending)
	switch {
	case q.Pending == 0:
		return ""
	case !q.PausedAt.IsZero():
		return "paused"
	case !ok:
		return "never"
	case q.PendingMore:
		return "over " + say(in)
	}
	return say(max(in, time.Second))
}
