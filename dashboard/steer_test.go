package dashboard_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// TestPauseAll: every queue that is known, and those that were paused before keep their
// reason.
func TestPauseAll(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	if err := s.queue.Pause(t.Context(), "nobody", "before"); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"every": {"yes"}, "reason": {"emergency"}, "back": {"queues/"}}
	if got := post(t, s.serve(t, guarded(dashboard.Admin&^dashboard.Pause))+"actions/pause", form); got.status != http.StatusForbidden {
		t.Errorf("without the permission: %d", got.status)
	}
	paused := func() (n int, reasons string) {
		stats, err := s.queue.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range stats.Queues {
			if !q.PausedAt.IsZero() {
				n, reasons = n+1, reasons+q.Name+": "+q.PauseReason+"\n"
			}
		}
		return n, reasons
	}
	if got := post(t, root+"actions/pause", form); got.status != http.StatusSeeOther {
		t.Fatalf("pause: %d %s", got.status, got.body)
	}
	if n, reasons := paused(); n < 2 || !strings.Contains(reasons, "nobody: before") || strings.Count(reasons, ": emergency") != n-1 {
		t.Errorf("%d paused: %s", n, reasons)
	}
	if got := post(t, root+"actions/resume", form); got.status != http.StatusSeeOther {
		t.Fatalf("resume: %d", got.status)
	}
	if n, reasons := paused(); n != 0 {
		t.Errorf("still paused: %s", reasons)
	}
}

// TestRowMenu: it is about its row, whatever is ticked, and has what fits.
func TestRowMenu(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	failed, retrying := s.ids[later.StatusFailed], s.ids[later.StatusRetrying]
	page := get(t, root+"jobs/").body
	for verb, fits := range map[string]bool{"retry": true, "delete": true, "cancel": false, "run": false} {
		if strings.Contains(page, fmt.Sprintf(`name="only" value="%d" formaction="../actions/%s"`, failed, verb)) != fits {
			t.Errorf("the menu of a failed job has %s: %v", verb, !fits)
		}
	}
	form := url.Values{"only": {strconv.FormatInt(failed, 10)}, "id": {strconv.FormatInt(retrying, 10)}, "all": {"yes"}, "q": {"status:retrying"}, "back": {"jobs/"}}
	if got := post(t, root+"actions/retry", form); got.status != http.StatusSeeOther || !strings.Contains(got.header.Get("Location"), "Retried+1+job") {
		t.Errorf("%d %v", got.status, got.header)
	}
	if s.status(t, failed) != later.StatusPending || s.status(t, retrying) != later.StatusRetrying {
		t.Errorf("they are %s and %s", s.status(t, failed), s.status(t, retrying))
	}
}

// TestEmptyAQueue asks for its name, whatever the number of jobs, and leaves what runs.
func TestEmptyAQueue(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	link := regexp.MustCompile(`href="\.\./(ops/new\?[^"]*do=delete[^"]*)"`).FindStringSubmatch(get(t, root+"queues/nobody").body)
	if link == nil {
		t.Fatal("the page of a queue does not lead to the question")
	}
	address := html.UnescapeString(link[1])
	if page := get(t, root+address); !strings.Contains(page.body, "Empty the queue nobody: delete 1 job?") || !strings.Contains(page.body, "<code>nobody</code> to go on") {
		t.Errorf("it asks %s", page.body)
	}
	asked, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	form := asked.Query()
	if got := post(t, root+"ops/new", form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "data-still") {
		t.Errorf("without the name: %d", got.status)
	}
	form.Set("word", "nobody")
	if o := s.ended(t, post(t, root+"ops/new", form)); o.Changed != 1 {
		t.Errorf("%+v", o)
	}
}

