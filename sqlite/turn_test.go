package sqlite_test

import (
	"context"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

// TestTurnsBesideABusyProcess: a process that writes without a pause leaves turns to
// another, soon enough to stop in time: leaving the store has less than a second.
func TestTurnsBesideABusyProcess(t *testing.T) {
	path := file(t)
	busy, other := open(t, path), open(t, path)
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan struct{})
	jobs := make([]store.NewJob, 200)
	for i := range jobs {
		jobs[i] = store.NewJob{Type: "MyJob", Queue: "default", Args: []byte(`1`)}
	}
	for range 2 { // while one commits, the other's request is waiting
		go func() {
			for ctx.Err() == nil {
				_, _ = busy.Enqueue(ctx, jobs, time.Now()) // until the end of the test
			}
			stopped <- struct{}{}
		}()
	}
	var longest, sum time.Duration
	late := 0
	const turns = 40
	for range turns {
		began := time.Now()
		enqueue(t, other, 1)
		took := time.Since(began)
		longest, sum = max(longest, took), sum+took
		if took > 900*time.Millisecond {
			late++
		}
	}
	stop()
	<-stopped
	<-stopped
	t.Logf("a turn after %v on average, %v at most", sum/turns, longest)
	if late > 1 { // one, if the machine stood still
		t.Errorf("%d of %d turns came after more than 900 ms", late, turns)
	}
}
