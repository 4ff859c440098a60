package dashboard_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// actions are what forms ask for: the permission, and a job that it changes.
var actions = map[string]struct {
	needs dashboard.Permission
	on    later.JobStatus
	leads later.JobStatus // ""
}{
	"retry":      {dashboard.Retry, later.StatusFailed, later.StatusPending},
	"run":        {dashboard.Retry, later.StatusScheduled, later.StatusPending},
	"cancel":     {dashboard.Cancel, later.StatusRetrying, later.StatusCancelled},
	"reschedule": {dashboard.Reschedule, later.StatusRetrying, later.StatusRetrying},
	"delete":     {dashboard.Delete, later.StatusCancelled, ""},
}

// TestPermissions: without its permission an action is refused and changes nothing;
// with it alone, beside View, it works.
func TestPermissions(t *testing.T) {
	for name, action := range actions {
		t.Run(name, func(t *testing.T) {
			s := newStage(t)
			id := s.ids[action.on]
			form := url.Values{"id": {strconv.FormatInt(id, 10)}, "back": {"jobs/"}}
			for _, missing := range []dashboard.Permission{action.needs, dashboard.View} {
				got := post(t, s.serve(t, guarded(dashboard.Admin&^missing))+"actions/"+name, form)
				if got.status != http.StatusForbidden || s.status(t, id) != action.on {
					t.Errorf("without permission %b: %d, the job is %s", missing, got.status, s.status(t, id))
				}
			}
			got := post(t, s.serve(t, guarded(dashboard.View|action.needs))+"actions/"+name, form)
			if got.status != http.StatusSeeOther {
				t.Fatalf("with the permission: %d %s", got.status, got.body)
			}
			if asks := strings.Contains(got.header.Get("Location"), "ops/new"); asks { // about so few without the permission for many
				form = url.Values{"do": {name}, "q": {"id:" + strconv.FormatInt(id, 10)}, "when": {"2100-01-02T03:04"}}
				if got := post(t, s.serve(t, guarded(dashboard.Admin&^action.needs))+"ops/new", form); got.status != http.StatusForbidden {
					t.Errorf("the answer without the permission: %d", got.status)
				}
				s.ended(t, post(t, s.serve(t, guarded(dashboard.View|action.needs))+"ops/new", form))
				if job, err := s.queue.Get(t.Context(), id); name == "reschedule" && (err != nil || job.NextRunAt.Year() != 2100) {
					t.Errorf("it runs at %s, %v", job.NextRunAt, err)
				}
			}
			if job, err := s.queue.Get(t.Context(), id); (action.leads == "") != (err != nil) || job.Status != action.leads {
				t.Errorf("afterwards the job is %q, %v", job.Status, err)
			}
		})
	}
}

// TestPauseNeedsPermission, and the reason names who it was.
func TestPauseNeedsPermission(t *testing.T) {
	s := newStage(t)
	form := url.Values{"queue": {"nobody"}, "reason": {"smtp down"}}
	for _, verb := range []string{"pause", "resume"} {
		if got := post(t, s.serve(t, guarded(dashboard.Admin&^dashboard.Pause))+"actions/"+verb, form); got.status != http.StatusForbidden {
			t.Errorf("%s without the permission: %d", verb, got.status)
		}
	}
	root := s.serve(t, dashboard.Guarded(dashboard.Admin, func(*http.Request) string { return "ana" }))
	if got := post(t, root+"actions/pause", form); got.status != http.StatusSeeOther {
		t.Fatalf("pause: %d", got.status)
	}
	if page := get(t, root+"queues/"); !strings.Contains(page.body, " by ana: smtp down") {
		t.Error("the page does not say who paused the queue, and why")
	}
	if page := get(t, root+"audit/?person=ana&kind=queue"); !strings.Contains(page.body, "smtp down") || !strings.Contains(page.body, "dashboard") {
		t.Error("the audit does not say who paused the queue, and why")
	}
	if got := get(t, s.serve(t, guarded(dashboard.Admin&^dashboard.Audit))+"audit/"); got.status != http.StatusForbidden {
		t.Errorf("the audit without the permission: %d", got.status)
	}
	if got := post(t, root+"actions/resume", form); got.status != http.StatusSeeOther {
		t.Fatalf("resume: %d", got.status)
	}
}

// TestArgumentsAreHidden from those who may not see them, wherever they would show.
func TestArgumentsAreHidden(t *testing.T) {
	s := newStage(t)
	const secret = "s3cret-value"
	job, err := work.PerformLater(t.Context(), s.queue, workArgs{secret}, later.Metadata(map[string]any{"m": secret}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("jobs/%d", job.ID)
	if page := get(t, s.serve(t, guarded(dashboard.ReadOnly))+address); !strings.Contains(page.body, secret) {
		t.Fatal("who may see them does not")
	}
	for where, page := range crawl(t, s.serve(t, guarded(dashboard.View))) {
		if strings.Contains(page.body, secret) {
			t.Errorf("%s shows arguments", where)
		}
	}
}

// TestOtherSitesCannotAct: a form of another site is refused, whatever cookie or
// password the browser adds.
func TestOtherSitesCannotAct(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	form := url.Values{"id": {strconv.FormatInt(s.ids[later.StatusFailed], 10)}}
	for _, header := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}},
	} {
		if got := do(t, http.MethodPost, root+"actions/retry", form, header); got.status != http.StatusForbidden {
			t.Errorf("%v: %d", header, got.status)
		}
	}
	if s.status(t, s.ids[later.StatusFailed]) != later.StatusFailed {
		t.Error("another site has changed a job")
	}
	if got := get(t, root+"actions/retry?id=1"); got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed {
		t.Errorf("a link acts: %d", got.status)
	}
}

