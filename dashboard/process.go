package dashboard

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// processPage is one process, with what it does.
type processPage struct {
	processRow
	Running []jobRow `json:"running"`
	More    bool     `json:"more,omitempty"` // not all of its running jobs are shown
}

// runningShown is in how many running jobs those of a process are looked for.
const runningShown = 500

func (b *board) process(v *view) error {
	id, err := idOf(v, "process")
	if err != nil {
		return err
	}
	processes, err := b.queue.Processes(v.context())
	if err != nil {
		return err
	}
	i := slices.IndexFunc(processes, func(p later.Process) bool { return p.ID == id })
	if i < 0 {
		return notFound("Process %d has stopped, or was given up: its jobs run elsewhere.", id)
	}
	p := processes[i]
	jobs, err := b.queue.List(v.context(), later.Filter{Status: []later.JobStatus{later.StatusRunning}, Limit: runningShown})
	if err != nil {
		return err
	}
	page := processPage{processRow: processRow{Process: p, Lost: silent(v.Now, p)}, More: len(jobs) == runningShown}
	jobs = slices.DeleteFunc(jobs, func(job later.Job) bool { return job.ProcessID != id })
	visible, err := b.queue.Redact(v.context(), jobs...)
	if err != nil {
		return err
	}
	slices.SortFunc(visible, func(a, b later.Job) int { return a.StartedAt.Compare(b.StartedAt) })
	page.Busy = len(visible)
	for _, job := range visible {
		page.Running = append(page.Running, v.row(job))
	}
	v.Title = "Process " + strconv.Itoa(p.PID) + " on " + p.Host
	v.Data = &page
	return nil
}

// Draining reports whether it claims nothing more and can be asked to resume.
func (r processRow) Draining() bool { return r.State == store.ProcessDraining }

// Passed is how far a job is, in words.
func (r processRow) Passed(job jobRow) string {
	switch {
	case job.Progress.Total > 0:
		return number(job.Progress.Done) + " of " + number(job.Progress.Total)
	case job.Progress.Message != "":
		return job.Progress.Message
	}
	return ""
}

// processVerbs are what can be asked of a process.
var processVerbs = map[string]struct {
	needs Permission
	kind  store.RequestKind
}{
	"drain-process":  {Pause, later.RequestDrain},
	"resume-process": {Pause, later.RequestResume},
	"stack":          {Cancel, later.RequestStack},
}

// askProcess asks, and leads to the page that shows the answer.
func (b *board) askProcess(v *view, verb string) (string, error) {
	action := processVerbs[verb]
	if err := v.need(action.needs); err != nil {
		return "", err
	}
	form := v.request.PostForm
	request := later.ProcessRequest{Kind: action.kind, By: v.User.Name}
	field, into := "process", &request.ProcessID
	if action.kind == later.RequestStack {
		field, into = "id", &request.JobID
	}
	var err error
	if *into, err = strconv.ParseInt(form.Get(field), 10, 64); err != nil {
		return "", badRequest("%q is no id.", form.Get(field))
	}
	asked, err := b.queue.AskProcess(v.context(), request)
	if err != nil {
		return "", err
	}
	b.log.InfoContext(v.context(), "somebody asked something of a process in the dashboard", "user", v.User.Name, "action", verb,
		"process", asked.ProcessID, "job", asked.JobID)
	form.Set("back", "requests/"+strconv.FormatInt(asked.ID, 10))
	return "", nil
}

// requestPage is what was asked of a process, and its answer.
type requestPage struct {
	later.ProcessRequest
	Expired bool  `json:"expired"`
	Stack   stack `json:"-"`
}

// Waiting reports whether the answer may still come.
func (p requestPage) Waiting() bool { return p.AnsweredAt.IsZero() && !p.Expired }

// request shows an answer. Until it is there the page loads itself again, with or without
// JavaScript.
func (b *board) request(w http.ResponseWriter, r *http.Request) {
	b.page(View, "request", func(v *view) error {
		id, err := idOf(v, "request")
		if err != nil {
			return err
		}
		answered, err := b.queue.Answer(v.context(), id)
		if err != nil {
			return err
		}
		if needs := Cancel; answered.Kind == later.RequestStack {
			if err := v.need(needs); err != nil {
				return err
			}
		}
		page := requestPage{ProcessRequest: answered, Expired: answered.Expired(time.Now()), Stack: parseStack(answered.Answer)}
		if page.Waiting() {
			w.Header().Set("Refresh", "1")
		}
		v.Title = "Asked: " + string(answered.Kind)
		v.Data = &page
		return nil
	})(w, r)
}
