package later

import (
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// ScheduleOption fits JobQueue.Schedule, JobQueue.SaveSchedule and OnSchedule.
type ScheduleOption interface{ schedule(*scheduling) }

// scheduling is a definition on its way.
type scheduling struct {
	definition store.ScheduleDefinition
	problems   []error
}

func (s *scheduling) refuse(format string, args ...any) {
	s.problems = append(s.problems, fmt.Errorf(format, args...))
}

type scheduleOption func(*scheduling)

func (o scheduleOption) schedule(s *scheduling) { o(s) }

type schedulePolicy string

func (p schedulePolicy) schedule(s *scheduling) {
	switch p {
	case RunOnce:
		s.definition.Missed = store.RunOnce
	case Skip:
		s.definition.Missed = store.SkipMissed
	case AllowOverlap:
		s.definition.SkipIfRunning = false
	case SkipIfRunning:
		s.definition.SkipIfRunning = true
	}
}

// What becomes of the times at which no process was there to enqueue, and what if the
// last job has not finished when the next is due.
const (
	RunOnce schedulePolicy = "run once" // one job for all that was missed, at once: the default
	Skip    schedulePolicy = "skip"     // none for what is more than a minute late

	AllowOverlap  schedulePolicy = "allow overlap"   // the next job is enqueued whatever the last one does: the default
	SkipIfRunning schedulePolicy = "skip if running" // there is none as long as the last one has not finished
)

// mostCatchUp bounds CatchUp.
const mostCatchUp = 1000

// CatchUp enqueues one job for each time that was missed, for the last of them at most so
// many, up to 1000. With SkipIfRunning it is as RunOnce.
func CatchUp(most int) ScheduleOption {
	return scheduleOption(func(s *scheduling) {
		if most < 1 || most > mostCatchUp {
			s.refuse("CatchUp of %d; 1 to %d are possible", most, mostCatchUp)
		}
		s.definition.Missed, s.definition.CatchUp = store.CatchUpMost, most
	})
}

// Jitter lets a schedule be late by a part of d that depends on its name, always the
// same, so that not all schedules of midnight run at once.
func Jitter(d time.Duration) ScheduleOption {
	return scheduleOption(func(s *scheduling) {
		if d < 0 || d > 24*time.Hour {
			s.refuse("jitter %v is outside 0–24h", d)
		}
		s.definition.Jitter = d
	})
}

// StartAt is when a schedule may be due first. Every counts its intervals from there.
func StartAt(t time.Time) ScheduleOption {
	return scheduleOption(func(s *scheduling) {
		if t.IsZero() || t.UTC().Year() > maxYear || t.UTC().Year() < 1 {
			s.refuse("start %v is outside the years 1 to %d", t, maxYear)
		}
		s.definition.Start = t.UTC().Truncate(time.Microsecond)
	})
}

// OnSchedule gives the jobs of a definition a schedule of the same name: every JobQueue
// that has a handler for it enqueues one, with the zero value of the arguments, whenever
// the rule is due. See JobQueue.Schedule, also for other arguments.
func OnSchedule(rule Rule, opts ...ScheduleOption) DefineOption {
	return defineOption(func(d *definition) {
		if d.onSchedule != nil {
			d.refuse("it has two schedules; give others a name with JobQueue.Schedule")
		}
		d.onSchedule = &onSchedule{rule, opts}
	})
}

// onSchedule is what a definition carries.
type onSchedule struct {
	rule Rule
	opts []ScheduleOption
}
