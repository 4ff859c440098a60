package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// view is what a template sees: the frame of every page, and the page's own data.
type view struct {
	Page, Title string
	User        User
	Environment string
	Root        string // the way from this page to the first one
	Path        string // of this page, from the root
	Query       string // of this page
	Now         time.Time
	Look        look
	Notice      string // what an action has done
	Problem     *problem
	Data        any

	request *http.Request
	board   *board
}

// newView finds out who asks, and refuses those who may not.
func (b *board) newView(r *http.Request, needs Permission, name string) (*view, error) {
	v := b.frame(r, name)
	user, err := b.access(r)
	if err != nil {
		if errors.Is(err, ErrSignIn) {
			return nil, err
		}
		return nil, &problem{status: http.StatusForbidden, Title: "Not allowed", Text: sentence(err.Error())}
	}
	v.User = user
	return v, v.need(needs)
}

func (v *view) need(p Permission) error {
	for one := View; one <= p; one <<= 1 {
		if p&one != 0 && !v.User.Can(one) {
			return &problem{status: http.StatusForbidden, Title: "Not allowed", Text: fmt.Sprintf("You lack the permission %q. The program that serves these pages decides who has it.", permissionNames[one])}
		}
	}
	return nil
}

func (b *board) frame(r *http.Request, name string) *view {
	v := &view{
		Page: name, Environment: b.environment, Path: strings.TrimPrefix(r.URL.EscapedPath(), "/"), Query: r.URL.RawQuery,
		Root: rootOf(r.URL.EscapedPath()), Now: time.Now(), Look: lookOf(r), request: r, board: b,
	}
	v.Notice = noticeOf(r)
	return v
}

// rootOf is the relative way from a page to the first one: the handler need not know
// where it is mounted.
func rootOf(p string) string {
	depth := strings.Count(strings.TrimPrefix(p, "/"), "/")
	if depth == 0 {
		return "./"
	}
	return strings.Repeat("../", depth)
}

func (v *view) context() context.Context { return v.request.Context() }

// unchanging are pages that nothing in the store changes, or that somebody is writing on.
var unchanging = []string{"enqueue", "editJob", "bulk", "edit", "settings", "help"}

// Still reports whether the page must not ask for itself again: the answer to a form has no
// address of its own.
func (v *view) Still() bool {
	return v.request.Method == http.MethodPost || slices.Contains(unchanging, v.Page)
}

// Colour is that of the environment; empty: none.
func (v *view) Colour() string { return v.board.colour }

// Abbreviation is that of the zone in which times are shown.
func (v *view) Abbreviation() string { return v.Now.In(v.Look.location).Format("MST") }

// Active marks the section of the navigation that this page is in.
func (v *view) Active(section string) bool {
	return path.Clean("/"+strings.SplitN(v.Path, "/", 2)[0]) == path.Clean("/"+section)
}

// Link is the address of a page from this one.
func (v *view) Link(parts ...string) string { return v.Root + strings.Join(parts, "") }

// Here is this page, for a form that leads back to it.
func (v *view) Here() string {
	if v.Query == "" {
		return v.Path
	}
	return v.Path + "?" + v.Query
}

// With is this page with another value in its query; empty: without one.
func (v *view) With(name, value string) string {
	values := v.request.URL.Query()
	if values.Del(name); value != "" {
		values.Set(name, value)
	}
	return "?" + values.Encode()
}

// listedBy is how the address of a job says which list it was opened from.
func listedBy(query string) string {
	if query == "" {
		return ""
	}
	return "?" + url.Values{"q": {query}}.Encode()
}

// Can reports whether the user may do what a button says.
func (v *view) Can(permission string) bool {
	for p, name := range permissionNames {
		if name == permission {
			return v.User.Can(p)
		}
	}
	return false
}

// Ago and its like depend on when the page was made.
func (v *view) Ago(t time.Time) string   { return ago(v.Now, t) }
func (v *view) Until(t time.Time) string { return until(v.Now, t) }
func (v *view) Since(t time.Time) string { return short(v.Now.Sub(t)) }

// Moment is a text as it is, unless it is a time: that is shown as all others are.
func (v *view) Moment(text string) string {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return v.Time(t)
	}
	return text
}

// Time is a moment in the zone that the user has chosen.
func (v *view) Time(t time.Time) string { return v.Look.time(t) }

// Document is its title: how much needs a person, what the page is, and where.
func (v *view) Document() string {
	title := v.Title
	if n := v.Problems(); n > 0 {
		title = fmt.Sprintf("(%d) %s", n, title)
	}
	parts := []string{title, "later"}
	if v.Environment != "" {
		parts = append(parts, v.Environment)
	}
	return strings.Join(parts, " · ")
}

func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// usedStatuses are those that jobs can have: nothing blocks jobs yet.
var usedStatuses = slices.DeleteFunc(slices.Clone(store.Statuses), func(s later.JobStatus) bool { return s == later.StatusBlocked })

// sentences explain each status.
var sentences = map[later.JobStatus]string{
	later.StatusScheduled: "Will become pending at the time shown.",
	later.StatusBlocked:   "Waits for another job, a limit or a lock.",
	later.StatusPending:   "Can start now; waits for a free slot.",
	later.StatusRunning:   "A process has it.",
	later.StatusRetrying:  "Failed; will run again by itself at the time shown.",
	later.StatusCompleted: "Finished without an error.",
	later.StatusFailed:    "Out of retries, or not retryable. Runs again only if someone retries it.",
	later.StatusCancelled: "Stopped on request.",
}
