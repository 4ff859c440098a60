package dashboard

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
)

// verb is something that can be done to jobs.
type verb struct {
	Name, Label string
	Title       string // what it does
	Danger      bool
	Asks        bool // a page asks before it is done, and the work is that of an operation: it can be undone

	needs     Permission
	fits      []later.JobStatus
	operation later.OperationAction // the same, of any number of jobs
	reason    bool                  // it takes one
	do        func(*board, *http.Request, later.Filter, string) (int, error)
	done      string // what has been done, of how many jobs
}

// verbs are what can be done to jobs, in the order of the buttons.
var verbs = []verb{
	{
		Name: "retry", Label: "Retry", Title: "Run again now; finished jobs start over with their full retries.", needs: Retry, done: "Retried", operation: later.OperationRetry,
		fits: []later.JobStatus{later.StatusFailed, later.StatusRetrying, later.StatusCancelled, later.StatusCompleted},
		do: func(b *board, r *http.Request, f later.Filter, _ string) (int, error) {
			return b.queue.RetryAll(r.Context(), f)
		},
	},
	{
		Name: "run", Label: "Run now", Title: "Run before its time.", needs: Retry, done: "Made pending", operation: later.OperationReschedule,
		fits: []later.JobStatus{later.StatusScheduled},
		do: func(b *board, r *http.Request, f later.Filter, _ string) (int, error) {
			return b.queue.RescheduleAll(r.Context(), f, time.Now())
		},
	},
	{
		Name: "cancel", Label: "Cancel", Title: "Stop for good: waiting jobs at once, running ones as soon as they notice.", needs: Cancel, done: "Cancelled", operation: later.OperationCancel,
		fits: []later.JobStatus{later.StatusScheduled, later.StatusPending, later.StatusRunning, later.StatusRetrying}, reason: true,
		do: func(b *board, r *http.Request, f later.Filter, reason string) (int, error) {
			return b.queue.CancelAll(r.Context(), f, reason)
		},
	},
	{
		Name: "reschedule", Label: "Reschedule", Title: "Give another time.", Asks: true, needs: Reschedule, operation: later.OperationReschedule,
		fits: []later.JobStatus{later.StatusScheduled, later.StatusPending, later.StatusRetrying},
	},
	{
		Name: "delete", Label: "Delete", Title: "Remove with all history.", Asks: true, Danger: true, needs: Delete, operation: later.OperationDelete,
		fits: []later.JobStatus{
			later.StatusScheduled, later.StatusPending, later.StatusRetrying, later.StatusCompleted, later.StatusFailed, later.StatusCancelled,
		},
	},
}

// verbsFor are the verbs that the user may use and that fit one of the statuses; none
// named: any.
func verbsFor(user User, statuses []later.JobStatus) (fitting []verb) {
	for _, v := range verbs {
		fits := len(statuses) == 0 || slices.ContainsFunc(statuses, func(s later.JobStatus) bool { return slices.Contains(v.fits, s) })
		if fits && user.Can(v.needs) {
			fitting = append(fitting, v)
		}
	}
	return fitting
}

// Fits are the statuses that the verb fits, for the script.
func (v verb) Fits() string {
	var names []string
	for _, s := range v.fits {
		names = append(names, string(s))
	}
	return strings.Join(names, " ")
}

// verbButton is a verb on the page of one job.
type verbButton struct {
	verb
	Not string // why it does not fit the job; empty: it does
}

// buttonsFor are what the user may do to a job in a status. What does not fit is there as
// well, and says why; but a job is either retried or run before its time.
func buttonsFor(user User, status later.JobStatus) (buttons []verbButton) {
	for _, v := range verbs {
		if early := status == later.StatusScheduled; user.Can(v.needs) && !(v.Name == "retry" && early || v.Name == "run" && !early) {
			buttons = append(buttons, verbButton{v, v.spared(status)})
		}
	}
	return buttons
}

