package dashboard

import (
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

type schedulesPage struct {
	Schedules []scheduleRow `json:"schedules"`
}

// scheduleRow is a schedule with its next times.
type scheduleRow struct {
	later.Schedule
	Words string      `json:"words,omitempty"` // the rule in a sentence
	Next  []time.Time `json:"next,omitempty"`

	LastStatus later.JobStatus `json:"last_status,omitempty"` // of LastJob; empty: it is gone
}

// MissedRule says what becomes of times at which no process was there.
func (r scheduleRow) MissedRule() string {
	switch {
	case r.Missed == store.SkipMissed:
		return "are skipped"
	case r.Missed == store.CatchUpMost:
		return "run one by one, the last " + number(int64(r.CatchUp)) + " at most"
	}
	return "run once"
}

// Unusual is how the schedule differs from most, in a few words.
func (r scheduleRow) Unusual() string {
	var words []string
	if r.Missed != store.RunOnce {
		words = append(words, "missed times "+r.MissedRule())
	}
	if r.SkipIfRunning {
		words = append(words, "skips while the last one runs")
	}
	return strings.Join(words, "; ")
}

// nextRuns are the schedules that are due next.
func (b *board) nextRuns(v *view) (rows []scheduleRow, err error) {
	const shown = 5
	schedules, err := b.queue.Schedules(v.context())
	schedules = slices.DeleteFunc(schedules, func(s later.Schedule) bool { return s.NextRun.IsZero() || !s.PausedAt.IsZero() || s.Problem != "" })
	slices.SortStableFunc(schedules, func(a, b later.Schedule) int { return a.NextRun.Compare(b.NextRun) })
	for _, s := range schedules[:min(len(schedules), shown)] {
		s.Args = nil
		rows = append(rows, scheduleRow{Schedule: s, Words: inWords(s.Rule, s.Zone)})
	}
	return rows, err
}

// lastStatuses are those of the jobs that schedules enqueued last.
func (b *board) lastStatuses(v *view, schedules []later.Schedule) (map[int64]later.JobStatus, error) {
	f := later.Filter{}
	for _, s := range schedules {
		if s.LastJob != 0 {
			f.IDs = append(f.IDs, s.LastJob)
		}
	}
	if f.Limit = len(f.IDs); f.Limit == 0 {
		return nil, nil
	}
	jobs, err := b.queue.List(v.context(), f)
	statuses := map[int64]later.JobStatus{}
	for _, job := range jobs {
		statuses[job.ID] = job.Status
	}
	return statuses, err
}

// nextShown is how many of the next times a row tells.
const nextShown = 3

func (b *board) schedules(v *view) error {
	v.Title = "Schedules"
	schedules, err := b.queue.Schedules(v.context())
	if err != nil {
		return err
	}
	statuses, err := b.lastStatuses(v, schedules)
	if err != nil {
		return err
	}
	page := schedulesPage{}
	for _, s := range schedules {
		row := scheduleRow{Schedule: s, Words: inWords(s.Rule, s.Zone), LastStatus: statuses[s.LastJob]}
		row.Args = nil                                      // they are on the page of the schedule, for those who may see them
		if next, err := s.NextRuns(nextShown); err == nil { // else the row says what is wrong
			row.Next = next
		}
		page.Schedules = append(page.Schedules, row)
	}
	v.Data = &page
	return nil
}

// scheduleVerbs are what can be done to schedules.
var scheduleVerbs = map[string]struct {
	needs Permission
	do    func(b *board, v *view, name, reason string) (notice string, err error)
}{
	"run-schedule": {Retry, func(b *board, v *view, name, _ string) (string, error) {
		job, err := b.queue.RunSchedule(v.context(), name)
		return "Schedule " + name + " has enqueued job " + number(job.ID) + ". Its next time is as before.", err
	}},
	"pause-schedule": {Pause, func(b *board, v *view, name, reason string) (string, error) {
		return "Schedule " + name + " is paused.", b.queue.PauseSchedule(v.context(), name, reason)
	}},
	"resume-schedule": {Pause, func(b *board, v *view, name, _ string) (string, error) {
		return "Schedule " + name + " goes on.", b.queue.ResumeSchedule(v.context(), name)
	}},
}

func (b *board) actOnSchedule(v *view, verb string) (string, error) {
	action := scheduleVerbs[verb]
	if err := v.need(action.needs); err != nil {
		return "", err
	}
	name := v.request.PostForm.Get("schedule")
	return action.do(b, v, name, byWhom(v.User, v.request.PostForm.Get("reason")))
}
