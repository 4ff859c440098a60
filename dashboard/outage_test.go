package dashboard

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
)

// TestOutage: the page says what has happened and what it may be, and comes back by itself,
// also without JavaScript; but not where it is the answer to a form.
func TestOutage(t *testing.T) {
	queue := latertest.New(t, later.Config{})
	b := &board{queue: queue, access: Guarded(Admin, nil), alert: noAlert}
	for method, refresh := range map[string]string{"GET": "5", "POST": ""} {
		w := httptest.NewRecorder()
		b.fail(w, httptest.NewRequest(method, "/jobs/", nil), fmt.Errorf("list jobs: %w: dial tcp 10.0.0.7:5432: connection refused", later.ErrUnavailable))
		page := w.Body.String()
		for _, want := range []string{"The store cannot be reached", "10.0.0.7:5432", "What it may be", "max_connections"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page does not say %q", method, want)
			}
		}
		if w.Code != 503 || w.Header().Get("Refresh") != refresh || strings.Contains(page, "data-still") != (refresh == "") {
			t.Errorf("%s: %d, refresh %q", method, w.Code, w.Header().Get("Refresh"))
		}
	}
	w := httptest.NewRecorder()
	b.fail(w, httptest.NewRequest("GET", "/jobs/", nil), later.ErrNotFound)
	if strings.Contains(w.Body.String(), "What it may be") || w.Header().Get("Refresh") != "" {
		t.Error("what is not there comes back as well")
	}
}
