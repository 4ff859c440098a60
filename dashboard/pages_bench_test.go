package dashboard_test

import (
	"cmp"
	"context"
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

// BenchmarkPages measures pages of the dashboard over many jobs, on both stores: what each
// page takes on average, and (most-ms) at most. Nobody has looked before: what the
// dashboard keeps for a moment is read each time.
//
//	LATER_BENCH_JOBS=1000000 go test -run '^$' -bench Pages -benchtime 5x ./dashboard
//
// To fill is most of the time. LATER_BENCH_SQLITE names a file, LATER_BENCH_POSTGRES an URL
// of a database, that are filled the first time and kept.
func BenchmarkPages(b *testing.B) {
	jobs, _ := strconv.Atoi(os.Getenv("LATER_BENCH_JOBS"))
	if jobs == 0 {
		jobs = 20_000
	}
	b.Run("sqlite", func(b *testing.B) {
		s, err := sqlite.Open(cmp.Or(os.Getenv("LATER_BENCH_SQLITE"), filepath.Join(b.TempDir(), "jobs.db")))
		if err != nil {
			b.Fatal(err)
		}
		benchPages(b, s, jobs)
	})
	b.Run("postgres", func(b *testing.B) {
		url := os.Getenv("LATER_BENCH_POSTGRES")
		if url == "" {
			url = pgtest.Start(b).URL()
		}
		s, err := postgres.Open(b.Context(), url)
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
	fillPages(b, s, jobs)
	access := dashboard.Guarded(dashboard.Admin, func(*http.Request) string { return "" })
	for _, page := range benchedPages(b, s, jobs) {
		b.Run(page, func(b *testing.B) {
			most := time.Duration(0)
			for b.Loop() {
				handler := dashboard.Handler(later.New(s, later.Config{}), access)
				w, started := httptest.NewRecorder(), time.Now()
				if handler.ServeHTTP(w, httptest.NewRequest("GET", page, nil)); w.Code != http.StatusOK {
					b.Fatalf("%d %.300s", w.Code, w.Body)
				}
				most = max(most, time.Since(started))
			}
			b.ReportMetric(float64(most.Microseconds())/1000, "most-ms")
		})
	}
}

// benchedPages are all kinds of pages, and of questions.
func benchedPages(b *testing.B, s store.Store, jobs int) []string {
	half := strconv.Itoa(jobs / 2)
	pages := []string{
		"/", "/?range=24h", "/?range=30d", "/jobs/", "/jobs/?q=status:failed", "/jobs/?q=status:completed", "/jobs/?q=status:pending", "/jobs/?q=type:Type3",
		"/jobs/?q=user:user77", "/jobs/?q=status:failed+type:Type3", "/jobs/?q=status:completed+type:Rare", "/jobs/?q=queue:queue2",
		"/jobs/?q=-tag:vip+priority:>3", "/jobs/?q=took:>30s", "/jobs/?q=args.user_id:77", "/jobs/?q=args.order.id:o-nowhere",
		"/jobs/?q=args.user_id:>99999999", "/jobs/?q=error:nowhere", "/jobs/?q=nowhere", "/jobs/?q=queued:2020-01-01", "/jobs/?before=" + half,
		"/jobs/" + half, "/jobs/" + half + "/why", "/jobs/20", "/jobs/21", "/jobs/new?type=Type3", "/ops/new?do=retry&q=status:failed+type:Type3", "/ops/new?do=delete&q=nowhere",
		"/errors/", "/errors/?show=all", "/errors/?show=muted", "/errors/?q=nowhere", "/queues/", "/queues/queue1", "/types/", "/types/Type3", "/types/Type3?range=30d",
		"/schedules/", "/schedules/schedule7", "/processes/", "/ops/", "/audit/", "/settings/",
	}
	causes, err := s.Causes(b.Context(), store.CauseFilter{Failed: true, Limit: 1}, time.Time{})
	if err == nil && len(causes) > 0 {
		pages = append(pages, "/errors/"+causes[0].ID.String(), "/jobs/?q=cause:"+causes[0].ID.String(), "/ops/new?do=retry&q=cause:"+causes[0].ID.String())
	}
	processes, err := s.Processes(b.Context())
	if err == nil && len(processes) > 0 {
		pages = append(pages, "/processes/"+strconv.FormatInt(processes[0].ID, 10))
	}
	operations, err := s.Operations(b.Context(), store.OperationFilter{})
	if err == nil && len(operations) > 0 {
		pages = append(pages, "/ops/"+strconv.FormatInt(operations[0].ID, 10))
	}
	return pages
}
