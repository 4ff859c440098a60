package dashboard_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

var links = regexp.MustCompile(`(?:href|src)="([^"#]*)[^"]*"`)

// crawl follows every link from the first page and returns each page by its address.
func crawl(t *testing.T, root string) map[string]answer {
	t.Helper()
	pages, waiting := map[string]answer{}, []string{root}
	for len(waiting) > 0 {
		address := waiting[0]
		waiting = waiting[1:]
		if _, seen := pages[address]; seen || len(pages) > 300 {
			continue
		}
		page := get(t, address)
		pages[address] = page
		if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			continue
		}
		from, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range links.FindAllStringSubmatch(page.body, -1) {
			to, err := from.Parse(html.UnescapeString(link[1]))
			if err != nil {
				t.Errorf("%s has the link %q: %v", address, link[1], err)
				continue
			}
			if !strings.HasPrefix(to.String(), root) {
				t.Errorf("%s leads out of the dashboard: %s", address, to)
				continue
			}
			waiting = append(waiting, to.String())
		}
	}
	return pages
}

// dangers are the parts of a page that its policy forbids, or that a stranger has
// written.
func dangers(t *testing.T, body string) (found []string) {
	t.Helper()
	tokens := html.NewTokenizer(strings.NewReader(body))
	script := false
	for {
		switch kind := tokens.Next(); kind {
		case html.ErrorToken:
			return found
		case html.TextToken:
			if script && strings.TrimSpace(string(tokens.Raw())) != "" {
				found = append(found, "a script within the page")
			}
			if text := string(tokens.Text()); strings.Contains(text, "ZgotmplZ") || strings.Contains(text, "<no value>") || strings.Contains(text, "%!") {
				found = append(found, text)
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			script = token.Data == "script"
			if slices.Contains([]string{"evil", "img", "style", "iframe"}, token.Data) {
				found = append(found, token.String())
			}
			for _, a := range token.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || strings.HasPrefix(a.Val, "javascript:") || strings.Contains(a.Val, "ZgotmplZ") {
					found = append(found, token.String())
				}
			}
		case html.EndTagToken:
			script = false
		}
	}
}

// TestEveryPage: whatever people can reach by a link is there, under any path, with
// nothing of what strangers have written run as a part of the page.
func TestEveryPage(t *testing.T) {
	s := newStage(t)
	s.running(t)
	if err := s.queue.Pause(t.Context(), `<evil>"queue`, hostile); err != nil {
		t.Fatal(err)
	}
	root := s.serve(t, dashboard.Guarded(dashboard.Admin, func(*http.Request) string { return hostile }), dashboard.Environment(hostile))
	pages := crawl(t, root)
	for address, page := range pages {
		if page.status != http.StatusOK {
			t.Errorf("%s answers %d", address, page.status)
		}
		if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			continue
		}
		if found := dangers(t, page.body); len(found) > 0 {
			t.Errorf("%s holds %q", address, found)
		}
		if n := strings.Count(page.body, "<h1"); n != 1 {
			t.Errorf("%s has %d headings of the first order", address, n)
		}
	}
	for _, id := range s.ids {
		if _, found := pages[root+"jobs/"+strconv.FormatInt(id, 10)]; !found {
			t.Errorf("no link leads to job %d", id)
		}
	}
	if len(pages) < 25 {
		t.Errorf("only %d pages can be reached", len(pages))
	}
}

// TestHeaders: what protects every answer, also that of a page that is not there.
func TestHeaders(t *testing.T) {
	root := newStage(t).serve(t, guarded(dashboard.Admin))
	for _, path := range []string{"", "jobs/", "nope", "jobs/77777"} {
		h := get(t, root+path).header
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
			"X-Content-Type-Options":  "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Robots-Tag": "noindex",
		} {
			if h.Get(name) != want {
				t.Errorf("/%s: %s: %q", path, name, h.Get(name))
			}
		}
	}
}

