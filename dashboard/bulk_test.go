package dashboard_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// many enqueues jobs that wait for tomorrow.
func (s *stage) many(t *testing.T, n int) {
	t.Helper()
	calls := make([]later.Call, n)
	for i := range calls {
		calls[i] = results.With(workArgs{strconv.Itoa(i)}, later.Queue("many"), later.In(24*time.Hour))
	}
	if _, err := s.queue.EnqueueAll(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
}

// ended waits for the end of the operation that an answer leads to.
func (s *stage) ended(t *testing.T, begun answer) later.Operation {
	t.Helper()
	id, err := strconv.ParseInt(path.Base(begun.header.Get("Location")), 10, 64)
	if err != nil || begun.status != http.StatusSeeOther {
		t.Fatalf("no operation has begun: %d %v\n%s", begun.status, begun.header, begun.body)
	}
	for deadline := time.Now().Add(time.Minute); ; {
		o, err := s.queue.Operation(t.Context(), id)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("it does not end: %+v, %v", o, err)
		}
		if !o.State.Working() {
			return o
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// TestAllThatMatch: an action on a whole query is asked about first, leaves the others
// alone, can be undone, and all of it is for those who may.
func TestAllThatMatch(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, dashboard.Guarded(dashboard.Admin, func(*http.Request) string { return hostile }))
	form := url.Values{"all": {"yes"}, "q": {"status:failed,cancelled,completed"}, "back": {"jobs/?q=status%3Afailed"}}
	asked := post(t, root+"actions/delete", form)
	page := get(t, root+strings.TrimPrefix(asked.header.Get("Location"), "../"))
	for _, text := range []string{"Delete 3 jobs?", "is removed, with its history", "<i>delete</i> and <i>bulk</i>", `href="../jobs/?q=status%3Afailed"`} {
		if !strings.Contains(page.body, text) {
			t.Errorf("the question does not say %q", text)
		}
	}
	form.Set("do", "delete")
	for _, missing := range []dashboard.Permission{dashboard.Bulk, dashboard.Delete} {
		guarded := s.serve(t, guarded(dashboard.Admin&^missing))
		for _, got := range []answer{post(t, guarded+"actions/delete", form), post(t, guarded+"ops/new", form), get(t, guarded+"ops/new?"+form.Encode())} {
			if got.status != http.StatusForbidden {
				t.Errorf("without permission %b: %d", missing, got.status)
			}
		}
	}
	form.Set("reason", hostile)
	o := s.ended(t, post(t, root+"ops/new", form))
	if o.Changed != 3 || o.State != later.OperationDone || o.Source != later.FromDashboard {
		t.Errorf("deleted: %+v", o)
	}
	s.status(t, s.ids[later.StatusRetrying])
	address := fmt.Sprintf("ops/%d", o.ID)
	for _, path := range []string{"ops/", address, "audit/"} {
		page := get(t, root+path)
		if found := dangers(t, page.body); page.status != http.StatusOK || len(found) > 0 || !strings.Contains(page.body, "&lt;evil&gt;") {
			t.Errorf("/%s: %d, holds %q", path, page.status, found)
		}
	}
	undo := url.Values{"operation": {strconv.FormatInt(o.ID, 10)}, "back": {address}}
	for _, missing := range []dashboard.Permission{dashboard.Bulk, dashboard.Delete} {
		if got := post(t, s.serve(t, guarded(dashboard.Admin&^missing))+"actions/undo-operation", undo); got.status != http.StatusForbidden {
			t.Errorf("undo without permission %b: %d", missing, got.status)
		}
	}
	undone := post(t, root+"actions/undo-operation", undo)
	undone.header.Set("Location", address)
	if o := s.ended(t, undone); o.State != later.OperationUndone || o.Restored != 3 {
		t.Errorf("undone: %+v", o)
	}
	s.status(t, s.ids[later.StatusFailed])
	jobs := get(t, root+"jobs/?q=op:"+strconv.FormatInt(o.ID, 10)) // those that came back
	for status, listed := range map[later.JobStatus]bool{later.StatusFailed: true, later.StatusRetrying: false} {
		if strings.Contains(jobs.body, fmt.Sprintf(`id="j%d"`, s.ids[status])) != listed {
			t.Errorf("the jobs of the operation do not fit: is the %s one there? %v expected", status, listed)
		}
	}
	if got := post(t, root+"actions/undo-operation", undo); got.status != http.StatusConflict {
		t.Errorf("undone twice: %d", got.status)
	}
}

// TestManyJobsNeedAWord: over a hundred, the name of where they are, or their number.
func TestManyJobsNeedAWord(t *testing.T) {
	s := newStage(t)
	s.many(t, 101)
	for _, test := range []struct {
		root, right string
	}{
		{s.serve(t, guarded(dashboard.Admin)), "101"},
		{s.serve(t, guarded(dashboard.Admin), dashboard.Environment("production <1>")), "production <1>"},
	} {
		form := url.Values{"do": {"run"}, "q": {"queue:many"}}
		for _, word := range []string{"", "100", "Production"} {
			form.Set("word", word)
			if got := post(t, test.root+"ops/new", form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "the word is not the one") {
				t.Errorf("the word %q: %d", word, got.status)
			}
		}
		form.Set("word", " "+test.right+" ")
		if o := s.ended(t, post(t, test.root+"ops/new", form)); o.Changed != 101 {
			t.Errorf("the word %q: %+v", test.right, o)
		}
		form = url.Values{"do": {"cancel"}, "q": {"queue:many"}, "word": {test.right}, "reason": {"enough"}}
		o := s.ended(t, post(t, test.root+"ops/new", form))
		if _, err := s.queue.UndoOperation(t.Context(), o.ID); err != nil { // for the next one
			t.Fatal(err)
		}
		s.ended(t, answer{status: http.StatusSeeOther, header: http.Header{"Location": {fmt.Sprint(o.ID)}}})
		if _, err := s.queue.RescheduleAll(t.Context(), later.Filter{Queue: "many"}, time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	root := s.serve(t, guarded(dashboard.Admin))
	if got := post(t, root+"ops/new", url.Values{"do": {"run"}, "q": {"queue:many status:pending,running"}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("nothing fits: %d", got.status)
	}
	var ids []string
	for i := range 101 {
		ids = append(ids, strconv.Itoa(i+1))
	}
	got := post(t, root+"actions/retry", url.Values{"id": ids})
	if !strings.Contains(got.header.Get("Location"), "ops/new?") {
		t.Errorf("101 that are ticked: %d %s", got.status, got.header.Get("Location"))
	}
}

// TestOperationsAsData: what a page shows, and nothing of a query on arguments to those
// who may not see them.
func TestOperationsAsData(t *testing.T) {
	s := newStage(t)
	begun := post(t, s.serve(t, guarded(dashboard.Admin))+"ops/new", url.Values{"do": {"retry"}, "q": {"args.text:fail queue:x status:failed"}})
	if begun.status != http.StatusUnprocessableEntity { // nothing matches
		t.Errorf("%d", begun.status)
	}
	begun = post(t, s.serve(t, guarded(dashboard.Admin))+"ops/new", url.Values{"do": {"retry"}, "q": {"args.text:fail status:failed"}})
	o := s.ended(t, begun)
	for may, want := range map[dashboard.Permission]string{dashboard.ReadOnly: "status:failed args.text:fail", dashboard.View: ""} {
		for _, path := range []string{fmt.Sprintf("ops/%d", o.ID), "ops"} {
			page := get(t, s.serve(t, guarded(may))+path+".json")
			var data struct {
				Query      string
				Jobs       string
				Changed    int64
				State      string
				Operations []json.RawMessage
			}
			err := json.Unmarshal([]byte(page.body), &data)
			if err == nil && len(data.Operations) > 0 {
				err = json.Unmarshal(data.Operations[0], &data)
			}
			if err != nil || data.Query != want || data.Changed != 1 || data.State != "done" || data.Jobs != fmt.Sprintf("op:%d", o.ID) || strings.Contains(page.body, "fail") != (want != "") {
				t.Errorf("%s: %v\n%s", path, err, page.body)
			}
		}
	}
}

// TestOperationInTheBrowser: as a person does it, from the list to the undo.
func TestOperationInTheBrowser(t *testing.T) {
	b, s := newBrowser(t), newStage(t)
	s.many(t, 120)
	root := s.serve(t, guarded(dashboard.Admin))
	b.run(chromedp.EmulateViewport(320, 640)) // the others look at wide pages
	b.open(root + "jobs/?q=queue:many")
	b.click("[data-every]")
	b.until(`document.querySelector("[data-ticked]").textContent === "With all that match"`)
	b.click(`button[formaction$="actions/delete"]`)
	b.until(`document.querySelector("#confirm") && document.activeElement.name === "reason"`)
	b.run(chromedp.KeyEvent(kb.Tab)) // from now on the focus is shown
	if found := eval[string](b, audit); found != "" {
		t.Errorf("the question: %s", found)
	}
	eval[bool](b, `document.querySelector("input[name=word]").focus(), true`)
	b.run(chromedp.KeyEvent("120"))
	b.click("#confirm .choice button")
	b.until(`document.querySelector(".status")?.textContent === "done" && document.querySelector("progress").value === 100`)
	b.run(chromedp.KeyEvent(kb.Tab))
	if found := eval[string](b, audit); found != "" {
		t.Errorf("the operation: %s", found)
	}
	b.click(`button[formaction$="actions/undo-operation"]`)
	b.until(`document.querySelector(".status")?.textContent === "undone" && document.body.innerText.includes("120 of 120")`)
	if jobs, err := s.queue.List(t.Context(), later.Filter{Queue: "many", Limit: 500}); err != nil || len(jobs) != 120 {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.dialogs) > 0 {
		t.Errorf("dialogs: %q", b.dialogs)
	}
}
