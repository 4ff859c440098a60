package dashboard_test

import (
	"bufio"
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/dashboard"
)

// listen opens the stream of a page and hands over its lines.
func listen(t *testing.T, root string) (lines <-chan string, header http.Header) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, root+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("the stream answers %d", response.StatusCode)
	}
	read := make(chan string, 100)
	go func() {
		defer close(read)
		for scanner := bufio.NewScanner(response.Body); scanner.Scan(); {
			read <- scanner.Text()
		}
	}()
	return read, response.Header
}

// change waits for the next one that the stream tells, and returns its line.
func change(t *testing.T, lines <-chan string) string {
	t.Helper()
	for {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatal("the stream has ended")
			}
			if strings.HasPrefix(line, "data: ") {
				return line
			}
		case <-time.After(20 * time.Second):
			t.Fatal("the stream tells nothing")
		}
	}
}

// TestStreamTellsChanges: of the store, by whomever; and a proxy lets it pass.
func TestStreamTellsChanges(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.View))
	lines, header := listen(t, root)
	if header.Get("Content-Type") != "text/event-stream" || header.Get("X-Accel-Buffering") != "no" || !strings.Contains(header.Get("Cache-Control"), "no-transform") {
		t.Errorf("headers: %v", header)
	}
	last := change(t, lines)
	for range 2 {
		if _, err := results.PerformLater(t.Context(), s.queue, workArgs{}); err != nil {
			t.Fatal(err)
		}
		next := change(t, lines)
		if next == last {
			t.Errorf("told twice: %s", next)
		}
		last = next
	}
	if got := get(t, s.serve(t, guarded(dashboard.Admin&^dashboard.View))+"events"); got.status != http.StatusForbidden {
		t.Errorf("without the permission: %d", got.status)
	}
}

// TestStreamsEndWithTheServer, which does not wait for those who look.
func TestStreamsEndWithTheServer(t *testing.T) {
	s := newStage(t)
	server := httptest.NewServer(dashboard.Handler(s.queue, guarded(dashboard.View)))
	defer server.Close()
	lines, _ := listen(t, server.URL+"/")
	change(t, lines)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := server.Config.Shutdown(ctx); err != nil {
		t.Fatalf("the server waits for its streams: %v", err)
	}
}

// TestNothingNew: who has the page already is told so in a few bytes, until something
// changes.
func TestNothingNew(t *testing.T) {
	s := newStage(t)
	root := s.serve(t, guarded(dashboard.Admin))
	for _, path := range []string{"", "jobs/", "queues/", "schedules/"} {
		again := answer{}
		for range 3 { // the half minute that a page counts as the same may just have ended
			tag := get(t, root+path).header.Get("ETag")
			if again = do(t, http.MethodGet, root+path, nil, http.Header{"If-None-Match": {"W/" + tag}}); again.status == http.StatusNotModified {
				break
			}
		}
		if again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("/%s: %d with %d bytes", path, again.status, len(again.body))
		}
		if _, err := missing.PerformLater(t.Context(), s.queue, workArgs{}); err != nil {
			t.Fatal(err)
		}
		if path == "schedules/" {
			continue
		}
		if now := do(t, http.MethodGet, root+path, nil, http.Header{"If-None-Match": {again.header.Get("ETag")}}); now.status != http.StatusOK {
			t.Errorf("/%s has changed: %d", path, now.status)
		}
	}
}

// TestBehindAProxy that takes a prefix away: pages lead nowhere else, and the stream
// comes through at once.
func TestBehindAProxy(t *testing.T) {
	s := newStage(t)
	inner := httptest.NewServer(dashboard.Handler(s.queue, guarded(dashboard.Admin)))
	t.Cleanup(func() {
		inner.CloseClientConnections()
		inner.Close()
	})
	to, err := url.Parse(inner.URL)
	if err != nil {
		t.Fatal(err)
	}
	outer := httptest.NewServer(http.StripPrefix("/ops/later", &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorLog: log.New(io.Discard, "", 0), // of streams that end
	}))
	t.Cleanup(func() {
		outer.CloseClientConnections()
		outer.Close()
	})
	root := outer.URL + "/ops/later/"
	for address, page := range crawl(t, root) {
		if page.status != http.StatusOK {
			t.Errorf("%s: %d", address, page.status)
		}
	}
	lines, _ := listen(t, root)
	last := change(t, lines)
	if got := post(t, root+"actions/pause", url.Values{"queue": {"a"}, "back": {"queues/"}}); got.status != http.StatusSeeOther || !strings.HasPrefix(got.header.Get("Location"), "../queues/") {
		t.Errorf("%d, %q", got.status, got.header.Get("Location"))
	}
	if next := change(t, lines); next == last {
		t.Errorf("told twice: %s", next)
	}
}