// TestJobPage: what is known of a job is on its page, and large numbers are what they
// were.
func TestJobPage(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	if _, err := s.queue.Enqueue(t.Context(), "<evil>Job", []byte(`{"text":"x","n":9007199254740993,"n":1.0}`)); err != nil {
		t.Fatal(err)
	}
	jobs, err := s.queue.List(t.Context(), later.Filter{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for id, wanted := range map[int64][]string{
		s.ids[later.StatusFailed]:    {"Needs you", "It has failed for good, after 1 attempt", "Retry", "Delete"},
		s.ids[later.StatusRetrying]:  {"Attempt 1 of 4 has failed. The next one is due in ", "1 of 4"},
		s.ids["panicked"]:            {"panic: ", "dashboard/stage_test.go:", "of libraries"},
		s.ids[later.StatusScheduled]: {"Its time is in 5", "Run now"},
		s.ids[later.StatusCancelled]: {"It was cancelled"},
		s.ids[later.StatusPending]:   {"No process works on this store"},
		s.ids[later.StatusCompleted]: {"Result", "ResultJob"},
		jobs[0].ID:                   {"&#34;n&#34;: 9007199254740993,", "&#34;n&#34;: 1.0"},
	} {
		page := get(t, fmt.Sprintf("%sjobs/%d", root, id))
		for _, text := range wanted {
			if !strings.Contains(page.body, text) {
				t.Errorf("the page of job %d (%s) does not say %q", id, s.status(t, id), text)
			}
		}
	}
}

// TestJobsPages: a list goes on page by page, without a job twice or left out.
func TestJobsPages(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.ReadOnly))
	calls := make([]later.Call, 120)
	for i := range calls {
		calls[i] = results.With(workArgs{}, later.Queue("many"))
	}
	if _, err := s.queue.EnqueueAll(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
	row, older := regexp.MustCompile(`<tr id="j(\d+)"`), regexp.MustCompile(`href="([^"]*)" rel="next"`)
	seen, address := map[string]bool{}, root+"jobs/?q=queue:many"
	for pages := 1; ; pages++ {
		page := get(t, address)
		for _, match := range row.FindAllStringSubmatch(page.body, -1) {
			if seen[match[1]] {
				t.Errorf("job %s twice", match[1])
			}
			seen[match[1]] = true
		}
		next := older.FindStringSubmatch(page.body)
		if next == nil {
			if pages != 3 {
				t.Errorf("%d pages", pages)
			}
			break
		}
		address = root + "jobs/" + html.UnescapeString(next[1])
	}
	if len(seen) != len(calls) {
		t.Errorf("%d jobs of %d", len(seen), len(calls))
	}
}

// TestWrongAddresses: a clear word, and the right status.
func TestWrongAddresses(t *testing.T) {
	root := newStage(t).serve(t, guarded(dashboard.Admin))
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"jobs/77777":            {404, "Job 77777 is not here"},
		"jobs/x":                {404, "is no id of a job"},
		"jobs/-1":               {404, "is no id of a job"},
		"jobs/?before=x":        {400, "is no id to go on from"},
		"jobs/?q=status:dead":   {200, "there is no status"},
		"jobs/?q=%22open":       {200, "does not end"},
		"jobs/?q=%ff":           {200, "not valid UTF-8"},
		"types/Nope":            {404, "No process has published a type"},
		"somewhere/else":        {404, "There is no page at"},
		"assets/style-0000.css": {404, "not found"},
	} {
		page := get(t, root+path)
		if page.status != want.status || !strings.Contains(page.body, want.text) {
			t.Errorf("/%s: %d, want %d with %q", path, page.status, want.status, want.text)
		}
	}
}

// TestFirstLoadIsSmall: a page with everything it needs, compressed as a server in
// front does it.
func TestFirstLoadIsSmall(t *testing.T) {
	s := newStage(t)
	calls := make([]later.Call, 100)
	for i := range calls {
		calls[i] = results.With(workArgs{fmt.Sprintf("user%d@example.com", i)})
	}
	if _, err := s.queue.EnqueueAll(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
	root := s.serve(t, guarded(dashboard.Admin))
	page := get(t, root+"jobs/")
	total, requests := zipped(t, page.body), 1
	for _, link := range links.FindAllStringSubmatch(page.body, -1) {
		if strings.Contains(link[1], "assets/") && !strings.Contains(link[1], "icons") || requests == 1 && strings.Contains(link[1], "icons") {
			file := get(t, root+strings.TrimPrefix(link[1], "../"))
			if file.status != http.StatusOK {
				t.Fatalf("%s: %d", link[1], file.status)
			}
			total += zipped(t, file.body)
			requests++
		}
	}
	t.Logf("%d bytes in %d requests", total, requests)
	if total > 32<<10 {
		t.Errorf("the first load takes %d bytes", total)
	}
}

func zipped(t *testing.T, text string) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}

// TestJobsFollowTheirList: who opens a job from a list goes on to the next of that list,
// and learns nothing by asking for lists.
func TestJobsFollowTheirList(t *testing.T) {
	s := newStage(t)
	root, blind := s.serve(t, guarded(dashboard.Admin)), s.serve(t, guarded(dashboard.View))
	failed, retrying := s.ids[later.StatusFailed], s.ids[later.StatusRetrying]
	list := "?q=" + url.QueryEscape("status:failed,retrying -text:nonsense")
	if page := html.UnescapeString(get(t, root+"jobs/"+list).body); !strings.Contains(page, fmt.Sprintf(`href="../jobs/%d%s"`, failed, list)) {
		t.Error("the list does not name itself")
	}
	job := fmt.Sprintf("jobs/%d%s", failed, list)
	newer := fmt.Sprintf(`href="%d%s" rel="prev"`, retrying, list)
	page := html.UnescapeString(get(t, root+job).body)
	for _, want := range []string{newer, `href="../jobs/` + list + `">Jobs</a>`, `href="?level=WARN&q=`} {
		if !strings.Contains(page, want) {
			t.Errorf("the job does not have %s", want)
		}
	}
	if page := get(t, blind+job); page.status != http.StatusOK || strings.Contains(html.UnescapeString(page.body), newer) {
		t.Errorf("whoever may not see arguments can ask for them: %d", page.status)
	}
}

// TestNamesInJSON are written as in the rest of it.
func TestNamesInJSON(t *testing.T) {
	s := newStage(t)
	s.running(t)
	root := s.serve(t, guarded(dashboard.Admin))
	var walk func(path string, data any)
	walk = func(path string, data any) {
		switch data := data.(type) {
		case map[string]any:
			for name, value := range data {
				if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
					t.Errorf("%s.%s", path, name)
				}
				walk(path+"."+name, value)
			}
		case []any:
			for _, value := range data {
				walk(path+"[]", value)
			}
		}
	}
	failed, err := s.queue.Get(t.Context(), s.ids[later.StatusFailed])
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{
		"index", "jobs", "errors", "queues", "types", "schedules", "processes", "audit", "ops", "settings", "jobs/1", "jobs/1/why", "jobs/new",
		"errors/" + failed.Cause.String(), "queues/nobody", "types/ResultJob",
	} {
		page := get(t, root+path+".json")
		var data any
		if err := json.Unmarshal([]byte(page.body), &data); err != nil || page.status != http.StatusOK {
			t.Errorf("%s: %d, %v", path, page.status, err)
		}
		walk(path, data)
	}
}
