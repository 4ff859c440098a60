package later_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// TestRollups: what became of the jobs is known a minute later, and that of the last
// minute when the process has stopped.
func TestRollups(t *testing.T) {
	path := tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		s := open(t, path)
		defer s.Close()
		queue := queueOn(t, s, later.Config{Concurrency: 10}, textJob.Do(func(ctx context.Context, args textArgs) error {
			switch args.Text {
			case "retry":
				return later.RetryIn(24*time.Hour, errBusy)
			case "fail":
				return later.Discard(errBusy)
			case "postpone":
				return later.Postpone(24*time.Hour, "not yet")
			case "cancel":
				return later.CancelSelf(errors.New("no need"))
			case "slow":
				<-time.After(5 * time.Second)
			}
			return nil
		}))
		began := time.Now()
		for _, text := range []string{"", "", "retry", "fail", "postpone", "cancel", "slow"} {
			enqueue(t, textJob, queue, textArgs{text})
		}
		<-time.After(3 * time.Second) // the jobs wait for a process
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(90 * time.Second)
		all := func() store.Rollup {
			t.Helper()
			rollups, err := queue.Rollups(t.Context(), later.RollupFilter{From: began, Until: time.Now()})
			if err != nil {
				t.Fatal(err)
			}
			sum := store.Rollup{}
			for i := range rollups {
				if r := rollups[i]; r.Queue != "default" || r.Type != textJob.Name() || r.Span != time.Minute || !r.At.Equal(r.At.Truncate(time.Minute)) {
					t.Errorf("%+v", r)
				}
				sum.Add(&rollups[i])
			}
			return sum
		}
		sum := all()
		if sum.Completed != 3 || sum.Retried != 1 || sum.Failed != 1 || sum.Postponed != 1 || sum.Cancelled != 1 {
			t.Errorf("%+v", sum)
		}
		if p50 := sum.Wait.Quantile(0.5); sum.Wait.Count() != 7 || p50 < 2*time.Second || p50 > 4096*time.Millisecond {
			t.Errorf("waits: %v, median %v", sum.Wait, p50)
		}
		if longest := sum.Run.Quantile(1); sum.Run.Count() != 7 || longest < 4*time.Second || longest > 8192*time.Millisecond {
			t.Errorf("runs: %v, longest %v", sum.Run, longest)
		}
		enqueue(t, textJob, queue, textArgs{})
		<-time.After(time.Second)
		stop(t, queue)
		if sum := all(); sum.Completed != 4 {
			t.Errorf("after the stop: %d completed", sum.Completed)
		}
	})
}