// TestEditSchedule: its rule and its arguments, with what is wrong told and nothing lost.
func TestEditSchedule(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, dashboard.Guarded(dashboard.Admin, func(*http.Request) string { return "ana" }))
	address := "schedules/" + url.PathEscape(scheduled) + "/edit"
	page := get(t, root+address)
	if page.status != http.StatusOK || !strings.Contains(page.body, `name="rule" value="0 2 * * *"`) || !strings.Contains(page.body, `value="Europe/Berlin"`) || len(dangers(t, page.body)) > 0 {
		t.Fatalf("%d %s", page.status, page.body)
	}
	for _, missing := range []dashboard.Permission{dashboard.Enqueue, dashboard.View} {
		if got := post(t, s.serve(t, guarded(dashboard.Admin&^missing))+address, url.Values{"rule": {"@daily"}}); got.status != http.StatusForbidden {
			t.Errorf("without permission %b: %d", missing, got.status)
		}
	}
	for _, wrong := range []url.Values{
		{"rule": {"0 25 * * *"}, "args": {`{"text":"x"}`}}, {"rule": {"@daily"}, "zone": {"Nowhere/Land"}, "args": {`{"text":"x"}`}},
		{"rule": {""}, "args": {`{"text":"x"}`}}, {"rule": {"@daily"}, "args": {`{"text":7,"kept":"as typed"}`}}, {"rule": {"@daily"}, "args": {"}"}},
	} {
		if got := post(t, root+address, wrong); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, html.EscapeString(wrong.Get("args"))) || !strings.Contains(got.body, `role="alert"`) {
			t.Errorf("%v: %d %s", wrong, got.status, got.body)
		}
	}
	if got := post(t, root+address, url.Values{"rule": {"15 3 * * *"}, "zone": {"UTC"}, "args": {`{"text":"other"}`}}); got.status != http.StatusSeeOther {
		t.Fatalf("%d %s", got.status, got.body)
	}
	all, err := s.queue.Schedules(t.Context())
	if err != nil || len(all) != 1 || all[0].Rule != "15 3 * * *" || all[0].Zone != "UTC" || string(all[0].Args) != `{"text":"other"}` || all[0].Queue != `<evil>"queue` {
		t.Errorf("%+v, %v", all, err)
	}
	if page := get(t, root+"audit/?kind=schedule&person=ana"); !strings.Contains(page.body, "Daily at 02:00 Europe/Berlin, ") || !strings.Contains(page.body, "Daily at 03:15 UTC, ") {
		t.Errorf("the audit does not say what it was, and what it is: %s", page.body)
	}
}

// TestNewerPages: a list is walked back as it came.
func TestNewerPages(t *testing.T) {
	s := newStage(t)
	s.many(t, 160)
	root := s.serve(t, guarded(dashboard.ReadOnly))
	link := func(page, rel string) string {
		found := regexp.MustCompile(`href="([^"]*)" rel="` + rel + `"`).FindStringSubmatch(page)
		if found == nil {
			return ""
		}
		return root + "jobs/" + html.UnescapeString(found[1])
	}
	rows := func(page string) string {
		return strings.Join(regexp.MustCompile(`<tr id="j(\d+)"`).FindAllString(page, -1), "")
	}
	address, seen := root+"jobs/?q=queue:many", []string{}
	for range 3 {
		page := get(t, address).body
		seen, address = append(seen, rows(page)), link(page, "next")
	}
	page := get(t, address).body
	for i := 2; i >= 0; i-- {
		page = get(t, link(page, "prev")).body
		if rows(page) != seen[i] {
			t.Errorf("back on page %d are other jobs", i+1)
		}
	}
	if again := link(page, "prev"); again != "" {
		t.Errorf("the first page leads back, to %s", again)
	}
}