// RowVerbs are what the user may do to a job in a status, for the menu of its row.
func (v *view) RowVerbs(status later.JobStatus) (fitting []verb) {
	for _, button := range buttonsFor(v.User, status) {
		if button.Not == "" {
			fitting = append(fitting, button.verb)
		}
	}
	return fitting
}

// act does what a form says and leads back to its page; what is about many jobs is asked
// about first. It is the only place, beside operate and enqueue, where the dashboard
// changes anything.
func (b *board) act(w http.ResponseWriter, r *http.Request) {
	notice, err := b.perform(r)
	var many *manyJobs
	switch {
	case errors.As(err, &many):
		goTo(w, r, "ops/new?"+url.Values{"do": {many.verb}, "q": {many.query}, "back": {r.PostForm.Get("back")}}.Encode())
	case err != nil:
		b.fail(w, r, err)
	default:
		redirect(w, r, notice)
	}
}

// manyJobs is what a form asks for that is the work of an operation.
type manyJobs struct{ verb, query string }

func (m *manyJobs) Error() string { return m.verb + " is the work of an operation here" }

func (b *board) perform(r *http.Request) (notice string, err error) {
	v, err := b.newView(r, View, "action")
	if err != nil {
		return "", err
	}
	if err := readForm(r); err != nil {
		return "", err
	}
	r = r.WithContext(later.By(r.Context(), v.User.Name, later.FromDashboard)) // for the audit
	v.request = r
	name := r.PathValue("verb")
	if name == "pause" || name == "resume" {
		defer b.changed()
		return b.pauseOrResume(v, name)
	}
	defer b.changed()
	if name == "mute" {
		return b.muteCause(v)
	}
	if _, known := processVerbs[name]; known {
		return b.askProcess(v, name)
	}
	if _, known := scheduleVerbs[name]; known {
		return b.actOnSchedule(v, name)
	}
	if _, known := operationVerbs[name]; known {
		return b.turnOperation(v, name)
	}
	return b.changeTicked(v, name)
}

// verbNamed finds one of verbs that the user may use.
func (v *view) verbNamed(name string) (verb, error) {
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.Name == name })
	if i < 0 {
		return verb{}, notFound("There is no action %q.", name)
	}
	return verbs[i], v.need(verbs[i].needs)
}

// changeTicked changes the jobs that are ticked at once. More than mostTicked, all that
// match a query, and what is asked about first, are for an operation.
func (b *board) changeTicked(v *view, name string) (string, error) {
	r := v.request
	verb, err := v.verbNamed(name)
	if err != nil {
		return "", err
	}
	if only := r.PostForm.Get("only"); only != "" { // of the menu of a row, whatever is ticked
		r.PostForm["id"], r.PostForm["all"] = []string{only}, nil
	}
	if r.PostForm.Get("all") == "yes" {
		return "", v.many(name, strings.TrimSpace(r.PostForm.Get("q")))
	}
	filter, err := ticked(r)
	if err != nil {
		return "", err
	}
	query := "id:" + strings.Join(r.PostForm["id"], ",")
	switch {
	case len(filter.IDs) > mostTicked:
		return "", v.many(name, query)
	case verb.Asks:
		return "", &manyJobs{name, query}
	}
	n, err := verb.do(b, r, filter, byWhom(v.User, r.PostForm.Get("reason")))
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "Nothing was changed: none of them is in a status that this fits.", nil
	}
	return verb.done + " " + plural(int64(n), "job", "jobs") + ".", nil
}

// many asks for an operation, on behalf of those who may.
func (v *view) many(verb, query string) error {
	if err := v.need(Bulk); err != nil {
		return err
	}
	return &manyJobs{verb, query}
}

// mostTicked is how many jobs are changed while the browser waits, and how many may be
// changed without a word typed.
const mostTicked = 100

