package dashboard

import (
	"time"

	"github.com/laterjobs/later"
)

type schedulesPage struct {
	Schedules []scheduleRow `json:"schedules"`
}

// scheduleRow is a schedule with its next times.
type scheduleRow struct {
	later.Schedule
	Words string      `json:"words,omitempty"` // the rule in a sentence
	Next  []time.Time `json:"next,omitempty"`
}

// nextShown is how many of the next times a row tells.
const nextShown = 3

func (b *board) schedules(v *view) error {
	v.Title = "Schedules"
	schedules, err := b.queue.Schedules(v.context())
	if err != nil {
		return err
	}
	page := schedulesPage{}
	for _, s := range schedules {
		row := scheduleRow{Schedule: s, Words: inWords(s.Rule, s.Zone)}
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
