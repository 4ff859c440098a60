package dashboard

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
)

// Option changes what Handler makes.
type Option func(*board)

// Environment names where the dashboard runs, such as "production": it is shown on
// every page.
func Environment(name string) Option { return func(b *board) { b.environment = name } }

// EnvironmentColor marks every page with a line at its top, so that nobody takes one
// environment for another: red, amber, green, blue, violet or grey. It panics on others.
func EnvironmentColor(name string) Option {
	if !slices.Contains(Colors(), name) {
		panic("dashboard: there is no color " + strconv.Quote(name) + ": choose one of " + strings.Join(Colors(), ", "))
	}
	return func(b *board) { b.colour = name }
}

// Colors are those that an environment can have.
func Colors() []string { return []string{"red", "amber", "green", "blue", "violet", "grey"} }

// TrustedOrigin allows forms from another origin, such as "https://example.com": for
// a proxy that rewrites the header Host. New panics on one that is malformed.
func TrustedOrigin(origin string) Option {
	return func(b *board) {
		if err := b.crossOrigin.AddTrustedOrigin(origin); err != nil {
			panic("dashboard: " + err.Error())
		}
	}
}

// Handler serves the dashboard of a JobQueue, which need not be started. access
// decides who may see and do what; there is no default.
func Handler(queue *later.JobQueue, access Access, opts ...Option) http.Handler {
	if queue == nil || access == nil {
		panic("dashboard: Handler needs a JobQueue and an Access: who may see this?")
	}
	b := &board{queue: queue, access: access, crossOrigin: http.NewCrossOriginProtection(), log: slog.Default(), started: time.Now(), alert: noAlert}
	for _, opt := range opts {
		opt(b)
	}
	b.hub = newHub(b.revision)
	return b.routes()
}

// board is the dashboard.
type board struct {
	queue       *later.JobQueue
	access      Access
	environment string
	colour      string // of the environment
	crossOrigin *http.CrossOriginProtection
	log         *slog.Logger
	started     time.Time
	doctor      doctor
	hub         *hub
	documents   Documents // nil: none
	links       []link
	jobLinks    []jobLinker
	alert       func() string
}

func (b *board) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range b.handlers() {
		mux.HandleFunc(pattern, handle)
	}
	mux.HandleFunc("GET /assets/{name}", asset)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		b.fail(w, r, notFound("There is no page at %s.", r.URL.Path))
	})
	return b.crossOrigin.Handler(secure(withJSON(mux)))
}

// handlers are those that need to know who asks. Each refuses whoever lacks a permission.
func (b *board) handlers() map[string]http.HandlerFunc {
	all := map[string]http.HandlerFunc{
		"GET /{$}":                    b.page(View, "overview", b.overview),
		"GET /jobs/{$}":               b.page(View, "jobs", b.jobs),
		"GET /jobs/new":               b.page(View, "enqueue", b.newJob),
		"POST /jobs/new":              b.enqueue,
		"GET /jobs/{id}":              b.page(View, "job", b.job),
		"GET /jobs/{id}/edit":         b.page(View, "editJob", b.editJob),
		"POST /jobs/{id}/edit":        b.saveJob,
		"GET /jobs/{id}/why":          b.page(View, "why", b.whyPage),
		"GET /errors/{$}":             b.page(View, "causes", b.causes),
		"GET /errors/{id}":            b.page(View, "cause", b.cause),
		"GET /queues/{$}":             b.page(View, "queues", b.queues),
		"GET /queues/{name}":          b.page(View, "queue", b.oneQueue),
		"GET /schedules/{$}":          b.page(View, "schedules", b.schedules),
		"GET /schedules/{name}":       b.page(View, "schedule", b.oneSchedule),
		"GET /schedules/{name}/edit":  b.page(View, "edit", b.editSchedule),
		"POST /schedules/{name}/edit": b.saveSchedule,
		"GET /types/{$}":              b.page(View, "types", b.types),
		"GET /types/{name}":           b.page(View, "type", b.oneType),
		"GET /processes/{$}":          b.page(View, "processes", b.processes),
		"GET /processes/{id}":         b.page(View, "process", b.process),
		"GET /requests/{id}":          b.request,
		"GET /ops/{$}":                b.page(View, "operations", b.operations),
		"GET /ops/new":                b.page(View, "bulk", b.bulk),
		"POST /ops/new":               b.operate,
		"GET /ops/{id}":               b.page(View, "operation", b.operation),
		"GET /audit/{$}":              b.page(View|Audit, "audit", b.audit),
		"GET /help/{$}":               b.page(View, "help", b.help),
		"GET /help/{name}":            b.page(View, "help", b.help),
		"GET /settings/{$}":           b.page(View, "settings", b.settings),
		"POST /settings/{$}":          b.saveSettings,
		"POST /settings/pins":         b.savePin,
		"POST /actions/{verb}":        b.act,
		"GET /events":                 b.events,
	}
	for _, part := range documentParts {
		all["GET /jobs/{id}/"+part.name] = b.jobDocument(part.name, part.raw)
	}
	return all
}

