package dashboard

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

// needed is what routes need besides View. Each action is tested with its own elsewhere.
var needed = map[string]Permission{
	"GET /jobs/new":               Enqueue,
	"POST /jobs/new":              Enqueue,
	"GET /jobs/{id}/args":         ViewArgs,
	"GET /jobs/{id}/result":       ViewArgs,
	"GET /jobs/{id}/metadata":     ViewArgs,
	"GET /jobs/{id}/edit":         ViewArgs | Enqueue | Cancel,
	"POST /jobs/{id}/edit":        ViewArgs | Enqueue | Cancel,
	"GET /schedules/{name}/edit":  Enqueue,
	"POST /schedules/{name}/edit": Enqueue,
	"GET /ops/new":                Retry | Bulk,
	"POST /ops/new":               Retry | Bulk,
	"POST /actions/{verb}":        Retry,
	"GET /audit/{$}":              Audit,
}

// TestEveryRouteNeedsItsPermissions: without View, or another that it needs, a route
// answers 403; to somebody with those alone it does not.
func TestEveryRouteNeedsItsPermissions(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	if _, err := later.Define[struct{}]("Mail").PerformLater(t.Context(), queue, struct{}{}, later.In(24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	var may Permission
	b := &board{queue: queue, alert: noAlert, access: func(*http.Request) (User, error) { return User{May: may}, nil }}
	b.hub = newHub(b.revision)
	for pattern, handle := range b.handlers() {
		t.Run(strings.NewReplacer("/", "_", " ", "_").Replace(pattern), func(t *testing.T) {
			needs := View | needed[pattern]
			for lacks := View; lacks <= Audit; lacks <<= 1 {
				if needs&lacks == 0 {
					continue
				}
				if may = needs &^ lacks; ask(t, pattern, handle) != http.StatusForbidden {
					t.Errorf("without the permission %q it does not refuse", permissionNames[lacks])
				}
			}
			if may = needs; ask(t, pattern, handle) == http.StatusForbidden {
				t.Error("it refuses somebody who has what it needs")
			}
		})
	}
}

// ask returns what a route answers: about job 1, and things that there are not.
func ask(t *testing.T, pattern string, handle http.HandlerFunc) int {
	t.Helper()
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.NewReplacer("{id}", "1", "{name}", "nobody", "{verb}", "retry", "{$}", "").Replace(path)
	if strings.HasSuffix(path, "/ops/new") {
		path += "?do=retry&q=type:Mail"
	}
	ctx, done := context.WithTimeout(t.Context(), 100*time.Millisecond) // events go on until then
	defer done()
	r := httptest.NewRequest(method, path, strings.NewReader(url.Values{"id": {"1"}, "do": {"retry"}, "q": {"type:Mail"}}.Encode())).WithContext(ctx)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	mux := http.NewServeMux()
	mux.HandleFunc(pattern, handle)
	mux.ServeHTTP(w, r)
	return w.Code
}
