package dashboard_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

type address struct {
	City string `json:"city" validate:"required"`
}

type orderArgs struct {
	Email   string    `json:"email" validate:"required,email"`
	Amount  int64     `json:"amount" validate:"min=1"`
	Rate    float64   `json:"rate"`
	Express bool      `json:"express"`
	Kind    string    `json:"kind" validate:"oneof=new again"`
	Due     time.Time `json:"due"`
	Lines   []string  `json:"lines"`
	To      address   `json:"to"`
}

var order = later.Define[orderArgs]("OrderJob")

// orderStage has the type published.
func orderStage(t *testing.T) *stage {
	s := newStage(t)
	s.queue.Register(order.Do(func(context.Context, orderArgs) error { return nil }))
	s.running(t) // publishes
	return s
}

func orderForm() url.Values {
	return url.Values{
		"type": {"OrderJob"}, "mode": {"fields"}, "arg/email": {"ada@example.com"}, "arg/amount": {"9007199254740993"}, "arg/rate": {"0.50"},
		"arg/express": {"true"}, "arg/kind": {"again"}, "arg/due": {"2026-12-24T18:00:00Z"}, "arg/lines": {`["a", "b"]`}, "arg/to/city": {`Köln <"1">`},
		"queue": {"orders"}, "priority": {"7"}, "at": {"2126-12-24T18:00"}, "user": {"ada"}, "target": {"order/9"}, "tags": {"vip, eu"},
	}
}

// TestEnqueueForm: what is typed is what is stored, to the digit.
func TestEnqueueForm(t *testing.T) {
	s := orderStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	form := get(t, root+"jobs/new?type=OrderJob")
	for _, want := range []string{`name="arg/email"`, `name="arg/to/city"`, `<option>again</option>`, `name="arg/lines"`} {
		if !strings.Contains(form.body, want) {
			t.Errorf("the form has no %s", want)
		}
	}
	got := post(t, root+"jobs/new", orderForm())
	if got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "../jobs/") {
		t.Fatalf("%d to %q: %s", got.status, got.header.Get("Location"), got.body)
	}
	jobs, err := s.queue.List(t.Context(), later.Filter{Type: "OrderJob"})
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	job := jobs[0]
	const want = `{"email":"ada@example.com","amount":9007199254740993,"rate":0.50,"express":true,"kind":"again","due":"2026-12-24T18:00:00Z","lines":["a", "b"],"to":{"city":"Köln <\"1\">"}}`
	if string(job.Args) != want {
		t.Errorf("stored %s", job.Args)
	}
	if job.Queue != "orders" || job.Priority != 7 || job.UserID != "ada" || job.TargetID != "order/9" || len(job.Tags) != 2 || job.ScheduledAt.Year() != 2126 {
		t.Errorf("%+v", job)
	}
	again := get(t, root+"jobs/new?from="+strconv.FormatInt(job.ID, 10))
	for _, want := range []string{`value="9007199254740993"`, "Köln &lt;&#34;1&#34;&gt;", `value="orders"`, `value="vip, eu"`} {
		if !strings.Contains(again.body, want) {
			t.Errorf("the copy has no %s", want)
		}
	}
}

// TestEnqueueFormSaysWhatIsWrong, at the field, and loses nothing.
func TestEnqueueFormSaysWhatIsWrong(t *testing.T) {
	s := orderStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	for name, test := range map[string]struct {
		field, value string
		wanted       []string
	}{
		"a rule":      {"arg/email", "nobody", []string{`id="earg/email"`, "nobody"}},
		"no number":   {"arg/amount", "12x", []string{`id="earg/amount"`, "is not a whole number", "12x"}},
		"no JSON":     {"arg/lines", `["a"`, []string{`id="earg/lines"`, "is not JSON"}},
		"an option":   {"priority", "high", []string{`role="alert"`, "no whole number"}},
		"not a time":  {"at", "soon", []string{`role="alert"`, "is no time"}},
		"of a nested": {"arg/to/city", "", []string{`id="earg/to/city"`}},
	} {
		form := orderForm()
		form.Set(test.field, test.value)
		got := post(t, root+"jobs/new", form)
		if got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", name, got.status)
		}
		for _, text := range append(test.wanted, "order/9", "vip, eu") {
			if !strings.Contains(got.body, text) {
				t.Errorf("%s: the form does not say %q", name, text)
			}
		}
	}
	form := orderForm()
	form.Set("show", "raw")
	raw := post(t, root+"jobs/new", form)
	if raw.status != http.StatusOK || !strings.Contains(raw.body, "9007199254740993") || !strings.Contains(raw.body, `name="args"`) {
		t.Errorf("as JSON: %d", raw.status)
	}
	form = url.Values{"type": {"OrderJob"}, "mode": {"raw"}, "args": {`{"email":"x"`}}
	if got := post(t, root+"jobs/new", form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "{&#34;email&#34;:&#34;x&#34;") {
		t.Errorf("broken JSON: %d", got.status)
	}
	if jobs, err := s.queue.List(t.Context(), later.Filter{Type: "OrderJob"}); err != nil || len(jobs) > 0 {
		t.Errorf("something was stored: %v, %v", jobs, err)
	}
	for _, may := range []dashboard.Permission{dashboard.Admin &^ dashboard.Enqueue, dashboard.Admin &^ dashboard.View} {
		if got := post(t, s.serve(t, guarded(may))+"jobs/new", orderForm()); got.status != http.StatusForbidden {
			t.Errorf("with %b: %d", may, got.status)
		}
	}
	if got := get(t, s.serve(t, guarded(dashboard.View|dashboard.Enqueue))+"jobs/new?from=1"); got.status != http.StatusForbidden {
		t.Errorf("a copy shows arguments to whoever may not see them: %d", got.status)
	}
}