// secure sets what every answer carries. Scripts and styles come from this handler
// only, nothing is inline, nobody frames it.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
			"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("X-Robots-Tag", "noindex")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// problem is an error with its place among the answers of HTTP and a sentence for
// people.
type problem struct {
	status int
	Title  string
	Text   string
	Causes []string // what it may come from
}

func (p *problem) Error() string { return p.Text }

func notFound(format string, args ...any) error {
	return &problem{status: http.StatusNotFound, Title: "Not found", Text: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, Title: "That does not work", Text: fmt.Sprintf(format, args...)}
}

// explained finds the words for an error.
func (b *board) explained(r *http.Request, err error) *problem {
	var p *problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, later.ErrNotFound):
		return &problem{status: http.StatusNotFound, Title: "Not found", Text: err.Error()}
	case errors.Is(err, later.ErrInvalidOption):
		return badRequest("%v.", err)
	case errors.Is(err, later.ErrConflict):
		return &problem{status: http.StatusConflict, Title: "Not possible now", Text: err.Error()}
	case errors.Is(err, later.ErrUnavailable):
		return &problem{http.StatusServiceUnavailable, "The store cannot be reached",
			"The program goes on, and this page comes back by itself when the store does. " + err.Error(), outages}
	}
	b.log.ErrorContext(r.Context(), "a page of the dashboard failed", "path", r.URL.Path, "error", err)
	return &problem{status: http.StatusInternalServerError, Title: "This page failed", Text: err.Error()}
}

// outages are the usual reasons why a store cannot be reached.
var outages = []string{
	"PostgreSQL restarts, moves to another server, or has no connection left for this program (max_connections, or the limit of a pooler).",
	"The network between this program and the server is cut, or its address or password has changed.",
	"SQLite: the disk is full, the file was moved, or another program holds it locked.",
}

// page makes the handler of a page: who asks, what it shows, as HTML.
func (b *board) page(needs Permission, name string, gather func(*view) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := b.newView(r, needs, name)
		if err == nil {
			err = gather(v)
		}
		if err != nil {
			b.fail(w, r, err)
			return
		}
		b.render(w, r, http.StatusOK, v)
	}
}

func (b *board) render(w http.ResponseWriter, r *http.Request, status int, v *view) {
	if wishesJSON(r) {
		b.answerJSON(w, r, status, v)
		return
	}
	var text bytes.Buffer // a page that fails half way must not look like a whole one
	if err := templates.ExecuteTemplate(&text, v.Page, v); err != nil {
		b.log.ErrorContext(r.Context(), "a template of the dashboard failed", "page", v.Page, "error", err)
		http.Error(w, "This page failed: "+err.Error(), http.StatusInternalServerError)
		return
	}
	if status == http.StatusOK {
		tag := tag(text.Bytes(), v.Now)
		w.Header().Set("ETag", tag)
		if has(r, tag) {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // whoever has gone away does not miss it
}

func (b *board) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrSignIn) {
		w.Header().Set("WWW-Authenticate", `Basic realm="later", charset="UTF-8"`)
		http.Error(w, "Sign in to see the jobs.", http.StatusUnauthorized)
		return
	}
	p := b.explained(r, err)
	v := b.frame(r, "problem")
	v.Title, v.Problem = p.Title, p
	if p.status == http.StatusServiceUnavailable && !v.Still() {
		w.Header().Set("Refresh", "5") // also without JavaScript
	}
	b.render(w, r, p.status, v)
}
