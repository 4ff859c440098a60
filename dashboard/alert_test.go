package dashboard

import (
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

// TestLink: it leads to the same place from every page.
func TestLink(t *testing.T) {
	handler := Handler(latertest.New(t, later.Config{}), Guarded(Admin, nil), Link("Mail", "mail/"), Link("<Logs>", "https://logs.example.com/?a=1&b=2"))
	for page, mail := range map[string]string{"/": "./mail/", "/jobs/": "../mail/"} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest("GET", page, nil))
		for _, want := range []string{`<a href="` + mail + `">Mail</a>`, `<a href="https://logs.example.com/?a=1&amp;b=2">&lt;Logs&gt;</a>`} {
			if !strings.Contains(answer.Body.String(), want) {
				t.Errorf("%s has no %s", page, want)
			}
		}
	}
}

// TestAlert: every page shows it as text while there is one, and open pages are told.
func TestAlert(t *testing.T) {
	var text atomic.Value
	text.Store("")
	queue := latertest.New(t, later.Config{})
	handler := Handler(queue, Guarded(Admin, nil), Alert(func() string { return text.Load().(string) }))
	b := &board{queue: queue, alert: func() string { return text.Load().(string) }}
	before, err := b.revision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"", "<b>broken</b> & so on"} {
		text.Store(want)
		for _, page := range []string{"/", "/jobs/", "/queues/", "/nowhere"} {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequest("GET", page, nil))
			body := answer.Body.String()
			if strings.Contains(body, `role="alert"`) != (want != "") || strings.Contains(body, "<b>broken") || want != "" && !strings.Contains(body, "&lt;b&gt;broken&lt;/b&gt; &amp; so on") {
				t.Errorf("%s with the alert %q:\n%s", page, want, body)
			}
		}
	}
	if after, err := b.revision(t.Context()); err != nil || after == before {
		t.Errorf("the revision is still %q, %v", after, err)
	}
}
