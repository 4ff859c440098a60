package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// TestSchedules: what a schedule's row says, and what its buttons do, for those who may.
func TestSchedules(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	says := func(text string) {
		t.Helper()
		if page := get(t, root+"schedules/"); !strings.Contains(page.body, text) {
			t.Errorf("the page does not say %q:\n%s", text, page.body)
		}
	}
	says("0 2 * * *")
	says("Europe/Berlin")
	says("made by hand")
	act := func(verb string, may dashboard.Permission) answer {
		t.Helper()
		return post(t, s.serve(t, guarded(may))+"actions/"+verb, url.Values{"schedule": {scheduled}, "reason": {"holidays"}, "back": {"schedules/"}})
	}
	for verb, needs := range map[string]dashboard.Permission{
		"pause-schedule": dashboard.Pause, "resume-schedule": dashboard.Pause, "run-schedule": dashboard.Retry,
	} {
		if got := act(verb, dashboard.Admin&^needs); got.status != http.StatusForbidden {
			t.Errorf("%s without the permission: %d", verb, got.status)
		}
	}
	if got := act("pause-schedule", dashboard.Admin); got.status != http.StatusSeeOther {
		t.Fatalf("pause: %d %s", got.status, got.body)
	}
	says("holidays")
	if got := act("resume-schedule", dashboard.Admin); got.status != http.StatusSeeOther {
		t.Fatalf("resume: %d", got.status)
	}
	if got := act("run-schedule", dashboard.Admin); got.status != http.StatusSeeOther {
		t.Fatalf("run: %d %s", got.status, got.body)
	}
	jobs, err := s.queue.List(t.Context(), later.Filter{Type: work.Name(), Limit: 1})
	if err != nil || len(jobs) != 1 || jobs[0].Options == nil || jobs[0].Options.Schedule != scheduled {
		t.Errorf("the newest job: %+v, %v", jobs, err)
	}
	if got := post(t, root+"actions/run-schedule", url.Values{"schedule": {"nobody's"}}); got.status != http.StatusNotFound {
		t.Errorf("a schedule that is not there: %d", got.status)
	}
}
