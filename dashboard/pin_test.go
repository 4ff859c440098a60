package dashboard_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/laterjobs/later/dashboard"
)

// TestPins: a query is kept by the browser, and shown above the list until it is let go.
func TestPins(t *testing.T) {
	root := newStage(t).serve(t, guarded(dashboard.ReadOnly))
	cookie := ""
	send := func(form url.Values) answer {
		t.Helper()
		form.Set("back", "jobs/?q=x")
		got := do(t, http.MethodPost, root+"settings/pins", form, http.Header{"Cookie": {cookie}})
		if set := got.header.Get("Set-Cookie"); set != "" {
			cookie, _, _ = strings.Cut(set, ";")
		}
		return got
	}
	list := func(query string) string {
		t.Helper()
		return html.UnescapeString(do(t, http.MethodGet, root+"jobs/?"+url.Values{"q": {query}}.Encode(), nil, http.Header{"Cookie": {cookie}}).body)
	}
	const query = `status:failed "<evil>"`
	if page := list(query); strings.Contains(page, "Pinned queries") || !strings.Contains(page, "Pin in this browser") {
		t.Error("before: something is pinned, or nothing can be")
	}
	if got := send(url.Values{"q": {query}, "name": {hostile}}); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "../jobs/?") {
		t.Fatalf("%d to %q", got.status, got.header.Get("Location"))
	}
	send(url.Values{"q": {"type:ResultJob"}})
	page := list(query)
	for _, want := range []string{`title="` + query + `" aria-current="true"`, `>type:ResultJob</a>`, ">Unpin<"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	raw := do(t, http.MethodGet, root+"jobs/", nil, http.Header{"Cookie": {cookie}}).body
	if found := dangers(t, raw); len(found) > 0 || !strings.Contains(raw, "&lt;evil&gt;") {
		t.Errorf("%q", found)
	}
	send(url.Values{"q": {query}, "do": {"unpin"}})
	if page := list(query); strings.Contains(page, "Unpin") || !strings.Contains(page, ">type:ResultJob</a>") {
		t.Error("it does not let go, or of too much")
	}
	for range 20 {
		send(url.Values{"q": {"type:A" + strings.Repeat("b", len(cookie)%97)}})
	}
	for name, form := range map[string]url.Values{
		"no query": {"q": {" "}}, "a wrong one": {"q": {"status:dead"}}, "a huge one": {"q": {"type:" + strings.Repeat("x", 5000)}},
	} {
		if got := send(form); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, got.status)
		}
	}
	if len(cookie) > 4000 {
		t.Errorf("a cookie of %d bytes", len(cookie))
	}
	for _, bad := range []string{"x", "%%", base64.RawURLEncoding.EncodeToString([]byte(`{"q":1}`)), base64.RawURLEncoding.EncodeToString([]byte(`[{"q":""}]`))} {
		if cookie = "later_pins=" + bad; strings.Contains(list("x"), "Pinned queries") {
			t.Errorf("%s is taken for pins", bad)
		}
	}
	if got := post(t, newStage(t).serve(t, guarded(dashboard.Admin&^dashboard.View))+"settings/pins", url.Values{"q": {"x"}}); got.status != http.StatusForbidden {
		t.Errorf("without View: %d", got.status)
	}
}
