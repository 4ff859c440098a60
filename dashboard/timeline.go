package dashboard

import (
	"fmt"
	"time"

	"github.com/laterjobs/later"
)

// timeline draws the attempts of a job to scale: a lane for each, with what it waited
// before it and how long it ran. Where hours of waiting would make runs invisible, they
// are at least as wide as a finger sees.
type timeline struct {
	Lanes  []lane
	Times  []rule
	Height int
	Text   string // the same in a sentence
}

type lane struct {
	Y, TextY       int
	Number         int
	Wait, Run      bar
	Label          string
	LabelX         float64
	LabelEnds      bool // at its place, instead of beginning there
	Outcome, Title string
}

const (
	laneHeight = 18
	laneLeft   = 28
	laneRight  = 780
	lanesMost  = 30
)

// timelineOf has nothing to draw for a job that has never run.
func (v *view) timelineOf(job later.Job, attempts []later.Attempt) *timeline {
	type span struct {
		number       int
		outcome      string
		began, ended time.Time
	}
	var spans []span
	for _, a := range attempts {
		if !a.StartedAt.IsZero() {
			spans = append(spans, span{a.Number, string(a.Outcome), a.StartedAt, a.FinishedAt})
		}
	}
	if job.Status == later.StatusRunning {
		spans = append(spans, span{job.Attempt, "running", job.StartedAt, v.Now})
	}
	spans = spans[max(0, len(spans)-lanesMost):]
	if len(spans) == 0 {
		return nil
	}
	from, until := job.QueuedAt, spans[len(spans)-1].ended
	if !job.ScheduledAt.IsZero() && job.ScheduledAt.Before(spans[0].began) {
		from = job.ScheduledAt
	}
	if len(spans) == lanesMost || spans[0].began.Before(from) {
		from = spans[0].began
	}
	whole := max(until.Sub(from), time.Millisecond)
	x := func(t time.Time) float64 {
		share := min(1, max(0, float64(t.Sub(from))/float64(whole)))
		return round(laneLeft + share*(laneRight-laneLeft))
	}
	t := &timeline{Height: laneHeight*len(spans) + 20, Text: fmt.Sprintf("%s in %s", plural(int64(len(spans)), "attempt", "attempts"), short(whole))}
	waits := from
	for i, s := range spans {
		y := i * laneHeight
		l := lane{Y: y, TextY: y + 12, Number: s.number, Outcome: s.outcome, Label: short(s.ended.Sub(s.began)) + " " + s.outcome}
		l.Title = fmt.Sprintf("attempt %d: waited %s, ran %s from %s, %s", s.number, short(max(0, s.began.Sub(waits))), short(s.ended.Sub(s.began)), v.Time(s.began), s.outcome)
		l.Wait = bar{X: x(waits), Y: float64(y + 7), W: round(max(0, x(s.began)-x(waits))), H: 2}
		l.Run = bar{X: min(x(s.began), laneRight-3), Y: float64(y + 2), W: max(3, round(x(s.ended)-x(s.began))), H: 12}
		l.LabelX = l.Run.X + l.Run.W + 6
		if l.LabelX > laneRight-130 {
			l.LabelX, l.LabelEnds = l.Run.X-6, true
		}
		t.Lanes = append(t.Lanes, l)
		waits = s.ended
	}
	for share := range 5 {
		at := from.Add(whole * time.Duration(share) / 4)
		layout := "15:04:05"
		switch {
		case whole > 24*time.Hour:
			layout = "2006-01-02 15:04"
		case whole < 8*time.Second: // the seconds would be the same
			layout = "15:04:05.000"
		}
		t.Times = append(t.Times, rule{x(at), at.In(v.Look.location).Format(layout)})
	}
	return t
}
