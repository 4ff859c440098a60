package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/latertest"
)

type payArgs struct {
	Card   string `json:"card" later:"redact" validate:"min=4"`
	Note   string `json:"note"`
	Amount int64  `json:"amount"`
}

// payStage has a job that waits, with an argument that nobody is shown.
func payStage(t *testing.T) (*stage, later.Job) {
	t.Helper()
	pay := later.Define[payArgs]("PayJob")
	s := &stage{queue: latertest.New(t, later.Config{}, pay.Do(func(context.Context, payArgs) error { return nil }))}
	job, err := pay.PerformIn(t.Context(), s.queue, time.Hour, payArgs{"hunter2", "one\ntwo", 9007199254740993}, later.User("ada"), later.Priority(7))
	if err != nil {
		t.Fatal(err)
	}
	return s, job
}

// TestEditArguments of a job that waits: a new one takes its place, with what is not shown
// as it was, and with everything else.
func TestEditArguments(t *testing.T) {
	s, job := payStage(t)
	root := s.serve(t, dashboard.Guarded(dashboard.Admin, func(*http.Request) string { return "ana" }))
	address := fmt.Sprintf("%sjobs/%d/edit", root, job.ID)
	if page := get(t, fmt.Sprintf("%sjobs/%d", root, job.ID)); !strings.Contains(page.body, fmt.Sprintf(`href="../jobs/%d/edit"`, job.ID)) {
		t.Error("the page of the job does not lead there")
	}
	form := get(t, address)
	for _, want := range []string{`name="arg/card"`, "[redacted]", ">one\ntwo</textarea>", `value="9007199254740993"`} {
		if !strings.Contains(form.body, want) {
			t.Errorf("the form has no %q", want)
		}
	}
	if strings.Contains(form.body, "hunter2") {
		t.Error("the form shows what is redacted")
	}
	typed := url.Values{"mode": {"fields"}, "arg/card": {"[redacted]"}, "arg/note": {"one\r\ntwo"}, "arg/amount": {"9007199254740993"}}
	if got := post(t, address, typed); got.status != http.StatusSeeOther || !strings.Contains(got.header.Get("Location"), "Nothing+was+changed") {
		t.Errorf("as it was: %d to %q", got.status, got.header.Get("Location"))
	}
	for name, wrong := range map[string]url.Values{
		"no number": {"arg/amount": {"12x"}}, "a rule": {"arg/card": {"abc"}}, "no JSON": {"mode": {"raw"}, "args": {`{"note":`}},
	} {
		values := url.Values{"mode": {"fields"}, "arg/card": {"[redacted]"}, "arg/note": {"kept"}, "arg/amount": {"1"}}
		for key, value := range wrong {
			values[key] = value
		}
		got := post(t, address, values)
		if got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, `class="wrong"`) || strings.Contains(got.body, "hunter2") {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if s.status(t, job.ID) != later.StatusScheduled {
		t.Fatal("the job was touched")
	}
	typed.Set("arg/note", "three")
	if got := post(t, address, typed); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	jobs, err := s.queue.List(t.Context(), later.Filter{Type: "PayJob"})
	if err != nil || len(jobs) != 2 {
		t.Fatal(jobs, err)
	}
	if now := jobs[0]; string(now.Args) != `{"amount":9007199254740993,"card":"hunter2","note":"three"}` || now.UserID != "ada" || now.Priority != 7 ||
		!now.NextRunAt.Equal(job.NextRunAt.Truncate(time.Microsecond)) || jobs[1].Status != later.StatusCancelled {
		t.Errorf("%+v %s, %s", now, now.Args, jobs[1].Status)
	}
	entries, err := s.queue.Audit(t.Context(), later.AuditFilter{})
	if err != nil || len(entries) == 0 || entries[0].Person != "ana" || entries[0].Source != later.FromDashboard || !strings.Contains(entries[0].Reason, "edited") {
		t.Errorf("the audit: %+v, %v", entries, err)
	}
	for _, ask := range []func() answer{func() answer { return get(t, address) }, func() answer { return post(t, address, typed) }} {
		if got := ask(); got.status != http.StatusConflict {
			t.Errorf("of a job that does not wait: %d", got.status)
		}
	}
}

// TestEditKeepsWhatFieldsCannotHold: then the form begins with JSON, and turns into fields
// only if nothing is lost.
func TestEditKeepsWhatFieldsCannotHold(t *testing.T) {
	s, _ := payStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	job, err := s.queue.Enqueue(t.Context(), "PayJob", []byte(`{"card":"hunter2","note":"one\r\ntwo","amount":1}`), later.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("%sjobs/%d/edit", root, job.ID)
	if form := get(t, address); !strings.Contains(form.body, `one\r\ntwo`) || !strings.Contains(form.body, `name="mode" value="raw"`) {
		t.Error("the ends of lines would be lost")
	}
	raw := url.Values{"mode": {"raw"}, "show": {"fields"}, "args": {`{"card":"[redacted]","note":"x","amount":2,"more":1}`}}
	if got := post(t, address, raw); !strings.Contains(got.body, "cannot hold all") || !strings.Contains(got.body, `value="raw"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	raw.Set("args", `{"card":"[redacted]","note":"x","amount":2}`)
	if got := post(t, address, raw); !strings.Contains(got.body, `name="arg/note"`) {
		t.Errorf("as fields: %d %s", got.status, got.body)
	}
}

// TestEveryPermissionOfArguments: without one of those that it needs, nobody sees or changes
// the arguments of a job, whatever way they ask.
func TestEveryPermissionOfArguments(t *testing.T) {
	s, job := payStage(t)
	page := fmt.Sprintf("jobs/%d", job.ID)
	typed := url.Values{"mode": {"raw"}, "args": {`{"card":"4711","note":"evil","amount":1}`}}
	for _, missing := range []dashboard.Permission{dashboard.View, dashboard.ViewArgs, dashboard.Enqueue, dashboard.Cancel} {
		root := s.serve(t, guarded(dashboard.Admin&^missing))
		for where, got := range map[string]answer{"form": get(t, root+page+"/edit"), "answer": post(t, root+page+"/edit", typed)} {
			if got.status != http.StatusForbidden || strings.Contains(got.body, "one\ntwo") {
				t.Errorf("the %s without %b: %d", where, missing, got.status)
			}
		}
		if got := get(t, root+page); strings.Contains(got.body, page+"/edit") {
			t.Errorf("without %b the page leads there", missing)
		}
		if got := get(t, root+page+"/args"); (missing&dashboard.ReadOnly != 0) != (got.status == http.StatusForbidden) || strings.Contains(got.body, "hunter2") {
			t.Errorf("the file without %b: %d %s", missing, got.status, got.body)
		}
	}
	if jobs, err := s.queue.List(t.Context(), later.Filter{}); err != nil || len(jobs) != 1 {
		t.Errorf("%v, %v", jobs, err)
	}
	root := s.serve(t, guarded(dashboard.ReadOnly))
	got := get(t, root+page+"/args")
	if got.body != `{"card":"[redacted]","note":"one\ntwo","amount":9007199254740993}` || !strings.HasPrefix(got.header.Get("Content-Disposition"), "attachment") {
		t.Errorf("the file: %v %s", got.header, got.body)
	}
	for path, want := range map[string]int{page + "/result": 404, page + "/metadata": 404, "jobs/77/args": 404, "jobs/x/args": 404, "jobs/77/edit": 403} {
		if got := get(t, root+path); got.status != want {
			t.Errorf("%s: %d, want %d", path, got.status, want)
		}
	}
}

// TestLargeDocuments make no large page: nothing repeats what is a file.
func TestLargeDocuments(t *testing.T) {
	s, _ := payStage(t)
	root := s.serve(t, guarded(dashboard.ReadOnly))
	job, err := s.queue.Enqueue(t.Context(), "PayJob", fmt.Appendf(nil, `{"card":"hunter2","note":%q,"amount":1}`, strings.Repeat("x", 100<<10)), later.In(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if page := get(t, fmt.Sprintf("%sjobs/%d", root, job.ID)); len(page.body) > 100<<10 {
		t.Errorf("%d bytes", len(page.body))
	}
}
