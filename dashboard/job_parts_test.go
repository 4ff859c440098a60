package dashboard

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

// TestFolded: what is deep inside is folded, and nothing is lost or moved.
func TestFolded(t *testing.T) {
	raw := []byte(`{"a":{"b":{"c":{"d":[1,2,{"e":9007199254740993}],"f":"}"},"g":[]}},"h":[[[["i"]]]],"j":1}`)
	d := render(raw)
	var whole strings.Builder
	var words []string
	for _, p := range d.Parts {
		if whole.WriteString(p.Text); p.Fold != nil {
			words = append(words, p.Fold.Words)
			whole.WriteString("\n" + p.Fold.Text + "\n")
		}
	}
	if whole.String() != d.Text || !strings.Contains(d.Text, "9007199254740993") {
		t.Errorf("the parts are not the whole:\n%s\n%s", whole.String(), d.Text)
	}
	if strings.Join(words, ", ") != "2 values, 1 value" {
		t.Errorf("folded: %q", words)
	}
	for _, plain := range []string{``, `1`, `[]`, `{"a":{"b":[1]}}`, `broken`} {
		if d := render([]byte(plain)); len(d.Parts) > 1 || len(d.Parts) == 1 && d.Parts[0].Text != d.Text {
			t.Errorf("%s: %+v", plain, d.Parts)
		}
	}
}

// TestWholeDocuments: what is too long for a page is a file, for those who may see it.
func TestWholeDocuments(t *testing.T) {
	type letter struct {
		Text   string `json:"text"`
		Secret string `json:"secret" later:"redact"`
	}
	write := later.Define[letter]("LetterJob")
	queue := latertest.New(t, later.Config{}, write.Do(func(context.Context, letter) error { return nil }))
	if _, err := write.PerformLater(t.Context(), queue, letter{strings.Repeat("x", shownBytes), "hunter2"}); err != nil {
		t.Fatal(err)
	}
	trace := JobLink("Trace", func(j later.Job) string { return "https://traces.example/?q=" + string(j.Args[:min(len(j.Args), 9)]) })
	ask := func(may Permission, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		Handler(queue, Guarded(may, nil), trace, JobLink("None", func(later.Job) string { return "" }), JobLink("Bad", func(later.Job) string { return "javascript:alert(1)" })).
			ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	page := ask(ReadOnly, "/jobs/1").Body.String()
	for _, want := range []string{`<a href="../jobs/1/args">All of it</a>`, "Only the beginning of 64.0 KiB", `">Trace</a>`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(page, ">None<") || strings.Contains(page, "javascript:alert") {
		t.Error("a link leads nowhere, or runs something")
	}
	if page := ask(View, "/jobs/1").Body.String(); strings.Contains(page, "text") && strings.Contains(page, "q={%22text") || !strings.Contains(page, ">Trace</a>") {
		t.Error("a link tells arguments to whoever may not see them")
	}
	whole := ask(ReadOnly, "/jobs/1/args")
	if whole.Code != 200 || whole.Body.Len() < shownBytes || strings.Contains(whole.Body.String(), "hunter2") || whole.Header().Get("Content-Type") != "application/json" ||
		whole.Header().Get("Content-Disposition") != `attachment; filename="job-1-args.json"` {
		t.Errorf("%d, %d bytes, %v", whole.Code, whole.Body.Len(), whole.Header())
	}
	for path, want := range map[string]int{"/jobs/1/result": 404, "/jobs/2/args": 404, "/jobs/x/args": 404} {
		if got := ask(ReadOnly, path); got.Code != want {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := ask(View, "/jobs/1/args"); got.Code != 403 || !strings.Contains(got.Body.String(), "view arguments") {
		t.Errorf("without the permission: %d", got.Code)
	}
}
