package dashboard

import (
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// schedulePage is one schedule.
type schedulePage struct {
	Schedule scheduleRow `json:"schedule"`
	Args     document    `json:"-"`
	Next     []nextRun   `json:"next"`
	Runs     []runMark   `json:"runs"` // the last, oldest first
	Jobs     []jobRow    `json:"jobs"` // the same, newest first
}

// nextRun is a time of the rule.
type nextRun struct {
	At   time.Time `json:"at"`
	Note string    `json:"note,omitempty"` // of a change of the clocks
	Here string    `json:"-"`              // in the schedule's zone
}

// runMark is a run in the strip.
type runMark struct {
	X, Y, H int             `json:"-"`
	Job     int64           `json:"job"`
	Status  later.JobStatus `json:"status"`
	Title   string          `json:"title"`
}

const (
	nextRuns  = 10 // shown
	stripRuns = 30 // shown
)

func (b *board) oneSchedule(v *view) error {
	name := v.request.PathValue("name")
	v.Title = name
	schedules, err := b.queue.Schedules(v.context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(schedules, func(s later.Schedule) bool { return s.Name == name })
	if i < 0 {
		return notFound("There is no schedule %q.", name)
	}
	s := schedules[i]
	page := &schedulePage{Schedule: scheduleRow{Schedule: s, Words: inWords(s.Rule, s.Zone)}}
	if times, err := s.NextRuns(nextRuns); err == nil { // else the page says what is wrong
		page.Next = withNotes(times, s.Zone)
	}
	if err := b.runsOf(v, page); err != nil {
		return err
	}
	if v.User.Can(ViewArgs) {
		if shown, err := b.queue.Redact(v.context(), later.Job{Type: s.Type, Args: s.Args}); err == nil {
			page.Args = render(shown[0].Args)
		}
	}
	page.Schedule.Args = nil // rendered above, if at all
	v.Data = page
	return nil
}

// runsOf looks among the newest jobs of the type for those that the schedule enqueued.
func (b *board) runsOf(v *view, page *schedulePage) error {
	s := page.Schedule
	its := store.Condition{Field: store.FieldSchedule, AnyOf: []store.Test{{Value: s.Name}}}
	found, err := b.queue.Search(v.context(), later.Filter{Type: s.Type, Match: []store.Condition{its}, Limit: stripRuns}, besides)
	if err != nil {
		return err
	}
	mine, err := b.queue.Redact(v.context(), found.Jobs...)
	if err != nil {
		return err
	}
	for i, job := range slices.Backward(mine) {
		height := 22
		if job.Status != later.StatusCompleted {
			height = 28 // not by colour alone
		}
		page.Runs = append(page.Runs, runMark{
			X: 12 * (len(mine) - 1 - i), Y: 30 - height, H: height, Job: job.ID, Status: job.Status,
			Title: fmt.Sprintf("%s: job %d, %s", v.Time(job.QueuedAt), job.ID, job.Status),
		})
	}
	for _, job := range mine[:min(len(mine), 10)] {
		page.Jobs = append(page.Jobs, v.row(job))
	}
	return nil
}

// withNotes says of each time whether the clocks of the zone change around it.
func withNotes(times []time.Time, zone string) (runs []nextRun) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		location = time.UTC
	}
	for _, at := range times {
		local := at.In(location)
		run := nextRun{At: at, Here: local.Format("Mon 2006-01-02 15:04:05 MST")}
		_, before := at.Add(-time.Hour - time.Second).In(location).Zone()
		_, now := local.Zone()
		_, after := at.Add(time.Hour).In(location).Zone()
		switch {
		case now > before:
			run.Note = "the clocks have just gone forward"
		case now < before:
			run.Note = "the clocks have just gone back"
		case after > now:
			run.Note = "the clocks go forward within the hour"
		case after < now:
			run.Note = "this hour comes twice; it runs the first time"
		}
		runs = append(runs, run)
	}
	return runs
}
