package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// TestErrors: one line for all that failed for one reason, from the first page to the
// action on its jobs, for those who may.
func TestErrors(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	for range 2 { // others like it, with arguments in common
		if _, err := work.PerformLater(t.Context(), s.queue, workArgs{"fail"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	failed, err := s.queue.Get(t.Context(), s.ids[later.StatusFailed])
	if err != nil || failed.Cause == 0 {
		t.Fatalf("%+v, %v", failed, err)
	}
	address := "errors/" + failed.Cause.String()
	says := func(path string, texts ...string) {
		t.Helper()
		page := get(t, root+path)
		if found := dangers(t, page.body); page.status != http.StatusOK || len(found) > 0 {
			t.Errorf("/%s: %d, holds %q", path, page.status, found)
		}
		for _, text := range texts {
			if !strings.Contains(page.body, text) {
				t.Errorf("/%s does not say %q", path, text)
			}
		}
	}
	says("", `href="./`+address+`"`, `class="open"`)
	says("errors/", failed.Cause.String(), "Last 24 hours")
	says("errors/?show=all&q=no-such-word", "No error mentions")
	says("jobs/7", "")
	says("jobs/1", "3 more jobs with this error")
	says(address, "Retry all 4…", "text: ", "3 of 4", "Mute for 1 h")
	asks := func(verb string) string {
		return "ops/new?" + url.Values{"do": {verb}, "q": {"cause:" + failed.Cause.String()}, "back": {address}}.Encode()
	}
	says(asks("retry"), "Retry 4 jobs?", "runs again now", "runs now instead of later", `href="../`+address+`"`)
	says(asks("cancel"), "Cancel 1 job?", "left alone: it has ended")
	for path, want := range map[string]int{"errors/x": 404, "errors/0000000000000007": 404} {
		if got := get(t, root+path); got.status != want {
			t.Errorf("/%s: %d", path, got.status)
		}
	}
	mute := func(may dashboard.Permission, cause, hours string) int {
		t.Helper()
		return post(t, s.serve(t, guarded(may))+"actions/mute", url.Values{"cause": {cause}, "hours": {hours}, "back": {address}}).status
	}
	for _, test := range []struct {
		may          dashboard.Permission
		cause, hours string
		want         int
	}{
		{dashboard.Admin &^ dashboard.Retry, failed.Cause.String(), "1", http.StatusForbidden},
		{dashboard.Admin, "x", "1", http.StatusBadRequest},
		{dashboard.Admin, failed.Cause.String(), "-1", http.StatusBadRequest},
		{dashboard.Admin, failed.Cause.String(), "99999999999999999999", http.StatusBadRequest},
		{dashboard.Admin, "0000000000000007", "1", http.StatusNotFound},
		{dashboard.Admin, failed.Cause.String(), "1", http.StatusSeeOther},
	} {
		if got := mute(test.may, test.cause, test.hours); got != test.want {
			t.Errorf("mute %s for %s h: %d, want %d", test.cause, test.hours, got, test.want)
		}
	}
	says("errors/?show=muted", failed.Cause.String(), "muted")
	if page := get(t, root+"errors/"); strings.Contains(page.body, failed.Cause.String()) {
		t.Error("a muted error needs somebody")
	}
	if got := mute(dashboard.Admin, failed.Cause.String(), "0"); got != http.StatusSeeOther {
		t.Errorf("unmute: %d", got)
	}
	says("errors/", failed.Cause.String())
	begun := post(t, root+"ops/new", url.Values{"do": {"retry"}, "q": {"cause:" + failed.Cause.String()}})
	if o := s.ended(t, begun); o.Changed != 4 {
		t.Errorf("retry all: %+v", o)
	}
	says(address, "No job has it any more")
	if other := s.status(t, s.ids["panicked"]); other != later.StatusRetrying && other != later.StatusFailed {
		t.Errorf("a job with another error is %s", other)
	}
}
