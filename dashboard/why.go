package dashboard

import (
	"strconv"
	"time"

	"github.com/laterjobs/later"
)

// whyPage is the full check of one job.
type whyPage struct {
	Job      jobRow       `json:"-"`
	Findings []findingRow `json:"findings"`
	Fine     []string     `json:"fine"`
}

func (b *board) whyPage(v *view) error {
	id, err := idOf(v, "job")
	if err != nil {
		return err
	}
	job, err := b.queue.Get(v.context(), id)
	if err != nil {
		return err
	}
	report, err := b.queue.Why(v.context(), id)
	if err != nil {
		return err
	}
	v.Title = "Why " + job.Type + " #" + strconv.FormatInt(id, 10)
	v.Data = &whyPage{Job: v.row(job), Findings: v.findings(report), Fine: report.Fine}
	return nil
}

// why is the strip on the page of a job: what keeps it, if there is more to say than its
// status.
func (b *board) why(v *view, job later.Job) ([]findingRow, error) {
	if job.Status == later.StatusCompleted {
		return nil, nil
	}
	report, err := b.queue.Why(v.context(), job.ID)
	return v.findings(report), err
}

// idOf reads the id in the path of a page.
func idOf(v *view, what string) (int64, error) {
	text := v.request.PathValue("id")
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, notFound("%q is no id of a %s.", text, what)
	}
	return id, nil
}

// silence is after how long without a heartbeat people are told.
const silence = 15 * time.Second
