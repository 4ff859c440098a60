package later_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// usage is what a process uses.
type usage struct {
	goroutines, descriptors int
	heap                    uint64
}

func used() (u usage) {
	runtime.GC()
	runtime.GC() // what finalizers held
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	u.heap, u.goroutines = memory.HeapAlloc, runtime.NumGoroutine()
	if open, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux
		u.descriptors = len(open)
	}
	return u
}

// wantNoMore insists that the process uses no more than before, soon: what ends a
// moment later is waited for.
func wantNoMore(t *testing.T, before usage, heap uint64) {
	t.Helper()
	var after usage
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		after = used()
		if after.goroutines <= before.goroutines && after.descriptors <= before.descriptors && after.heap <= before.heap+heap {
			t.Logf("before %+v, after %+v", before, after)
			return
		}
	}
	t.Errorf("the process uses %+v, before %+v", after, before)
}

// refusing is a store that refuses what a start asks of it.
type refusing struct {
	store.Store
	listen, join error
}

func (r refusing) Listen(ctx context.Context) (<-chan store.Wake, error) {
	if r.listen != nil {
		return nil, r.listen
	}
	return r.Store.Listen(ctx)
}

func (r refusing) Join(ctx context.Context, p store.Process, now time.Time) error {
	if r.join != nil {
		return r.join
	}
	return r.Store.Join(ctx, p, now)
}

// TestStartsAndStopsLeaveNothing: a program that starts and stops its JobQueue again and
// again, successfully and not, uses no more than at first.
func TestStartsAndStopsLeaveNothing(t *testing.T) {
	path, cycles := tempFile(t), 100 // of five starts each
	if testing.Short() {
		cycles = 15
	}
	for range 10 { // what is made once
		startAndStop(t, path)
	}
	before := used()
	for range cycles {
		startAndStop(t, path)
	}
	wantNoMore(t, before, 1<<20)
}

// startAndStop has one life of a JobQueue that works, and several that do not come to be.
func startAndStop(t *testing.T, path string) {
	t.Helper()
	number := later.Define[numberArgs]("NumberJob")
	handler := number.Do(func(context.Context, numberArgs) error { return nil })
	s, err := sqlite.Open(path) // not by a helper that keeps it for the end of the test
	if err != nil {
		t.Fatal(err)
	}
	quiet := later.Config{Logger: slog.New(slog.DiscardHandler)}
	refusal := errors.New("refused")
	failing := quiet
	failing.Concurrency = -1
	for _, queue := range []*later.JobQueue{
		queueOn(t, s, failing, handler), queueOn(t, refusing{s, refusal, nil}, quiet, handler), queueOn(t, refusing{s, nil, refusal}, quiet, handler),
	} {
		if err := queue.Start(t.Context()); err == nil {
			t.Fatal("started all the same")
		}
	}
	queue := queueOn(t, s, quiet, handler)
	if err := queue.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	job := enqueue(t, number, queue, numberArgs{})
	wait(t, queue, job.ID)
	stop(t, queue)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := queue.Start(t.Context()); !errors.Is(err, later.ErrClosed) {
		t.Fatalf("started on a closed store: %v", err)
	}
}

// TestHostileHandlersLeaveNothing: handlers that panic, end their goroutine, or ignore
// the end of their context cost what others cost, and no slot.
func TestHostileHandlersLeaveNothing(t *testing.T) {
	hostile := []func(context.Context) error{
		func(context.Context) error { panic("a text") },
		func(context.Context) error { panic(fmt.Errorf("an error: %w", later.ErrStopping)) },
		func(context.Context) error { var none *later.JobQueue; return none.Resume(context.Background(), "x") },
		func(context.Context) error { runtime.Goexit(); return nil },
		func(ctx context.Context) error { <-ctx.Done(); <-time.After(time.Millisecond); return nil },
		func(ctx context.Context) error { <-ctx.Done(); panic(context.Cause(ctx)) },
		func(context.Context) error { return later.CancelSelf(errors.New("a\x00b\xff")) },
		func(context.Context) error { return later.ErrStopping },
	}
	var performed atomic.Int64
	number := later.Define[numberArgs]("NumberJob", later.NotRetryable(), later.Timeout(time.Millisecond))
	queue := queueOn(t, open(t, ":memory:"), later.Config{Logger: slog.New(slog.DiscardHandler)}, number.Do(func(ctx context.Context, args numberArgs) error {
		performed.Add(1)
		return hostile[args.N%int64(len(hostile))](ctx)
	}))
	start(t, queue)
	perform := func(jobs int) {
		for n := 0; n < jobs; n += 500 {
			calls := make([]later.Call, 500)
			for i := range calls {
				calls[i] = number.With(numberArgs{int64(i)})
			}
			stored, err := queue.EnqueueAll(t.Context(), calls...)
			if err != nil {
				t.Fatal(err)
			}
			for _, job := range stored {
				if job = wait(t, queue, job.ID); job.Attempt != 1 {
					t.Fatalf("job %d after %d attempts: %s", job.ID, job.Attempt, job.Error)
				}
			}
		}
	}
	jobs := 10_000
	if testing.Short() {
		jobs = 500
	}
	perform(500)
	before := used()
	perform(jobs)
	wantNoMore(t, before, 2<<20)
	if n := performed.Load(); n != int64(jobs)+500 {
		t.Errorf("%d jobs were performed %d times", jobs+500, n)
	}
}
