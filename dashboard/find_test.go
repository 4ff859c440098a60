package dashboard

import (
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// TestFind: a list starts at a time, suggests what narrows it, and knows about how many
// jobs there are to look at.
func TestFind(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	var records []store.Record
	ids := []int64{3, 4, 90, 91, 1000, 123456}
	first := time.Date(2026, 3, 1, 10, 0, 30, 0, time.UTC)
	for i, id := range ids {
		at := first.Add(time.Duration(i) * time.Hour)
		records = append(records, store.Record{Job: store.Job{ID: id, Type: "Type" + strconv.Itoa(i%2), Queue: "mail", Status: store.Completed, Args: []byte(`{}`), QueuedAt: at, FinishedAt: at}})
	}
	if err := s.Import(t.Context(), records); err != nil {
		t.Fatal(err)
	}
	queue := later.New(s, later.Config{})
	queue.Register(later.Define[struct{}]("Type0", later.Queue("mail")).Do(nil))
	handler := Handler(queue, Guarded(ReadOnly, nil))
	ask := func(path string) (int, string) {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w.Code, w.Body.String()
	}
	for at, want := range map[string][]int64{
		"2026-03-01T09:59": nil, "2026-03-01T10:00": {3}, "2026-03-01T11:59": {3, 4}, "2026-03-01T12:00": {3, 4, 90}, "2026-03-01T14:00:31": {3, 4, 90, 91, 1000},
		"2026-03-01T14:00:30": {3, 4, 90, 91}, "2026-03-01T15:00": ids, "2027-01-01T00:00": ids,
	} {
		code, page := ask("/jobs/?at=" + at)
		for _, id := range ids {
			if listed := strings.Contains(page, `id="j`+strconv.FormatInt(id, 10)+`"`); code != 200 || listed != slices.Contains(want, id) {
				t.Errorf("until %s: %d, job %d is listed: %v", at, code, id, listed)
			}
		}
		if !strings.Contains(page, `name="at" value="`+at+`"`) {
			t.Errorf("until %s: the field does not say so", at)
		}
	}
	if code, _ := ask("/jobs/?at=yesterday"); code != 400 {
		t.Errorf("a time that is none: %d", code)
	}
	if code, page := ask("/jobs/?q=type:Type1&at=2026-03-01T12:00"); code != 200 || !strings.Contains(page, `id="j4"`) || strings.Contains(page, `id="j90"`) {
		t.Errorf("of a type until a time: %d %s", code, page)
	}
	for path, suggested := range map[string][]string{
		"/jobs/": {"status:failed", "type:Type0", "queue:mail"}, "/jobs/?q=status:failed": {"status:failed type:Type0", "status:failed queue:mail"},
	} {
		_, page := ask(path)
		for _, query := range suggested {
			if !strings.Contains(page, `<option value="`+query+`">`) {
				t.Errorf("%s does not suggest %s", path, query)
			}
		}
	}
	if _, page := ask("/jobs/?q=status:failed"); strings.Contains(page, `<option value="status:failed status:`) {
		t.Error("it suggests a second status")
	}
	b := &board{queue: queue}
	for text, want := range map[string]int64{"": 6, "took:>1h": 6, "status:completed took:>1h": 6, "status:failed x": 0, "type:Type1 x": 0, "user:ada x": 0} {
		f, err := later.ParseFilter(text, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		v := &view{board: b, request: httptest.NewRequest("GET", "/", nil)}
		if n, err := b.about(v, f); err != nil || n != want {
			t.Errorf("%q is about %d jobs, %v", text, n, err)
		}
	}
}

func TestRoughly(t *testing.T) {
	for n, want := range map[int64]int64{0: 0, 7: 7, 99: 99, 101: 100, 149_999: 150_000, 900_055: 900_000, 999_999: 1_000_000} {
		if got := roughly(n); got != want {
			t.Errorf("%d is roughly %d, want %d", n, got, want)
		}
	}
}
