package dashboard_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/sqlite"
)

// hangHere is what the stack has to show.
func hangHere(until chan struct{}) { <-until }

// TestStackAndDrainByForms: without JavaScript somebody sees where a job hangs, and lets
// its process drain and resume.
func TestStackAndDrainByForms(t *testing.T) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	queue := later.New(store, later.Config{Logger: slog.New(slog.DiscardHandler)})
	until, began := make(chan struct{}), make(chan struct{})
	hang := later.Define[struct{}]("HangJob")
	queue.Register(hang.Do(func(context.Context, struct{}) error { close(began); hangHere(until); return nil }))
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(until); queue.Stop(context.Background()) })
	job, err := hang.PerformLater(t.Context(), queue, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	<-began
	server := httptest.NewServer(dashboard.Handler(queue, dashboard.Guarded(dashboard.Admin, nil)))
	t.Cleanup(server.Close)
	process := fmt.Sprint(queue.Status().ProcessID)
	page := get(t, server.URL+"/processes/"+process).body
	for _, text := range []string{"HangJob", "Stack now", "Drain"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page of the process does not say %q", text)
		}
	}
	if stack := submit(t, server.URL, "stack", url.Values{"id": {fmt.Sprint(job.ID)}}); !strings.Contains(stack, "hangHere") {
		t.Errorf("the stack is not on\n%s", stack)
	}
	submit(t, server.URL, "drain-process", url.Values{"process": {process}})
	if !queue.Status().Draining {
		t.Error("it does not drain")
	}
	for end := time.Now().Add(20 * time.Second); !strings.Contains(get(t, server.URL+"/processes/"+process).body, "draining"); <-time.After(20 * time.Millisecond) {
		if time.Now().After(end) { // the next heartbeat tells
			t.Fatal("its page does not say that it drains")
		}
	}
	if waits, _ := hang.PerformLater(t.Context(), queue, struct{}{}); !strings.Contains(get(t, fmt.Sprintf("%s/jobs/%d/why", server.URL, waits.ID)).body, "L110") {
		t.Error("why does not say that the process drains")
	}
	submit(t, server.URL, "resume-process", url.Values{"process": {process}})
	if queue.Status().Draining {
		t.Error("it does not resume")
	}
}

// submit posts a form and follows to the page with the answer, as the Refresh header asks.
func submit(t *testing.T, root, verb string, form url.Values) string {
	t.Helper()
	answer, err := http.PostForm(root+"/actions/"+verb, form)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	address := answer.Request.URL.String()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", verb, answer.Status)
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); <-time.After(20 * time.Millisecond) {
		if page := get(t, address).body; strings.Contains(page, "Answered") {
			return page
		}
	}
	t.Fatalf("%s: no answer", verb)
	return ""
}
