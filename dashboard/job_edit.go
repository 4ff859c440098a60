package dashboard

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/redact"
)

// editJobPage is the form for other arguments of a job that waits.
type editJobPage struct {
	enqueuePage
	Due time.Time `json:"due,omitzero"`

	stored, shown json.RawMessage // the arguments as they are, and as they may be seen
}

// editNeeds is what changing the arguments of a job takes: one is cancelled, and another
// one enqueued in its place.
const editNeeds = ViewArgs | Enqueue | Cancel

// waits reports whether a job in a status has not been started, or not again.
func waits(status later.JobStatus) bool {
	return slices.Contains([]later.JobStatus{later.StatusScheduled, later.StatusPending, later.StatusRetrying}, status)
}

// jobForm finds the job of a form, for those who may change it.
func (b *board) jobForm(v *view) (*editJobPage, error) {
	for _, p := range []Permission{ViewArgs, Enqueue, Cancel} {
		if err := v.need(p); err != nil {
			return nil, err
		}
	}
	id, err := idOf(v, "job")
	if err != nil {
		return nil, err
	}
	job, err := b.queue.Get(v.context(), id)
	if err != nil {
		return nil, err
	}
	if !waits(job.Status) {
		return nil, &problem{status: http.StatusConflict, Title: "Not possible any more", Text: fmt.Sprintf(
			"The arguments of job %d cannot be changed: it is %s. On its page, Clone and edit makes a new job of them.", id, job.Status)}
	}
	visible, err := b.queue.Redact(v.context(), job)
	if err != nil {
		return nil, err
	}
	page := &editJobPage{Due: job.NextRunAt, stored: job.Args, shown: visible[0].Args}
	page.From, page.Type, page.Hidden = id, job.Type, !redact.Same(job.Args, visible[0].Args)
	if err := b.offer(v, &page.enqueuePage); err != nil {
		return nil, err
	}
	v.Title, v.Data = "Edit "+job.Type+" #"+strconv.FormatInt(id, 10), page
	return page, nil
}

// editJob shows the form with the arguments as they are.
func (b *board) editJob(v *view) error {
	page, err := b.jobForm(v)
	if err != nil {
		return err
	}
	page.Args = indented(page.shown)
	if page.Fields != nil && !fill(page.Fields, page.shown) {
		page.Raw = true // the fields cannot hold what is there
	}
	return nil
}

// saveJob stores the job with what the form says, or shows it again with what is wrong.
func (b *board) saveJob(w http.ResponseWriter, r *http.Request) {
	v, err := b.newView(r, View, "editJob")
	var page *editJobPage
	if err == nil {
		err = readForm(r)
	}
	if err == nil {
		page, err = b.jobForm(v)
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	page.Raw, page.Args = page.Raw || r.PostForm.Get("mode") == "raw", r.PostForm.Get("args")
	unchanged := page.shown
	if !page.Raw && fill(page.Fields, page.shown) {
		unchanged = assemble(page.Fields) // as the form would say it
	}
	args := page.typed(r)
	if show := r.PostForm.Get("show"); show != "" && page.CanPick {
		page.turn(show, args)
		b.render(w, r, http.StatusOK, v)
		return
	}
	notice, status := "", http.StatusUnprocessableEntity
	if redact.Same(args, unchanged) {
		notice = "Nothing was changed: the arguments are the same."
	} else {
		notice, status = b.edit(v, page, args)
	}
	if notice == "" {
		b.render(w, r, status, v)
		return
	}
	r.PostForm.Set("back", "jobs/"+strconv.FormatInt(page.From, 10))
	redirect(w, r, notice)
}

// edit stores the job anew and says so, or says in the page why not: then there is no
// notice, but a status.
func (b *board) edit(v *view, page *editJobPage, args json.RawMessage) (notice string, status int) {
	if page.misread() {
		return "", http.StatusUnprocessableEntity
	}
	was := page.From
	restored, err := redact.Restore(page.stored, page.shown, args)
	if err != nil {
		page.Problem = sentence("the arguments are no JSON: " + err.Error())
		return "", http.StatusUnprocessableEntity
	}
	job, err := b.queue.Edit(later.By(v.context(), v.User.Name, later.FromDashboard), was, restored)
	switch {
	case errors.Is(err, later.ErrConflict):
		page.Problem = sentence(err.Error())
		return "", http.StatusConflict
	case err != nil:
		page.explain(err)
		return "", http.StatusUnprocessableEntity
	}
	b.changed()
	b.log.InfoContext(v.context(), "somebody changed the arguments of a job in the dashboard", "user", v.User.Name, "type", job.Type, "job", was, "now", job.ID)
	page.From = job.ID
	return fmt.Sprintf("Job %d waits with other arguments now, as job %d.", was, job.ID), http.StatusSeeOther
}