// TestRedirectsStayHere: a form cannot lead to another site.
func TestRedirectsStayHere(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	for back, want := range map[string]string{
		"jobs/?q=status:failed": "../jobs/?", "": "../?", "https://evil.example/": "../?", "//evil.example": "../?",
		"/etc": "../?", "../../x": "../?", `\\evil.example`: "../?", "javascript:alert(1)": "../?",
	} {
		got := post(t, root+"actions/pause", url.Values{"queue": {"x"}, "back": {back}})
		if location := got.header.Get("Location"); got.status != http.StatusSeeOther || !strings.HasPrefix(location, want) {
			t.Errorf("back to %q: %d, %q", back, got.status, location)
		}
	}
}

// TestForms: what cannot be done is said, and nothing is done.
func TestForms(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	for _, test := range []struct {
		path string
		form url.Values
		want int
	}{
		{"actions/retry", nil, 400}, // it does not mean all
		{"actions/delete", url.Values{"q": {"status:failed"}}, 400},
		{"ops/new", url.Values{"do": {"delete"}, "q": {"status:dead"}}, 400},
		{"ops/new", url.Values{"do": {"fly"}}, 404},
		{"actions/undo-operation", url.Values{"operation": {"x"}}, 400},
		{"actions/undo-operation", url.Values{"operation": {"7777"}}, 404},
		{"actions/retry", url.Values{"id": {"x"}}, 400},
		{"actions/fly", url.Values{"id": {"1"}}, 404},
		{"actions/pause", url.Values{"queue": {""}}, 400},
		{"actions/retry", url.Values{"x": {strings.Repeat("y", 2<<20)}}, 400},
		{"settings/", url.Values{"zone": {"../../etc/passwd"}}, 400},
	} {
		if got := post(t, root+test.path, test.form); got.status != test.want {
			t.Errorf("%s %.60v: %d, want %d: %s", test.path, test.form, got.status, test.want, got.body)
		}
	}
	if s.status(t, s.ids[later.StatusFailed]) != later.StatusFailed {
		t.Error("a job was changed")
	}
}

func TestLoopback(t *testing.T) {
	access := dashboard.Loopback(dashboard.ReadOnly)
	for _, test := range []struct {
		from, host string
		header     http.Header
		in         bool
	}{
		{"127.0.0.1:1", "localhost:8100", nil, true}, {"[::1]:1", "[::1]:8100", nil, true}, {"127.0.0.1:1", "127.0.0.1", nil, true},
		{"[::ffff:127.0.0.1]:1", "localhost", nil, true},
		{"10.0.0.1:1", "localhost", nil, false}, {"127.0.0.1:1", "evil.example:8100", nil, false}, {"127.0.0.1:1", "localhost.evil.example", nil, false},
		{"127.0.0.1:1", "localhost", http.Header{"X-Forwarded-For": {"1.2.3.4"}}, false}, {"127.0.0.1:1", "localhost", http.Header{"Forwarded": {"for=x"}}, false},
		{"", "localhost", nil, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr, r.Host, r.Header = test.from, test.host, test.header
		if r.Header == nil {
			r.Header = http.Header{}
		}
		if _, err := access(r); (err == nil) != test.in {
			t.Errorf("from %s to %s %v: %v", test.from, test.host, test.header, err)
		}
	}
}

func TestBasicAuth(t *testing.T) {
	root := newStage(t).serve(t, dashboard.BasicAuth("ops", "correct horse", dashboard.ReadOnly))
	for _, test := range []struct {
		name, password string
		want           int
	}{{"ops", "correct horse", 200}, {"ops", "wrong", 401}, {"", "", 401}, {"ops\x00correct", " horse", 401}} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.SetBasicAuth(test.name, test.password)
		got := do(t, http.MethodGet, root, nil, r.Header)
		if got.status != test.want || test.want == 401 && got.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q %q: %d", test.name, test.password, got.status)
		}
	}
	if _, err := dashboard.BasicAuth("ops", "", dashboard.Admin)(httptest.NewRequest(http.MethodGet, "/", nil)); err == nil {
		t.Error("an empty password lets everybody in")
	}
}

// TestNoAccessByForgetting: there is no dashboard without an answer to who may see it.
func TestNoAccessByForgetting(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a dashboard for everybody")
		}
	}()
	dashboard.Handler(newStage(t).queue, nil)
}
