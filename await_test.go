package later_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// TestAwaitElsewhereIsWoken: who waits in a process that does not work is woken by the
// end of the job, long before it would look by itself, and many wait at the cost of one.
func TestAwaitElsewhereIsWoken(t *testing.T) {
	path := tempFile(t)
	double := later.DefineResult[numberArgs, int64]("DoubleJob")
	finish := make(chan struct{})
	worker := queueOn(t, open(t, path), later.Config{PollInterval: time.Hour}, double.Do(func(_ context.Context, args numberArgs) (int64, error) {
		<-finish
		return 2 * args.N, nil
	}))
	start(t, worker)
	s := open(t, path)
	waiter := queueOn(t, s, later.Config{})
	const waiters = 50
	quickest := time.Hour
	for round := range 6 {
		job := enqueue(t, &double.Definition, waiter, numberArgs{21})
		var all sync.WaitGroup
		for range waiters {
			all.Go(func() {
				if result, err := double.Await(t.Context(), waiter, job.ID); err != nil || result != 42 {
					t.Errorf("await: %d %v", result, err)
				}
			})
		}
		<-time.After(300 * time.Millisecond) // in the middle of the second after which each looks by itself
		if used := s.DB().Stats().InUse; used > 5 {
			t.Errorf("%d connections for %d who wait", used, waiters)
		}
		began := time.Now()
		finish <- struct{}{}
		all.Wait()
		if quickest = min(quickest, time.Since(began)); quickest < 150*time.Millisecond {
			t.Logf("woken after %v in round %d", quickest, round)
			return
		}
	}
	t.Errorf("nobody is woken: the quickest round took %v", quickest)
}