// TestProxyHeader: a name is believed from the proxy only, and one name only.
func TestProxyHeader(t *testing.T) {
	may := func(name string) dashboard.Permission {
		if name == "root" {
			return dashboard.Admin
		}
		return dashboard.ReadOnly
	}
	access := dashboard.ProxyHeader("X-Forwarded-User", may, netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("::1/128"))
	for _, test := range []struct {
		from  string
		names []string
		want  string
	}{
		{"10.0.0.9:1234", []string{"ada"}, "ada"}, {"[::ffff:10.0.0.9]:1234", []string{"root"}, "root"}, {"[::1]:1", []string{"ada"}, "ada"},
		{"10.0.1.9:1234", []string{"root"}, ""}, {"10.0.0.9:1234", nil, ""}, {"10.0.0.9:1234", []string{""}, ""}, {"10.0.0.9:1234", []string{"root", "ada"}, ""}, {"@", []string{"root"}, ""},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = test.from
		r.Header["X-Forwarded-User"] = test.names
		user, err := access(r)
		if user.Name != test.want || (err == nil) != (test.want != "") || err == nil && user.May != may(test.want) {
			t.Errorf("%+v: %+v, %v", test, user, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("everybody may set the header")
		}
	}()
	dashboard.ProxyHeader("X-Forwarded-User", may)
}

// TestHands: a row opens where it is clicked, buttons fit what is ticked, the query field
// suggests the next term, a chart tells what is under the pointer, and a time its zones.
func TestHands(t *testing.T) {
	b, s := newBrowser(t), newStage(t)
	s.running(t)
	root := s.serve(t, guarded(dashboard.Admin), dashboard.EnvironmentColor("red"))
	failed := strconv.FormatInt(s.ids[later.StatusFailed], 10)
	b.open(root + "jobs/")
	b.click("#j" + failed + " input")
	b.until(`document.querySelector('.bulk [formaction$="cancel"]').disabled && !document.querySelector('.bulk [formaction$="retry"]').disabled`)
	if why := eval[string](b, `document.querySelector('.bulk [formaction$="cancel"]').title`); !strings.Contains(why, "none of the ticked jobs is scheduled or pending") {
		t.Errorf("the button says %q", why)
	}
	if found := eval[string](b, `(() => { const field = document.querySelector(".query input"); field.value = "status:failed ty"; field.dispatchEvent(new Event("input"));
		return [...field.list.options].map((o) => o.value).join("\n") })()`); !strings.Contains(found, "\nstatus:failed type:ResultJob\n") || !strings.Contains(found, "status:failed args.text:") {
		t.Errorf("suggested:\n%s", found)
	}
	b.click("#j" + failed + " td.queue")
	b.until(`location.pathname.endsWith("/jobs/` + failed + `")`)
	title := eval[string](b, `(() => { const time = document.querySelector(".facts time"); time.dispatchEvent(new PointerEvent("pointerover", { bubbles: true })); return time.title })()`)
	if !strings.Contains(title, " UTC\n") || !strings.Contains(title, "where you are") {
		t.Errorf("the time says %q", title)
	}
	b.open(root + "schedules/")
	title = eval[string](b, `(() => { const time = document.querySelector("tr time[data-as=until]"); time.dispatchEvent(new PointerEvent("pointerover", { bubbles: true })); return time.title })()`)
	if !strings.Contains(title, "02:00:00 Europe/Berlin, of the schedule") {
		t.Errorf("the time of a schedule says %q", title)
	}
	b.open(root)
	tip := eval[string](b, `(() => { const at = document.querySelector(".chart svg"), box = at?.getBoundingClientRect(); if (!at) return "no chart";
		at.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: box.right - 2, clientY: box.top + 40 }));
		const tip = document.querySelector(".tip"), shown = tip?.getBoundingClientRect(); return tip && shown.top >= box.top && shown.right <= box.right ? tip.innerText : "misplaced" })()`)
	if !regexp.MustCompile(`^\d\d:\d\d\n\d+ completed\n\d+ retried\n\d+ failed`).MatchString(tip) && tip != "no chart" {
		t.Errorf("the chart says %q", tip)
	}
	if line := eval[string](b, `getComputedStyle(document.querySelector(".top")).borderTopWidth`); line != "3px" {
		t.Errorf("the line of the environment is %s wide", line)
	}
	defer func() {
		if fmt.Sprint(recover()) == "<nil>" {
			t.Error("any color is taken")
		}
	}()
	dashboard.EnvironmentColor("url(x)")
}