// TestNamesInAddresses: whatever a queue is called, its page can be reached.
func TestNamesInAddresses(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	for _, name := range []string{"a/b", "a b", "a.json", "ü%2F", "x?y#z", "..", "a/../b"} {
		if _, err := results.PerformLater(t.Context(), s.queue, workArgs{}, later.Queue(name)); err != nil {
			t.Fatal(err)
		}
	}
	pages := crawl(t, root)
	for _, name := range []string{"a/b", "a b", "a.json", "ü%2F", "x?y#z", "a/../b"} {
		found := false
		for address, page := range pages {
			if strings.Contains(address, "/queues/") && page.status == http.StatusOK && strings.Contains(page.body, "<h1>"+strings.NewReplacer("&", "&amp;").Replace(name)+"</h1>") {
				found = true
			}
		}
		if !found {
			t.Errorf("no page of the queue %q", name)
		}
	}
	for address, page := range pages {
		if page.status != http.StatusOK {
			t.Errorf("%s: %d", address, page.status)
		}
	}
}

func TestStatus(t *testing.T) {
	s := newStage(t)
	handler := dashboard.Status(s.queue)
	server := newServer(t, handler)
	var report struct {
		Running bool
		Counts  map[string]int
	}
	for _, of := range []answer{get(t, server+"/x.json"), do(t, http.MethodGet, server, nil, http.Header{"Accept": {"application/json, */*"}})} {
		if err := json.Unmarshal([]byte(of.body), &report); err != nil || report.Running || report.Counts["scheduled"] != 1 {
			t.Errorf("%v: %s", err, of.body)
		}
	}
	if page := get(t, server); !strings.Contains(page.body, `data-status="scheduled">1 scheduled<`) || strings.Contains(page.body, "0 ") || strings.Contains(page.body, "evil") {
		t.Errorf("%s", page.body)
	}
	s.running(t)
	if page := get(t, server); !strings.Contains(page.body, `data-running="true"`) || !strings.Contains(page.body, "1 running") {
		t.Errorf("%s", page.body)
	}
	if got := post(t, server, nil); got.status != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.status)
	}
}

// TestJSON: every page has its data, with the same rights and the same status.
func TestJSON(t *testing.T) {
	s := newStage(t)
	s.running(t)
	const secret = "s3cret-value"
	job, err := results.PerformLater(t.Context(), s.queue, workArgs{secret}, later.Metadata(map[string]any{"m": secret}))
	if err != nil {
		t.Fatal(err)
	}
	see, none := s.serve(t, guarded(dashboard.ReadOnly)), s.serve(t, guarded(dashboard.View))
	id := strconv.FormatInt(job.ID, 10)
	for path, want := range map[string]string{
		"index.json": `"counts":`, "jobs.json?q=type:ResultJob": `"jobs":[{"id":`, "jobs/" + id + ".json": `"type":"ResultJob"`, "queues.json": `"queues":[`,
		"queues/nobody.json": `"name":"nobody"`, "types.json": `"types":[`, "types/ResultJob.json": `"name":"ResultJob"`, "schedules.json": `"rule":"0 2 * * *"`,
		"schedules/%3Cevil%3Enightly.json": `"next":[`, "processes.json": `"processes":[`,
	} {
		for _, root := range []string{see, none} {
			got := get(t, root+path)
			if !json.Valid([]byte(got.body)) || got.status != http.StatusOK || got.header.Get("Content-Type") != "application/json" || !strings.Contains(got.body, want) {
				t.Errorf("%s: %d %.300s", path, got.status, got.body)
			}
			if root == none && strings.Contains(got.body, secret) {
				t.Errorf("%s shows arguments to whoever may not see them", path)
			}
		}
	}
	if got := get(t, see+"jobs/"+id+".json"); !strings.Contains(got.body, secret) {
		t.Error("who may see the arguments does not")
	}
	for path, want := range map[string]int{"jobs/77777.json": 404, "nope.json": 404, "jobs.json?before=x": 400} {
		if got := get(t, see+path); got.status != want || !strings.Contains(got.body, `{"error":{"text":`) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := get(t, s.serve(t, guarded(dashboard.Admin&^dashboard.View))+"jobs.json"); got.status != http.StatusForbidden {
		t.Errorf("without View: %d", got.status)
	}
}
