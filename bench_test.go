package later_test

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

var noop = later.Define[numberArgs]("NoopJob")

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// BenchmarkEnqueueAll stores jobs with 1,000 a call.
func BenchmarkEnqueueAll(b *testing.B) {
	queue := newQueue(b, later.Config{Logger: quiet()})
	calls := make([]later.Call, 1000)
	b.ResetTimer()
	stored := 0
	for b.Loop() {
		for i := range calls {
			calls[i] = noop.With(numberArgs{int64(i)})
		}
		if _, err := queue.EnqueueAll(b.Context(), calls...); err != nil {
			b.Fatal(err)
		}
		stored += len(calls)
	}
	b.ReportMetric(float64(stored)/b.Elapsed().Seconds(), "jobs/s")
}

// BenchmarkEnqueueOneByOne stores jobs with one a call, from one goroutine and
// from fifty, whose commits are grouped.
func BenchmarkEnqueueOneByOne(b *testing.B) {
	for name, callers := range map[string]int{"1 caller": 1, "50 callers": 50} {
		b.Run(name, func(b *testing.B) {
			queue := newQueue(b, later.Config{Logger: quiet()})
			var left atomic.Int64
			left.Store(int64(b.N))
			b.ResetTimer()
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					for left.Add(-1) >= 0 {
						if _, err := noop.PerformLater(b.Context(), queue, numberArgs{1}); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// BenchmarkPerform performs 100,000 no-op jobs that are stored already, with the
// default settings, and reports the most memory that the process had from the
// system meanwhile.
func BenchmarkPerform(b *testing.B) {
	const jobs = 100_000
	for range b.N {
		b.StopTimer()
		var left atomic.Int64
		left.Store(jobs)
		done := make(chan struct{})
		queue := newQueue(b, later.Config{Logger: quiet()}, noop.Do(func(context.Context, numberArgs) error {
			if left.Add(-1) == 0 {
				close(done)
			}
			return nil
		}))
		fill(b, queue, jobs)
		runtime.GC()
		b.StartTimer()
		if err := queue.Start(b.Context()); err != nil {
			b.Fatal(err)
		}
		<-done
		stop(b, queue)
	}
	b.ReportMetric(jobs*float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
	b.ReportMetric(float64(peakMemory(b))/(1<<20), "MB-peak")
}

func fill(b *testing.B, queue *later.JobQueue, jobs int) {
	b.Helper()
	calls := make([]later.Call, 1000)
	for i := range calls {
		calls[i] = noop.With(numberArgs{int64(i)})
	}
	for range jobs / len(calls) {
		if _, err := queue.EnqueueAll(b.Context(), calls...); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStartLatency measures, on an idle system, the time from the return of
// PerformLater, after its commit, to the start of the handler.
func BenchmarkStartLatency(b *testing.B) {
	started := make(chan time.Time, 1)
	queue := newQueue(b, later.Config{Logger: quiet()}, noop.Do(func(context.Context, numberArgs) error {
		started <- time.Now()
		return nil
	}))
	start(b, queue)
	var latencies []time.Duration
	for range b.N {
		if _, err := noop.PerformLater(b.Context(), queue, numberArgs{1}); err != nil {
			b.Fatal(err)
		}
		stored := time.Now()
		latencies = append(latencies, max(0, (<-started).Sub(stored)))
	}
	reportPercentiles(b, latencies)
}
