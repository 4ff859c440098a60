package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

func TestEveryPromiseHolds(t *testing.T) {
	var out bytes.Buffer
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "demo.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	report, err := Run(t.Context(), Options{Store: store, Headless: true, For: time.Minute, Out: &out, JSON: true})
	if err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !report.OK || report.Mails != 2 || report.Counts[later.StatusFailed] != 1 || report.Counts[later.StatusCancelled] != 1 || report.Counts[later.StatusScheduled] != 1 {
		t.Errorf("report: %+v", report)
	}
	var printed Report
	if err := json.Unmarshal(out.Bytes(), &printed); err != nil || len(printed.Jobs) != len(report.Jobs) {
		t.Errorf("printed %v: %s", err, out.String())
	}
	stats, err := later.New(store, later.Config{}).Stats(t.Context())
	if err != nil || stats.Counts[later.StatusCompleted] != int64(report.Counts[later.StatusCompleted]) {
		t.Errorf("the store that was played on: %+v, %v", stats, err)
	}
}

func TestBrokenPromiseIsAnError(t *testing.T) {
	var out bytes.Buffer
	_, err := Run(t.Context(), Options{Headless: true, For: time.Millisecond, Out: &out})
	if err == nil || !strings.Contains(err.Error(), "promised") {
		t.Errorf("after a millisecond: %v", err)
	}
}

// TestSomethingToSee: while somebody watches, the dashboard has a problem that a person
// has to see to, and the mails are in the inbox.
func TestSomethingToSee(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := &written{}
	ended := make(chan error, 1)
	go func() {
		_, err := Run(ctx, Options{Out: out})
		ended <- err
	}()
	address := regexp.MustCompile(`the dashboard is at (\S+)`)
	for page, wants := range map[string][]string{
		"":                      {"archive", "Needs attention"},
		"help/demo.md":          {"What to try"},
		"jobs/?q=type:OrderJob": {"OrderJob"},
		"jobs/?q=type:StubbornJob%20status:running": {"StubbornJob"},
		"mail/":      {"Welcome, Ada", "it is good to have you here."},
		"schedules/": {"Weekdays at 09:00 Europe/Berlin"},
		"jobs/?q=type:WebhookJob%20status:completed": {"WebhookJob"},
	} {
		for {
			if at := address.FindStringSubmatch(out.String()); at != nil && shows(ctx, at[1]+page, wants) {
				break
			}
			if ctx.Err() != nil {
				t.Fatalf("/%s never shows %q\n%s", page, wants, out.String())
			}
			pause := time.NewTimer(20 * time.Millisecond)
			<-pause.C
		}
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func shows(ctx context.Context, address string, wants []string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	for _, want := range wants {
		if !strings.Contains(string(body), want) {
			return false
		}
	}
	return err == nil
}

// written is what one goroutine has printed, for another.
type written struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.Write(p)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.out.String()
}
