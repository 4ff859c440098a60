package postgres_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
)

// server starts a server that keeps its promises, with memory enough that the disk
// is asked for commits only.
func server(b *testing.B) string {
	return pgtest.Start(b, "shared_buffers=512MB", "max_wal_size=4GB").URL()
}

func quiet() later.Config { return later.Config{Logger: slog.New(slog.DiscardHandler)} }

func fill(b *testing.B, queue *later.JobQueue, jobs int) {
	b.Helper()
	calls := make([]later.Call, 1000)
	for i := range calls {
		calls[i] = numberJob.With(numberArgs{int64(i)})
	}
	for range jobs / len(calls) {
		if _, err := queue.EnqueueAll(b.Context(), calls...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEnqueueAll stores jobs with 1,000 a call.
func BenchmarkEnqueueAll(b *testing.B) {
	queue := newQueue(b, open(b, server(b)), quiet())
	b.ResetTimer()
	stored := 0
	for b.Loop() {
		fill(b, queue, 1000)
		stored += 1000
	}
	b.ReportMetric(float64(stored)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkEnqueueOneByOne stores jobs with one a call, from one goroutine and from
// fifty, whose commits are grouped.
func BenchmarkEnqueueOneByOne(b *testing.B) {
	for name, callers := range map[string]int{"1 caller": 1, "50 callers": 50} {
		b.Run(name, func(b *testing.B) {
			queue := newQueue(b, open(b, server(b)), quiet())
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						enqueue(b, queue, 1)
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// BenchmarkPerform performs 100,000 no-op jobs that are stored already, with the
// default settings.
func BenchmarkPerform(b *testing.B) {
	const jobs = 100_000
	for range b.N {
		b.StopTimer()
		var left atomic.Int64
		left.Store(jobs)
		done := make(chan struct{})
		queue := newQueue(b, open(b, server(b)), quiet(), numberJob.Do(func(context.Context, numberArgs) error {
			if left.Add(-1) == 0 {
				close(done)
			}
			return nil
		}))
		fill(b, queue, jobs)
		b.StartTimer()
		if err := queue.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		<-done
		if _, err := queue.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(jobs*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkStartLatency measures, on an idle system, the time from the return of
// PerformLater, after its commit, to the start of the handler.
func BenchmarkStartLatency(b *testing.B) {
	started := make(chan time.Time, 1)
	queue := newQueue(b, open(b, server(b)), quiet(), numberJob.Do(func(context.Context, numberArgs) error {
		started <- time.Now()
		return nil
	}))
	start(b, queue)
	var total time.Duration
	for range b.N {
		enqueue(b, queue, 1)
		stored := time.Now()
		total += max(0, (<-started).Sub(stored))
	}
	b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs/start")
}
