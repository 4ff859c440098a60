package recipes

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/sqlite"
)

// opened is an App over a file of its own.
func opened(t *testing.T) *App {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "app.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	for _, table := range []string{
		"CREATE TABLE imports (id INTEGER PRIMARY KEY, pieces_left INTEGER NOT NULL, done INTEGER NOT NULL DEFAULT 0)",
		"CREATE TABLE rows (import INTEGER NOT NULL, text TEXT NOT NULL)",
	} {
		if _, err := store.DB().ExecContext(t.Context(), table); err != nil {
			t.Fatal(err)
		}
	}
	app := &App{Store: store}
	app.Queue = latertest.NewOn(t, store, later.Config{}, app.Handlers()...)
	return app
}

func TestTotal(t *testing.T) {
	app := opened(t)
	if err := app.Queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if total, err := app.Total(ctx, 700, 1200); total != 1900 || err != nil {
		t.Errorf("%d, %v", total, err)
	}
	if _, err := app.Queue.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// TestSync: what becomes of the job is up to what the other side answers.
func TestSync(t *testing.T) {
	for code, want := range map[int]later.JobStatus{
		200: later.StatusCompleted, 429: later.StatusScheduled, 503: later.StatusRetrying, 404: later.StatusFailed,
	} {
		app, keys := opened(t), 0
		erp := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/customers/7" && r.Header.Get("Idempotency-Key") != "" {
				keys++
			}
			w.Header().Set("Retry-After", "120")
			w.WriteHeader(code)
		}))
		app.ERP = erp.URL
		for range 2 { // the second is the first
			if _, err := Sync.PerformLater(t.Context(), app.Queue, SyncArgs{Customer: 7}); err != nil {
				t.Fatal(err)
			}
		}
		latertest.Drain(t, app.Queue)
		erp.Close()
		job := latertest.Performed(t, app.Queue, Sync, latertest.Times(1))[0]
		if job.Status != want || keys != 1 {
			t.Errorf("%d: %s (%s), asked %d times", code, job.Status, job.Error, keys)
		}
		if code == 429 {
			if wait := time.Until(job.NextRunAt); wait < time.Minute || wait > 2*time.Minute || job.Attempt != 0 {
				t.Errorf("again in %v, attempt %d", wait, job.Attempt)
			}
		}
	}
}

func TestForget(t *testing.T) {
	app := opened(t)
	calls := []later.Call{Sync.With(SyncArgs{7}), Sync.With(SyncArgs{8})}
	if _, err := app.Queue.EnqueueAll(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
	if n, err := app.Forget(t.Context(), 7); n != 1 || err != nil {
		t.Errorf("%d cancelled, %v", n, err)
	}
	latertest.Enqueued(t, app.Queue, Sync, latertest.Args(SyncArgs{8}), latertest.Where(func(job latertest.Job[SyncArgs]) bool {
		return job.Status == later.StatusPending
	}))
}

// TestImport: what comes after the pieces comes once, and after the last.
func TestImport(t *testing.T) {
	app := opened(t)
	if err := app.Import(t.Context(), 1, [][]string{{"a", "b"}, {"c"}, {"d"}}); err != nil {
		t.Fatal(err)
	}
	latertest.NotEnqueued(t, app.Queue, ImportDone)
	latertest.Drain(t, app.Queue)
	latertest.Performed(t, app.Queue, ImportPiece, latertest.Times(3))
	latertest.Performed(t, app.Queue, ImportDone, latertest.Times(1))
	var left, done, rows int
	err := app.Store.DB().QueryRowContext(t.Context(),
		"SELECT pieces_left, done, (SELECT count(*) FROM rows) FROM imports WHERE id = 1").Scan(&left, &done, &rows)
	if err != nil || left != 0 || done != 1 || rows != 4 {
		t.Errorf("%d left, done %d, %d rows, %v", left, done, rows, err)
	}
}

func TestDoor(t *testing.T) {
	app := opened(t)
	for _, test := range []struct {
		path, body string
		code       int
		says       string
	}{
		{"/jobs/SyncJob", `{"customer":7}`, 200, `{"id":1}`},
		{"/jobs/SyncJob", `{}`, 422, "/customer is required"},
		{"/jobs/SinkJob", `{}`, 422, `did you mean "SyncJob"`},
		{"/jobs/SyncJob", strings.Repeat(" ", 2<<20), 400, "too large"},
	} {
		answer := httptest.NewRecorder()
		app.Door().ServeHTTP(answer, httptest.NewRequest("POST", test.path, strings.NewReader(test.body)))
		if answer.Code != test.code || !strings.Contains(answer.Body.String(), test.says) {
			t.Errorf("POST %s: %d %s", test.path, answer.Code, answer.Body)
		}
	}
}
