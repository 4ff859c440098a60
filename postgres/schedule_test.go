package postgres_test

import (
	"context"
	"io"
	"log/slog"
	"os"
	osexec "os/exec"
	"slices"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
)

// TestOneJobForEachTick: several real processes keep the same schedule, and one of them is
// killed. Each second has one job.
func TestOneJobForEachTick(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	s := open(t, url, postgres.Schema(own))
	for i := range 3 {
		child := keeper(t, url, own)
		if i == 0 {
			time.AfterFunc(4*time.Second, func() { _ = child.Process.Kill() })
		}
	}
	queue := newQueue(t, s, later.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	var ticks []time.Time
	for len(ticks) < 10 {
		jobs, err := queue.List(ctx, later.Filter{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		ticks = nil
		for _, job := range slices.Backward(jobs) {
			ticks = append(ticks, job.Options.Tick)
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("there are no jobs")
		}
	}
	for i := range ticks[1:] {
		// CatchUp leaves none out, however slow the machine is.
		if between := ticks[i+1].Sub(ticks[i]); between != time.Second {
			t.Errorf("between the ticks %v and %v are %v", ticks[i], ticks[i+1], between)
		}
	}
	schedules, err := queue.Schedules(ctx)
	if err != nil || len(schedules) != 1 || !schedules[0].InCode {
		t.Errorf("schedules: %+v, %v", schedules, err)
	}
}

const keeperURL, keeperSchema = "LATER_TEST_KEEPER_URL", "LATER_TEST_KEEPER_SCHEMA"

// keeper is a process that keeps a schedule until the test ends.
func keeper(t *testing.T, url, schema string) *osexec.Cmd {
	t.Helper()
	child := osexec.Command(os.Args[0], "-test.run=^TestKeeper$")
	child.Env = append(os.Environ(), keeperURL+"="+url, keeperSchema+"="+schema)
	child.Stderr = t.Output()
	input, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		input.Close()
		_ = child.Wait() // one of them is killed
	})
	return child
}

// TestKeeper is what such a process does.
func TestKeeper(t *testing.T) {
	url := os.Getenv(keeperURL)
	if url == "" {
		t.Skip("it is a child of TestOneJobForEachTick")
	}
	s := open(t, url, postgres.Schema(os.Getenv(keeperSchema)))
	queue := later.New(s, later.Config{Logger: slog.New(slog.DiscardHandler)})
	if err := queue.Schedule("second", later.Cron("* * * * * *", ""), numberJob.With(numberArgs{}), later.CatchUp(1000)); err != nil {
		t.Fatal(err)
	}
	start(t, queue)
	_, _ = io.Copy(io.Discard, os.Stdin) // until the parent lets go or dies
}
