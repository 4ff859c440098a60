package why

import (
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/cron"
	"github.com/laterjobs/later/store"
)

// foresight is how far ahead a clock change is worth a word.
const foresight = 14 * 24 * time.Hour

func schedules(f *SystemFacts, r *Report) {
	before := len(r.Findings)
	for i := range f.Schedules {
		s := &f.Schedules[i]
		if found, bad := aboutSchedule(f.Now, s); bad {
			r.found(found)
		}
	}
	if len(r.Findings) == before && len(f.Schedules) > 0 {
		r.fine("schedules are kept")
	}
}

func aboutSchedule(now time.Time, s *store.Schedule) (Finding, bool) {
	show := Fix{Action: "show-schedules", Schedule: s.Name, Now: "Look at the schedule."}
	rule, err := cron.Parse(s.Definition.Rule, s.Definition.Zone, s.Definition.Start)
	problem := s.Problem
	if problem == "" && err != nil {
		problem = err.Error()
	}
	switch {
	case problem != "":
		show.Code = "Its rule, in queue.Schedule."
		return Finding{Code: "L204", Severity: Error, Text: fmt.Sprintf("The schedule %q cannot be kept: %s.", s.Name, problem), Fix: show}, true
	case !s.PausedAt.IsZero():
		text := fmt.Sprintf("The schedule %q has been paused for %s", s.Name, span(now.Sub(s.PausedAt)))
		if s.PauseReason != "" {
			text += ": " + s.PauseReason
		}
		return Finding{Code: "L205", Severity: Warning, Text: text + ".", Fix: Fix{Now: "Let it go on.", Action: "resume-schedule", Schedule: s.Name}}, true
	case !s.DueAt.IsZero() && now.Sub(s.DueAt) > lateSchedule:
		show.Now = "Start a process: each one keeps every schedule."
		return Finding{Code: "L206", Severity: Error, Text: fmt.Sprintf("The schedule %q was due %s ago, and nobody has enqueued its job.", s.Name, span(now.Sub(s.DueAt))), Fix: show}, true
	}
	run, meets := meetsChange(rule, now)
	if !meets {
		return Finding{}, false
	}
	return Finding{
		Code: "L207", Severity: Info, Text: fmt.Sprintf("The clocks change around a run of the schedule %q: it runs at %s.", s.Name, run.In(rule.Zone()).Format("Mon 2 Jan 15:04 MST")),
		Fix: show,
	}.with(fact("rule", s.Definition.Rule), fact("zone", s.Definition.Zone)), true
}

// meetsChange finds a run of a rule within two hours of a change of its zone's clocks. A
// rule that is due every hour meets every change, and nobody has to be told.
func meetsChange(rule *cron.Rule, now time.Time) (time.Time, bool) {
	change := nextChange(rule.Zone(), now)
	if change.IsZero() {
		return time.Time{}, false
	}
	from := change.Add(-2 * time.Hour)
	if from.Before(now) {
		from = now
	}
	run := rule.Next(from)
	if run.IsZero() || run.After(change.Add(2*time.Hour)) {
		return time.Time{}, false
	}
	if second := rule.Next(run); !second.IsZero() && second.Sub(run) < 3*time.Hour {
		return time.Time{}, false
	}
	return run, true
}

// nextChange is when the clocks of a zone change next, to the hour; zero: not within
// foresight.
func nextChange(zone *time.Location, now time.Time) time.Time {
	_, offset := now.In(zone).Zone()
	for at := now.Truncate(time.Hour).Add(time.Hour); at.Before(now.Add(foresight)); at = at.Add(time.Hour) {
		if _, changed := at.In(zone).Zone(); changed != offset {
			return at
		}
	}
	return time.Time{}
}
