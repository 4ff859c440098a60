package dashboard

import (
	"encoding/json"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// Status is a small piece of a page that says whether somebody works on the queue's
// store, and how many jobs there are in each status: for a page or a tray of your own.
// It answers with HTML, an element of the class later-status without any style, or with
// JSON to whoever accepts that first or asks for a path that ends in .json. It shows
// names of statuses and numbers only, to everybody who gets as far.
func Status(queue *later.JobQueue) http.Handler {
	if queue == nil {
		panic("dashboard: Status needs a JobQueue")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		status, code := glance(r, queue), http.StatusOK
		if status.Problem != "" {
			code = http.StatusServiceUnavailable
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept")
		if strings.HasSuffix(r.URL.Path, ".json") || wantsJSON(r) {
			h.Set("Content-Type", "application/json")
			w.WriteHeader(code)
			_ = json.NewEncoder(w).Encode(status) // whoever has gone away does not miss it
			return
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		_ = fragment.Execute(w, status)
	})
}

// statusReport is what Status tells.
type statusReport struct {
	Running   bool             `json:"running"`        // some process works on the store
	Processes int              `json:"processes"`      // that work
	Slots     int              `json:"slots"`          // jobs that they can perform at once
	Counts    map[string]int64 `json:"counts"`         // jobs by status
	More      map[string]bool  `json:"more,omitempty"` // statuses of which there may be more than were counted
	Problem   string           `json:"problem,omitempty"`
}

func glance(r *http.Request, queue *later.JobQueue) statusReport {
	report := statusReport{Counts: map[string]int64{}, More: map[string]bool{}}
	stats, err := queue.Stats(r.Context())
	if err == nil {
		var processes []later.Process
		processes, err = queue.Processes(r.Context())
		for _, p := range processes {
			if works(time.Now(), p) {
				report.Processes++
				report.Slots += p.Slots
			}
		}
	}
	if err != nil {
		report.Problem = "the store cannot be reached" // the error may name hosts and files
		return report
	}
	report.Running = report.Processes > 0
	for status, n := range stats.Counts {
		report.Counts[string(status)] = n
		if stats.More[status] {
			report.More[string(status)] = true
		}
	}
	return report
}

// wantsJSON: the first type that somebody accepts is JSON.
func wantsJSON(r *http.Request) bool {
	first, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	first, _, _ = strings.Cut(first, ";")
	return strings.TrimSpace(first) == "application/json"
}

// Counts that are zero are left out: the piece is small.
var fragment = template.Must(template.New("status").Funcs(template.FuncMap{"least": atLeast, "statuses": func() []later.JobStatus { return store.Statuses }}).Parse(
	`<div class="later-status" data-running="{{.Running}}">{{if .Problem}}<span class="later-problem">{{.Problem}}</span>{{else}}` +
		`<span class="later-state">{{if .Running}}running in {{.Processes}} {{if eq .Processes 1}}process{{else}}processes{{end}}{{else}}not running{{end}}</span>` +
		`{{$counts := .Counts}}{{$more := .More}}{{range $status := statuses}}{{with index $counts (print $status)}} <span class="later-count" data-status="{{$status}}">{{least . (index $more (print $status))}} {{$status}}</span>{{end}}{{end}}{{end}}</div>
`))
