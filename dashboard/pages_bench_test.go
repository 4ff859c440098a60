package dashboard_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// BenchmarkPages measures pages of the dashboard over many jobs, on both stores:
//
//	LATER_BENCH_JOBS=1000000 go test -run '^$' -bench Pages -benchtime 5x ./dashboard
func BenchmarkPages(b *testing.B) {
	jobs, _ := strconv.Atoi(os.Getenv("LATER_BENCH_JOBS"))
	if jobs == 0 {
		jobs = 20_000
	}
	b.Run("sqlite", func(b *testing.B) {
		s, err := sqlite.Open(filepath.Join(b.TempDir(), "jobs.db"))
		if err != nil {
			b.Fatal(err)
		}
		benchPages(b, s, jobs)
	})
	b.Run("postgres", func(b *testing.B) {
		s, err := postgres.Open(b.Context(), pgtest.Start(b).URL())
		if err != nil {
			b.Fatal(err)
		}
		benchPages(b, s, jobs)
	})
}

func benchPages(b *testing.B, s store.Store, jobs int) {
	ctx := context.Background()
	b.Cleanup(func() { s.Close() })
	if err := s.Migrate(ctx); err != nil {
		b.Fatal(err)
	}
	started := time.Now()
	fillPages(b, s, jobs)
	b.Logf("filled with %d jobs in %v", jobs, time.Since(started).Round(time.Second))
	queue := later.New(s, later.Config{})
	handler := dashboard.Handler(queue, dashboard.Guarded(dashboard.ReadOnly, func(*http.Request) string { return "" }))
	for _, page := range []string{
		"/", "/jobs/", "/jobs/?q=status:failed", "/jobs/?q=status:completed", "/jobs/?q=status:pending", "/jobs/?q=type:Type3", "/jobs/?q=user:user77",
		"/jobs/?q=status:failed+type:Type3", "/jobs/?q=status:completed+type:Rare", "/jobs/?q=queue:queue2", "/jobs/?q=-tag:vip+priority:>3", "/jobs/?q=took:>30s",
		"/jobs/?q=args.user_id:77", "/jobs/?q=args.order.id:o-nowhere", "/jobs/?q=args.user_id:>99999999", "/jobs/?q=error:nowhere", "/jobs/?q=nowhere",
		"/jobs/?q=queued:2020-01-01", "/jobs/?before=" + strconv.Itoa(jobs/2), "/jobs/" + strconv.Itoa(jobs/2), "/queues/", "/types/", "/schedules/",
	} {
		b.Run(page, func(b *testing.B) {
			for b.Loop() {
				w := httptest.NewRecorder()
				if handler.ServeHTTP(w, httptest.NewRequest("GET", page, nil)); w.Code != http.StatusOK {
					b.Fatalf("%d %.300s", w.Code, w.Body)
				}
			}
		})
	}
}

// fillPages imports jobs of ten types, five queues, every status, with users, tags,
// arguments and failures. Most have completed.
func fillPages(b *testing.B, s store.Store, jobs int) {
	const batch = 5000
	now := time.Now().Add(-time.Hour)
	for first := 1; first <= jobs; first += batch {
		var records []store.Record
		for id := first; id < first+batch && id <= jobs; id++ {
			records = append(records, pageRecord(id, jobs, now))
		}
		if err := s.Import(context.Background(), records); err != nil {
			b.Fatal(err)
		}
	}
}

func pageRecord(id, jobs int, now time.Time) store.Record {
	at := now.Add(time.Duration(id-jobs) * 100 * time.Millisecond)
	job := store.Job{
		ID: int64(id), Type: "Type" + strconv.Itoa(id%10), Queue: "queue" + strconv.Itoa(id%5), Status: store.Completed, Priority: id % 5, QueuedAt: at,
		Args:   fmt.Appendf(nil, `{"user_id":%d,"order":{"id":"o-%d"},"text":"a letter to somebody, of some length, number %d"}`, id%5000, id, id),
		UserID: "user" + strconv.Itoa(id%5000), Tags: []string{"eu"}, MaxRetries: 5, Attempt: 1, StartedAt: at.Add(time.Second), FinishedAt: at.Add(2 * time.Second),
	}
	if id%9999 == 0 {
		job.Type = "Rare"
	}
	record := store.Record{Job: job}
	j := &record.Job
	switch {
	case id%20 == 0:
		j.Status, j.Error, j.Attempt = store.Failed, "connection refused by host "+strconv.Itoa(id%100), 6
		record.Attempts = []store.Attempt{{JobID: j.ID, Number: 6, Outcome: store.AttemptFailed, StartedAt: j.StartedAt, FinishedAt: j.FinishedAt, Error: j.Error}}
	case id%10 == 1:
		j.Status, j.Attempt, j.StartedAt, j.FinishedAt = store.Pending, 0, time.Time{}, time.Time{}
	case id%50 == 2:
		j.Status, j.FinishedAt, j.NextRunAt = store.Retrying, time.Time{}, time.Now().Add(time.Hour)
		record.Attempts = []store.Attempt{{JobID: j.ID, Number: 1, Outcome: store.AttemptRetried, StartedAt: j.StartedAt, FinishedAt: at.Add(time.Second), Error: "try later"}}
	case id%50 == 3:
		j.Status, j.Attempt, j.StartedAt, j.FinishedAt, j.NextRunAt = store.Scheduled, 0, time.Time{}, time.Time{}, time.Now().Add(time.Hour)
	}
	return record
}