// ticked is the jobs whose ids a form names. One that names none means none.
func ticked(r *http.Request) (later.Filter, error) {
	filter := later.Filter{}
	for _, text := range r.PostForm["id"] {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return filter, badRequest("%q is no id of a job.", text)
		}
		filter.IDs = append(filter.IDs, id)
	}
	if len(filter.IDs) == 0 {
		return filter, badRequest("No job was chosen: tick some.")
	}
	return filter, nil
}

// byWhom adds who it was to a reason, for those who read it later.
func byWhom(user User, reason string) string {
	reason = strings.TrimSpace(reason)
	switch {
	case user.Name == "":
		return reason
	case reason == "":
		return "by " + user.Name
	}
	return reason + " (" + user.Name + ")"
}

// maxForm bounds a form, in bytes.
const maxForm = 1 << 20

func readForm(r *http.Request) error {
	r.Body = http.MaxBytesReader(nil, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return badRequest("The form cannot be read: %v.", err)
	}
	return nil
}

// redirect leads back to the page that the form was on, with a word on what was done.
// Only pages of this dashboard are led to.
func redirect(w http.ResponseWriter, r *http.Request, notice string) {
	back := ownPage(r.PostForm.Get("back"))
	if notice != "" {
		values := back.Query()
		values.Set("notice", notice)
		back.RawQuery = values.Encode()
	}
	goTo(w, r, back.String())
}

// ownPage is the address of a page of this dashboard, or of the first one.
func ownPage(text string) *url.URL {
	page, err := url.Parse(text)
	if err != nil || page.IsAbs() || page.Host != "" || strings.HasPrefix(page.Path, "/") || strings.Contains(page.Path, "..") || strings.Contains(page.Path, `\`) {
		return &url.URL{}
	}
	return page
}

// goTo leads to a page, named from the first one on.
func goTo(w http.ResponseWriter, r *http.Request, page string) {
	w.Header().Set("Location", rootOf(r.URL.EscapedPath())+page)
	w.WriteHeader(http.StatusSeeOther)
}

// noticeOf is what an action has said on the way to this page. It travels in the
// address, so anybody can make one up: it is short, and only ever text.
func noticeOf(r *http.Request) string {
	return cut(r.URL.Query().Get("notice"), 200)
}

// saveSettings keeps how this browser wants to see the pages.
func (b *board) saveSettings(w http.ResponseWriter, r *http.Request) {
	if _, err := b.newView(r, View, "settings"); err != nil {
		b.fail(w, r, err)
		return
	}
	if err := readForm(r); err != nil {
		b.fail(w, r, err)
		return
	}
	if _, err := zone(r.PostForm.Get("zone")); err != nil {
		b.fail(w, r, badRequest("%q is no time zone: write a name such as Europe/Berlin.", r.PostForm.Get("zone")))
		return
	}
	for _, name := range []string{"theme", "density", "zone", "live", "keys"} {
		if only := r.PostForm.Get("only"); only != "" && only != name {
			continue
		}
		value := r.PostForm.Get(name)
		if value == "" && name == "keys" {
			value = "off"
		}
		keep(w, "later_"+name, value)
	}
	redirect(w, r, "Saved for this browser.")
}

// keep lets the browser keep something for a year.
func keep(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

type settingsPage struct {
	Themes    []string `json:"themes"`
	Densities []string `json:"densities"`
	Lives     []string `json:"lives"`
	Zones     []string `json:"zones"`
}

func (b *board) settings(v *view) error {
	v.Title = "Settings"
	v.Data = &settingsPage{themes, densities, lives, commonZones}
	return nil
}

var commonZones = []string{
	"UTC", "America/Los_Angeles", "America/Denver", "America/Chicago", "America/New_York", "America/Sao_Paulo", "Europe/London", "Europe/Berlin",
	"Europe/Kyiv", "Africa/Johannesburg", "Asia/Dubai", "Asia/Kolkata", "Asia/Singapore", "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland",
}
