package dashboard_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/docs"
	"github.com/laterjobs/later/latertest"
)

// TestHelp: the documentation is below help/, and there is a link to it on every page; a
// dashboard without it has neither.
func TestHelp(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	if _, err := work.PerformLater(t.Context(), queue, workArgs{}); err != nil {
		t.Fatal(err)
	}
	ask := func(path string, opts ...dashboard.Option) *httptest.ResponseRecorder {
		answer := httptest.NewRecorder()
		dashboard.Handler(queue, dashboard.Guarded(dashboard.View, nil), opts...).ServeHTTP(answer, httptest.NewRequest("GET", path, nil))
		return answer
	}
	for path, want := range map[string]string{
		"/":                        `href="./help/"`,
		"/help/":                   "How do I",
		"/help/failures.md":        `<h2 id="limits">`,
		"/help/quick-reference.md": "later.Define[GreetArgs]",
		"/help/troubleshooting.md": `<a id="L120"></a><h3 id="l120-`,
		"/jobs/1/why":              `href="../../help/troubleshooting.md#L120"`,
	} {
		answer := ask(path, dashboard.Help(docs.Page))
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), want) {
			t.Errorf("%s: %d without %q", path, answer.Code, want)
		}
		if found := dangers(t, answer.Body.String()); len(found) > 0 {
			t.Errorf("%s has %q", path, found)
		}
	}
	for path, opts := range map[string][]dashboard.Option{
		"/help/nothing.md": {dashboard.Help(docs.Page)}, "/help/..%2fgo.mod": {dashboard.Help(docs.Page)}, "/help/": nil, "/help/failures.md": nil,
	} {
		if answer := ask(path, opts...); answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	if strings.Contains(ask("/").Body.String(), "help/") {
		t.Error("a link to help that is not there")
	}
}
