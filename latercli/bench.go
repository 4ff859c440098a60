package latercli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// bench is the flags of bench, and what it measures.
type bench struct {
	jobs, callers, concurrency, payload int
	mix                                 []string // of benchMix

	queue     *later.JobQueue
	completed atomic.Int64
	started   chan time.Time // of the jobs whose latency is measured
	all       chan struct{}  // closed when as many as expected are completed
	expected  int64
}

type benchArgs struct {
	Latency bool   `json:"latency,omitempty"`
	Payload string `json:"payload,omitempty"`
}

var benchJob = later.Define[benchArgs]("BenchJob", later.NotRetryable())

// benchReport is what bench prints.
type benchReport struct {
	Store       string        `json:"store"`
	Version     string        `json:"version"`
	Go          string        `json:"go"`
	Machine     string        `json:"machine"`
	Jobs        int           `json:"jobs"`
	Callers     int           `json:"callers"`
	Concurrency int           `json:"concurrency"`
	Payload     int           `json:"payload"`            // bytes
	OneByOne    float64       `json:"enqueue_one_by_one"` // jobs a second; 0: not measured
	Bulk        float64       `json:"enqueue_bulk"`
	Drain       float64       `json:"perform"`
	P50         time.Duration `json:"start_p50"` // nanoseconds from enqueue to start, idle
	P95         time.Duration `json:"start_p95"`
	P99         time.Duration `json:"start_p99"`
	CPU         time.Duration `json:"cpu_per_1000"`           // processor time of this program for 1,000 jobs, nanoseconds; 0: not known
	Disk        int64         `json:"disk_per_job,omitempty"` // bytes of a file, its log included
}

func (a *app) benchCommand() *cobra.Command {
	b := bench{jobs: 20_000, callers: 8, concurrency: 50, payload: 100, mix: benchMix}
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure what this machine and store can do",
		Long: "Measures how many jobs a second are enqueued and performed, and how soon an enqueued job starts. It works in a\n" +
			"file or a schema that it makes and removes, and touches nothing else: --db names a file that does not exist,\n" +
			"or a PostgreSQL database, where it makes a schema of its own. Without --db it makes a temporary file.",
		Example: "  later bench\n  later bench --db postgres://ada@host/jobs --jobs 100k --payload 1k -o json\n  later bench --mix latency",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.jobs < 100 || b.callers < 1 || b.concurrency < 1 || b.payload < 0 || b.payload > 1<<19 {
				return usagef("choose --jobs of 100 or more, --callers and --concurrency of 1 or more, --payload of 0 to %d", 1<<19)
			}
			for _, part := range b.mix {
				if !slices.Contains(benchMix, part) {
					return usagef("--mix %q: choose some of %s", part, strings.Join(benchMix, ", "))
				}
			}
			return a.bench(cmd.Context(), &b, cmd.Flags().Changed("db"))
		},
	}
	cmd.Flags().Var((*manyValue)(&b.jobs), "jobs", "how many jobs are enqueued and performed, such as 100k")
	cmd.Flags().IntVar(&b.callers, "callers", b.callers, "how many enqueue one by one at the same time")
	cmd.Flags().IntVar(&b.concurrency, "concurrency", b.concurrency, "jobs performed at once")
	cmd.Flags().Var((*manyValue)(&b.payload), "payload", "bytes of arguments of each job, such as 1k")
	cmd.Flags().StringSliceVar(&b.mix, "mix", b.mix, "what is measured: some of enqueue, process, latency")
	return cmd
}

// benchMix is what can be measured. To process, jobs are enqueued, measured or not.
var benchMix = []string{"enqueue", "process", "latency"}

// manyValue is a flag that takes a number, also in thousands or millions: 100k, 2m.
type manyValue int

