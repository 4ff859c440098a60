package check

import (
	"fmt"
	"time"
)

// Result is what one check found.
type Result struct {
	ID, Promise string
	Checked     int
	Excused     int      // not tested, because a fault explains it
	Violations  []string // each in words
}

func (r *Result) violated(format string, args ...any) {
	r.Violations = append(r.Violations, fmt.Sprintf(format, args...))
}

// Figures are what a run measured besides.
type Figures struct {
	Recoveries []time.Duration // kill → back in line, where nothing else stood in the way
	Disturbed  int             // recoveries with another fault in the way
	Doubled    map[string]int  // effects that were begun for nothing, by the fault to blame
	Overlaps   map[string]int  // two handlers of one job at once, by the fault to blame
	LongestEnd time.Duration   // of a Stop
	Fenced     int             // handlers that were told that the lease may be lost
	Stale      int             // outcomes that were refused
}

// Everything runs every check.
func Everything(h *History) ([]Result, Figures) {
	h.index()
	f := Figures{Doubled: map[string]int{}, Overlaps: map[string]int{}}
	return []Result{
		acknowledged(h), phantoms(h), claimsAreExclusive(h), oneOutcome(h, &f), fenced(h, &f), overlaps(h, &f),
		deathsAreReal(h), everythingEnds(h), recoveryTime(h, &f), attempts(h), poison(h), neverEarly(h),
		endsAsItMust(h), cancelled(h), paused(h), uniqueKeys(h), ticks(h), steps(h), repeated(h), transitions(h), fidelity(h), books(h), stops(h, &f), noneFails(h),
		exactlyOnce(h), effectsHappened(h), doubledEffects(h, &f),
	}, f
}

func seconds(ns int64) string { return fmt.Sprintf("%.3f s", float64(ns)/1e9) }
