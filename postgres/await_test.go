package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
)

// TestAwaitElsewhereIsWoken: who waits in a process that does not work is woken by the
// end of the job, long before it would look by itself, and many wait at the cost of one.
func TestAwaitElsewhereIsWoken(t *testing.T) {
	url := pgtest.URL(t)
	schema := inOwnSchema(t, url)
	double := later.DefineResult[numberArgs, int64]("DoubleJob")
	finish := make(chan struct{})
	worker := newQueue(t, open(t, url, schema), later.Config{PollInterval: time.Hour}, double.Do(func(_ context.Context, args numberArgs) (int64, error) {
		<-finish
		return 2 * args.N, nil
	}))
	start(t, worker)
	s := open(t, withParameter(t, url, "application_name", "those_who_wait"), schema)
	waiter := newQueue(t, s, later.Config{})
	const waiters = 50
	quickest := time.Hour
	for round := range 6 {
		job, err := double.PerformLater(t.Context(), waiter, numberArgs{21})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range waiters {
			all.Go(func() {
				if result, err := double.Await(t.Context(), waiter, job.ID); err != nil || result != 42 {
					t.Errorf("await: %d %v", result, err)
				}
			})
		}
		<-time.After(300 * time.Millisecond) // in the middle of the second after which each looks by itself
		var connections int
		query := "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'those_who_wait'"
		if err := s.Pool().QueryRow(t.Context(), query).Scan(&connections); err != nil || connections == 0 || connections > 20 {
			t.Errorf("%d connections for %d who wait, %v", connections, waiters, err)
		}
		began := time.Now()
		finish <- struct{}{}
		all.Wait()
		if quickest = min(quickest, time.Since(began)); quickest < 150*time.Millisecond {
			t.Logf("woken after %v in round %d, over %d connections", quickest, round, connections)
			return
		}
	}
	t.Errorf("nobody is woken: the quickest round took %v", quickest)
}