func (v *manyValue) Set(s string) error {
	number, factor := strings.ToLower(s), 1
	for unit, times := range map[string]int{"k": 1000, "m": 1_000_000} {
		if rest, found := strings.CutSuffix(number, unit); found {
			number, factor = rest, times
			break
		}
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n > math.MaxInt32/factor {
		return fmt.Errorf("%q is no number: write 500, 100k or 2m", s)
	}
	*v = manyValue(n * factor)
	return nil
}

func (v *manyValue) String() string { return strconv.Itoa(int(*v)) }
func (v *manyValue) Type() string   { return "number" }

func (a *app) bench(ctx context.Context, b *bench, given bool) (err error) {
	at, remove, err := a.benchStore(given)
	if err != nil {
		return err
	}
	store, err := at.Create(ctx, true)
	if err != nil {
		return errors.Join(err, remove())
	}
	defer func() { err = errors.Join(err, store.Close(), remove()) }()
	b.started, b.all = make(chan time.Time, 1), make(chan struct{})
	b.queue = later.New(store, later.Config{Concurrency: b.concurrency, Logger: slog.New(slog.DiscardHandler)})
	b.queue.Register(benchJob.Do(b.handle))
	report := benchReport{
		Store: at.String(), Version: version(), Go: runtime.Version(), Machine: fmt.Sprintf("%s/%s, %d CPUs", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		Jobs: b.jobs, Callers: b.callers, Concurrency: b.concurrency, Payload: b.payload,
	}
	began := processorTime()
	if err := b.measure(ctx, &report); err != nil {
		return err
	}
	if !slices.Equal(b.mix, []string{"latency"}) { // of which there are few
		report.CPU = (processorTime() - began) * 1000 / time.Duration(b.jobs)
		report.Disk = fileSize(at.String()) / int64(b.jobs)
	}
	return a.printBench(report)
}

// benchStore is a store that does not exist, and how to remove it.
func (a *app) benchStore(given bool) (at Address, remove func() error, err error) {
	if !given {
		folder, err := os.MkdirTemp("", "later-bench-")
		if err != nil {
			return nil, nil, err
		}
		remove = func() error { return os.RemoveAll(folder) }
		at, err = a.program.At(filepath.Join(folder, "bench.db"), "", "db")
		return at, remove, err
	}
	if isURL(a.db) {
		if a.schema != "" {
			return nil, nil, usagef("--schema %q: bench makes a schema of its own", a.schema)
		}
		at, err = a.program.At(a.db, fmt.Sprintf("later_bench_%d_%d", os.Getpid(), time.Now().UnixNano()), "db")
		return at, func() error { return at.MigrateTo(context.Background(), 0) }, err
	}
	if _, err := os.Lstat(a.db); err == nil {
		return nil, nil, fmt.Errorf("%w: %s exists: bench works in a file that it makes", later.ErrConflict, a.db)
	}
	at, err = a.program.At(a.db, a.schema, "db")
	return at, func() error {
		var problems []error
		made, _ := filepath.Glob(a.db + "-*") // its log and locks: the file did not exist
		for _, path := range append(made, a.db) {
			if rest := strings.TrimPrefix(path, a.db); rest == "" || rest == "-wal" || rest == "-shm" || strings.HasPrefix(rest, "-lock-") {
				problems = append(problems, os.Remove(path))
			}
		}
		return errors.Join(problems...)
	}, err
}

func (b *bench) handle(_ context.Context, args benchArgs) error {
	if args.Latency {
		b.started <- time.Now()
		return nil
	}
	if b.completed.Add(1) == b.expected {
		close(b.all)
	}
	return nil
}

// fileSize is how many bytes a store in a file takes; 0: it is in none.
func fileSize(path string) (bytes int64) {
	if isURL(path) {
		return 0
	}
	for _, name := range []string{path, path + "-wal"} {
		if info, err := os.Stat(name); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// measure enqueues, performs, and then measures how soon a job starts when nothing else
// is to do.
func (b *bench) measure(ctx context.Context, report *benchReport) (err error) {
	enqueues, processes := slices.Contains(b.mix, "enqueue"), slices.Contains(b.mix, "process")
	single := 0
	if enqueues {
		single = max(b.jobs/10, 1)
		if report.OneByOne, err = rate(single, func() error { return b.oneByOne(ctx, single) }); err != nil {
			return err
		}
	}
	if enqueues || processes {
		bulk, err := rate(b.jobs-single, func() error { return b.bulk(ctx, b.jobs-single) })
		if err != nil {
			return err
		}
		if enqueues {
			report.Bulk = bulk
		}
	}
	if !processes && !slices.Contains(b.mix, "latency") {
		return nil
	}
	return b.perform(ctx, report, enqueues || processes)
}

// perform performs what is there, and measures it if that is asked for; then how soon a
// job starts.
func (b *bench) perform(ctx context.Context, report *benchReport, filled bool) (err error) {
	b.expected = int64(b.jobs)
	done, err := rate(b.jobs, func() error {
		if err := b.queue.Start(ctx); err != nil || !filled {
			return err
		}
		select {
		case <-b.all:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	})
	defer func() {
		_, stopped := b.queue.Stop(context.WithoutCancel(ctx))
		err = errors.Join(err, stopped)
	}()
	if err != nil {
		return err
	}
	if slices.Contains(b.mix, "process") {
		report.Drain = done
	}
	if slices.Contains(b.mix, "latency") {
		return b.latency(ctx, report)
	}
	return nil
}

// rate is how many of n things a second do does.
func rate(n int, do func() error) (float64, error) {
	began := time.Now()
	err := do()
	return float64(n) / time.Since(began).Seconds(), err
}

func (b *bench) call() later.Call {
	return benchJob.With(benchArgs{Payload: strings.Repeat("x", b.payload)})
}

func (b *bench) oneByOne(ctx context.Context, n int) error {
	var left atomic.Int64
	left.Store(int64(n))
	var callers sync.WaitGroup
	problems := make([]error, b.callers)
	for i := range b.callers {
		callers.Go(func() {
			for problems[i] == nil && left.Add(-1) >= 0 {
				_, problems[i] = b.queue.EnqueueAll(ctx, b.call())
			}
		})
	}
	callers.Wait()
	return errors.Join(problems...)
}

func (b *bench) bulk(ctx context.Context, n int) error {
	for n > 0 {
		calls := slices.Repeat([]later.Call{b.call()}, min(n, 1000))
		if _, err := b.queue.EnqueueAll(ctx, calls...); err != nil {
			return err
		}
		n -= len(calls)
	}
	return nil
}

// latencies is how often the time to start is measured.
const latencies = 200

func (b *bench) latency(ctx context.Context, report *benchReport) error {
	var waits []time.Duration
	for range latencies {
		began := time.Now()
		if _, err := benchJob.PerformLater(ctx, b.queue, benchArgs{Latency: true}); err != nil {
			return err
		}
		select {
		case at := <-b.started:
			waits = append(waits, at.Sub(began))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	slices.Sort(waits)
	report.P50, report.P95, report.P99 = waits[latencies/2], waits[latencies*95/100], waits[latencies*99/100]
	return nil
}

func (a *app) printBench(r benchReport) error {
	if a.json() {
		return a.printJSON(r)
	}
	rows := [][]string{
		{"store", r.Store},
		{"program", fmt.Sprintf("later %s, %s, %s", r.Version, r.Go, r.Machine)},
		{"settings", fmt.Sprintf("%d jobs, %d callers, %d performed at once, %d bytes each", r.Jobs, r.Callers, r.Concurrency, r.Payload)},
	}
	for _, measured := range []struct {
		name string
		rate float64
	}{{"enqueue, one by one", r.OneByOne}, {"enqueue, 1000 a call", r.Bulk}, {"perform", r.Drain}} {
		if measured.rate > 0 {
			rows = append(rows, []string{measured.name, strconv.Itoa(int(measured.rate)) + " jobs/s"})
		}
	}
	if r.P99 > 0 {
		rows = append(rows, []string{"enqueue to start", fmt.Sprintf("p50 %s, p95 %s, p99 %s",
			r.P50.Round(10*time.Microsecond), r.P95.Round(10*time.Microsecond), r.P99.Round(10*time.Microsecond))})
	}
	if r.CPU > 0 {
		rows = append(rows, []string{"processor", r.CPU.Round(time.Millisecond).String() + " for 1000 jobs, of this program"})
	}
	if r.Disk > 0 {
		rows = append(rows, []string{"disk", fmt.Sprintf("%d bytes a job, log included", r.Disk)})
	}
	return a.pairs(rows)
}
