package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/laterjobs/later/sqlite"
)

// TestPages: what Prometheus, a probe and an autoscaler read over HTTP.
func TestPages(t *testing.T) {
	s, err := sqlite.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	queue, pages, err := worker(s)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(pages)
	defer server.Close()
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer queue.Stop(t.Context())
	for _, name := range []string{"Ada", "Grace", "nobody"} {
		job, err := greet.PerformLater(t.Context(), queue, greetArgs{name})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := queue.Wait(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string][]string{
		"/metrics": {
			"# TYPE later_jobs_enqueued_total counter", `later_jobs_enqueued_total{later_job_type="GreetJob",later_queue="default",`,
			`later_outcome="completed"`, `later_outcome="failed"`, "later_job_run_duration_seconds_bucket{", "later_job_wait_duration_seconds_count{",
			"later_slots_max{", "later_claim_size_bucket{", "later_completion_duration_seconds_sum{", "# TYPE later_slots_used gauge",
		},
		"/healthz": {`"ok": true`, `"working": true`, `"reasons": []`},
		"/latency": {`"latency_seconds": 0`, `"pending": 0`},
	} {
		body := get(t, server.URL+path)
		for _, text := range want {
			if !strings.Contains(body, text) {
				t.Errorf("%s lacks %q:\n%s", path, text, body)
			}
		}
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", url, response.Status, err, body)
	}
	return string(body)
}
