package dashboard_test

import (
	"context"
	"errors"
	"io"
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

// hostile is text that a careless page runs, or that takes it apart.
const hostile = `<evil>'"&amp;{{.}}</evil><script>alert("x")</script><img src=x onerror=alert(1)>` + "\u202e"

type workArgs struct {
	Text string `json:"text"`
}

// work has a hostile name: everything that a stranger can write is shown somewhere.
var (
	work    = later.Define[workArgs]("<evil>Job", later.Queue(`<evil>"queue`), later.Description(hostile), later.Fixed(time.Hour))
	results = later.DefineResult[workArgs, workArgs]("ResultJob")
	missing = later.Define[workArgs]("MissingJob", later.Queue("nobody"))
)

// scheduled is the name of a schedule.
const scheduled = "<evil>nightly"

// stage is a dashboard over jobs in every status.
type stage struct {
	queue *later.JobQueue
	ids   map[later.JobStatus]int64
	says  chan int // how many lines the job that runs logs next
}

// newStage fills a store with the help of a JobQueue that works; it has stopped when
// newStage returns, but for one job that still runs.
func newStage(t *testing.T) *stage {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := &stage{ids: map[later.JobStatus]int64{}, says: make(chan int)}
	s.queue = later.New(store, later.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil)), Version: hostile})
	s.queue.Register(
		work.Do(func(ctx context.Context, args workArgs) error {
			job := later.Running(ctx)
			job.Logger.Warn(hostile, "key", hostile)
			job.Progress(1, 4, hostile)
			switch args.Text {
			case "panic":
				panic(hostile)
			case "fail":
				return later.Discard(errors.New(hostile))
			case "retry":
				return errors.New(hostile)
			case "run":
				for {
					select {
					case lines := <-s.says:
						for range lines {
							job.Logger.Info(hostile)
						}
					case <-ctx.Done():
						return ctx.Err()
					}
				}
			}
			return nil
		}),
		results.Do(func(context.Context, workArgs) (workArgs, error) { return workArgs{hostile}, nil }),
	)
	ctx, options := t.Context(), []later.CallOption{later.Tags(hostile[:40]), later.User("<evil>ada"), later.Target("<evil>7"), later.Metadata(map[string]any{"m": hostile})}
	enqueue := func(status later.JobStatus, args string, more ...later.CallOption) {
		t.Helper()
		job, err := work.PerformLater(ctx, s.queue, workArgs{args}, append(options, more...)...)
		if err != nil {
			t.Fatal(err)
		}
		s.ids[status] = job.ID
	}
	enqueue(later.StatusFailed, "fail")
	enqueue(later.StatusRetrying, "retry")
	enqueue("panicked", "panic")
	enqueue(later.StatusScheduled, hostile, later.In(time.Hour))
	enqueue(later.StatusCancelled, hostile, later.In(time.Hour))
	if err := s.queue.Cancel(ctx, s.ids[later.StatusCancelled], hostile); err != nil {
		t.Fatal(err)
	}
	done, err := results.PerformLater(ctx, s.queue, workArgs{hostile}, options...)
	if err != nil {
		t.Fatal(err)
	}
	s.ids[later.StatusCompleted] = done.ID
	if _, err := s.queue.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.SaveSchedule(ctx, scheduled, later.Cron("0 2 * * *", "Europe/Berlin"), work.With(workArgs{hostile})); err != nil {
		t.Fatal(err)
	}
	pending, err := missing.PerformLater(ctx, s.queue, workArgs{hostile}, options...)
	if err != nil {
		t.Fatal(err)
	}
	s.ids[later.StatusPending] = pending.ID
	return s
}

// running starts the JobQueue with a job that runs until the test ends.
func (s *stage) running(t *testing.T) {
	t.Helper()
	if err := s.queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_, _ = s.queue.Stop(ctx)
	})
	job, err := work.PerformLater(t.Context(), s.queue, workArgs{"run"})
	if err != nil {
		t.Fatal(err)
	}
	s.ids[later.StatusRunning] = job.ID
	for s.status(t, job.ID) != later.StatusRunning {
		time.Sleep(5 * time.Millisecond)
	}
}

func (s *stage) status(t *testing.T, id int64) later.JobStatus {
	t.Helper()
	job, err := s.queue.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return job.Status
}

// serve mounts the dashboard below a prefix, as a program does.
func (s *stage) serve(t *testing.T, access dashboard.Access, opts ...dashboard.Option) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/admin/jobs/", http.StripPrefix("/admin/jobs", dashboard.Handler(s.queue, access, opts...)))
	server := httptest.NewServer(mux)
	t.Cleanup(func() {
		server.CloseClientConnections() // a browser's stream would hold it
		server.Close()
	})
	return server.URL + "/admin/jobs/"
}

func guarded(may dashboard.Permission) dashboard.Access { return dashboard.Guarded(may, nil) }

// answer is what came back.
type answer struct {
	status int
	body   string
	header http.Header
}

func get(t *testing.T, address string) answer {
	t.Helper()
	return do(t, http.MethodGet, address, nil, nil)
}

func post(t *testing.T, address string, form url.Values) answer {
	t.Helper()
	return do(t, http.MethodPost, address, form, nil)
}

func do(t *testing.T, method, address string, form url.Values, header http.Header) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		request.Header[name] = values
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, string(body), response.Header}
}

func newServer(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}
