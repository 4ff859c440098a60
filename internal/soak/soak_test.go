package soak

import (
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
)

var (
	length = flag.Duration("soak", 3*time.Second, "how long each store is under load")
	report = flag.String("report", "", "a file to which the report is added, as Markdown")
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestSoakSQLite(t *testing.T)   { soak(t, onSQLite(t)) }
func TestSoakPostgres(t *testing.T) { soak(t, onPostgres(t)) }

// soak puts a store under load and insists that nothing grows. A run of less than two
// minutes is too short to tell: it shows only that the load and the samples work.
func soak(t *testing.T, on subject) {
	before := atStart()
	ctx, stop := context.WithTimeout(t.Context(), *length)
	defer stop()
	l := begin(ctx, t, on)
	samples := watch(ctx, t, on)
	l.finish()
	if l.performed.Load() == 0 || l.pruned.Load() == 0 && *length > time.Minute {
		t.Errorf("%d jobs were performed, %d pruned", l.performed.Load(), l.pruned.Load())
	}
	if hasty := l.hasty.Load(); 10*hasty > l.restarts.Load() {
		t.Errorf("%d of %d stops had no time left to leave the store", hasty, l.restarts.Load())
	}
	var trends []trend
	for _, m := range append(ownMetrics, on.metrics...) {
		trends = append(trends, trendOf(m, samples))
	}
	left := before.stay()
	write(t, words(l, samples, trends, left))
	for _, name := range left {
		t.Errorf("after the end: %s", name)
	}
	if *length < 2*time.Minute {
		return
	}
	for _, one := range trends {
		if !one.flat() {
			t.Error(one)
		}
	}
}

// watch samples until ctx ends: every ten seconds, but a dozen times at least.
func watch(ctx context.Context, t testing.TB, on subject) (samples []sample) {
	t.Helper()
	began := time.Now()
	ticks := time.NewTicker(min(10*time.Second, *length/12))
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return samples
		case <-ticks.C:
		}
		values := map[string]float64{}
		lookAtSelf(values)
		if err := on.look(ctx, values); err != nil {
			if ctx.Err() == nil {
				t.Errorf("look at %s: %v", on.name, err)
			}
			continue
		}
		samples = append(samples, sample{time.Since(began), values})
	}
}

// words is the report.
func words(l *load, samples []sample, trends []trend, left []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s, %v\n\n", l.subject.name, *length)
	fmt.Fprintf(&b, "%s, %d processors, %s. %d jobs enqueued (%.0f a second), %d performings, %d jobs pruned, %d times another process came and went; %d samples, the first quarter left out as warm-up.\n\n",
		runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format(time.DateOnly), l.enqueued.Load(),
		float64(l.enqueued.Load())/length.Seconds(), l.performed.Load(), l.pruned.Load(), l.restarts.Load(), len(samples))
	if held := l.held.Load(); held > 0 {
		fmt.Fprintf(&b, "The machine was too slow for the load: %d batches were left out.\n\n", held)
	}
	if hasty := l.hasty.Load(); hasty > 0 {
		fmt.Fprintf(&b, "So busy was the store that %d of the %d stops had no time left to leave it.\n\n", hasty, l.restarts.Load())
	}
	b.WriteString("| | lowest | median | highest | slope an hour | adds up to | allowed | |\n|---|---|---|---|---|---|---|---|\n")
	for _, one := range trends {
		verdict := "flat"
		if !one.flat() {
			verdict = "**grows**"
		}
		fmt.Fprintf(&b, "| %s%s | %.4g | %.4g | %.4g | %+.3g | %+.3g | %.3g | %s |\n",
			one.name, strings.ReplaceAll(one.unit, " ", ", "), one.low, one.median, one.high, one.perHour, one.growth, one.allowed, verdict)
	}
	b.WriteString("\n")
	for _, one := range trends {
		fmt.Fprintf(&b, "- %v.\n", one)
	}
	if len(left) == 0 {
		left = []string{"no goroutine and no descriptor is left"}
	}
	fmt.Fprintf(&b, "- After the end: %s.\n\n", strings.Join(left, "; "))
	return b.String()
}

// write adds the report to its file, or to the log of the test.
func write(t testing.TB, text string) {
	t.Helper()
	if *report == "" {
		t.Log("\n" + text)
		return
	}
	file, err := os.OpenFile(*report, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		t.Error(err)
	}
}
