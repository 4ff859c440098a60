package dashboard

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/laterjobs/later"
)

// jobPage is one job with its history.
type jobPage struct {
	Job      jobRow             `json:"job"`
	Why      []findingRow       `json:"why"`
	Attempts []attemptRow       `json:"attempts"` // the newest first
	Log      []later.LogLine    `json:"log"`
	Args     document           `json:"-"`
	Result   document           `json:"-"`
	Metadata document           `json:"-"`
	Verbs    []verbButton       `json:"-"`
	CanStack bool               `json:"-"` // its process can be asked where it is
	CanEdit  bool               `json:"-"` // it waits, and its arguments may be changed
	Audit    []later.AuditEntry `json:"audit"`
	Alike    int64              `json:"alike"` // other jobs with the same cause
	Percent  int                `json:"-"`     // of its progress; −1: unknown

	Steps []stepRow `json:"steps,omitempty"`
	Links []jobLink `json:"-"`

	Timeline *timeline `json:"-"`
	Copies   []copyAs  `json:"-"`
	List     string    `json:"-"` // the query of the list that it was opened from
	Newer    string    `json:"-"`
	Older    string    `json:"-"` // the addresses of the jobs around it
	Level    string    `json:"-"` // the least of the log lines
	Logged   bool      `json:"-"` // there are some, of whatever level
}

// attemptRow is an attempt with how long it took.
type attemptRow struct {
	later.Attempt
	Took  string `json:"took"`
	Stack stack  `json:"-"`
	Same  bool   `json:"-"` // its error is that of the attempt above
	Where string `json:"-"` // the host and the number of its process, if that lives

	Version string `json:"-"` // of that process
}

func (b *board) job(v *view) error {
	id, err := strconv.ParseInt(v.request.PathValue("id"), 10, 64)
	if err != nil || id < 1 {
		return notFound("%q is no id of a job.", v.request.PathValue("id"))
	}
	ctx := v.context()
	stored, err := b.queue.Get(ctx, id)
	if errors.Is(err, later.ErrNotFound) {
		return b.missing(v, id)
	}
	if err != nil {
		return err
	}
	visible, err := b.queue.Redact(ctx, stored)
	if err != nil {
		return err
	}
	job := visible[0]
	v.Title = job.Type + " #" + strconv.FormatInt(id, 10)
	page := jobPage{Job: v.row(job), Percent: -1, Verbs: buttonsFor(v.User, job.Status), CanStack: job.Status == later.StatusRunning && v.User.Can(Cancel)}
	page.CanEdit = waits(job.Status) && v.User.Can(editNeeds)
	if job.Progress.Total > 0 {
		page.Percent = int(max(0, min(100, 100*job.Progress.Done/job.Progress.Total)))
	}
	attempts, err := b.queue.Attempts(ctx, id)
	if err != nil {
		return err
	}
	if page.Attempts, err = b.attemptRows(v, attempts); err != nil {
		return err
	}
	if err := b.logAndDocuments(v, job, &page); err != nil {
		return err
	}
	if page.Steps, err = b.stepsOf(v, id); err != nil {
		return err
	}
	page.Links = b.linksOf(page.Job.Job)
	if page.Audit, err = b.auditOfJob(v, id); err != nil {
		return err
	}
	page.Timeline, page.Copies = v.timelineOf(job, attempts), v.copies(job)
	if page.Newer, page.Older, err = b.neighbours(v, job); err != nil {
		return err
	}
	page.List = v.request.URL.Query().Get("q")
	if page.Why, err = b.why(v, job); err != nil {
		return err
	}
	if page.Alike, err = b.alike(v, job); err != nil {
		return err
	}
	v.Data = &page
	return nil
}

// logAndDocuments adds what only those see who may see arguments.
func (b *board) logAndDocuments(v *view, job later.Job, page *jobPage) (err error) {
	if v.User.Can(ViewArgs) {
		if page.Log, err = b.queue.Log(v.context(), job.ID); err != nil {
			return err
		}
		for _, part := range documentParts {
			*part.of(page) = render(part.raw(&job))
			part.of(page).Whole = fmt.Sprintf("jobs/%d/%s", job.ID, part.name)
		}
	}
	page.Logged = len(page.Log) > 0
	if level := v.request.URL.Query().Get("level"); slices.Contains(levels, level) {
		page.Level, page.Log = level, leveled(page.Log, level)
	}
	return nil
}

// attemptRows are the attempts, the newest first: that is why somebody is here.
func (b *board) attemptRows(v *view, attempts []later.Attempt) (rows []attemptRow, err error) {
	living, err := b.living(v, len(attempts))
	if err != nil {
		return nil, err
	}
	above := ""
	for _, a := range slices.Backward(attempts) {
		row := attemptRow{Attempt: a, Took: short(a.FinishedAt.Sub(a.StartedAt)), Stack: parseStack(a.Stack), Same: a.Error != "" && a.Error == above}
		if p, lives := living[a.ProcessID]; lives {
			row.Where, row.Version = fmt.Sprintf("%s %d", p.Host, p.PID), p.Version
		}
		rows = append(rows, row)
		above = a.Error
	}
	return rows, nil
}

// living are the processes that live, if attempts want to know.
func (b *board) living(v *view, attempts int) (map[int64]later.Process, error) {
	if attempts == 0 {
		return nil, nil
	}
	processes, err := b.queue.Processes(v.context())
	living := map[int64]later.Process{}
	for _, p := range processes {
		living[p.ID] = p
	}
	return living, err
}

// missing says what may have become of a job that is not there.
func (b *board) missing(v *view, id int64) error {
	newest, err := b.queue.List(v.context(), later.Filter{Limit: 1})
	switch {
	case err != nil:
		return err
	case len(newest) == 0:
		return notFound("Job %d is not here: this store has no jobs.", id)
	case newest[0].ID < id:
		return notFound("Job %d is not here: the newest is job %d.", id, newest[0].ID)
	}
	return notFound("Job %d is not here: somebody deleted it, or it finished so long ago that it was pruned. Some ids are never used. The newest is job %d.", id, newest[0].ID)
}

// alike is how many other jobs fail for the same reason.
func (b *board) alike(v *view, job later.Job) (int64, error) {
	if job.Cause == 0 {
		return 0, nil
	}
	causes, err := b.queue.Causes(v.context(), later.CauseFilter{IDs: []later.CauseID{job.Cause}})
	if err != nil || len(causes) == 0 {
		return 0, err
	}
	return max(0, causes[0].Failed+causes[0].Retrying-1), nil
}
