package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// inUse is what a program uses: goroutines, descriptors, and connections that the
// server knows of.
type inUse struct{ goroutines, descriptors, connections int }

func look(t *testing.T, url string) (u inUse) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	err = conn.QueryRow(context.Background(), "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaks'").Scan(&u.connections)
	if err := errors.Join(err, conn.Close(context.Background())); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	u.goroutines = runtime.NumGoroutine()
	if open, err := os.ReadDir("/proc/self/fd"); err == nil { // Linux
		u.descriptors = len(open)
	}
	return u
}

// TestStartsAndStopsLeaveNothing: a program that starts and stops its JobQueue again and
// again, successfully and not, leaves no goroutine, descriptor or connection.
func TestStartsAndStopsLeaveNothing(t *testing.T) {
	server := pgtest.Start(t)
	url, cycles := server.URL()+"&application_name=leaks", 20
	if testing.Short() {
		cycles = 8
	}
	for range 3 { // what is made once
		startAndStop(t, url)
	}
	before := look(t, server.URL())
	for range cycles {
		startAndStop(t, url)
	}
	var after inUse
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		after = look(t, server.URL())
		if after.goroutines <= before.goroutines && after.descriptors <= before.descriptors && after.connections == 0 {
			t.Logf("before %+v, after %+v", before, after)
			return
		}
	}
	t.Errorf("the program uses %+v, before %+v", after, before)
}

// startAndStop has one life of a JobQueue that works, and several that do not come to be.
func startAndStop(t *testing.T, url string) {
	t.Helper()
	ctx := t.Context()
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := postgres.Open(gone, url); err == nil {
		t.Fatal("opened for a caller who has gone")
	}
	if _, err := postgres.Open(ctx, url, postgres.Schema("pg_x")); !errors.Is(err, store.ErrUnsuitable) {
		t.Fatalf("opened in an impossible schema: %v", err)
	}
	if _, err := postgres.Open(ctx, url, postgres.Schema("missing"), postgres.WithoutMigration()); !errors.Is(err, store.ErrVersion) {
		t.Fatalf("opened without tables: %v", err)
	}
	s, err := postgres.Open(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	queue := later.New(s, later.Config{Logger: slog.New(slog.DiscardHandler)})
	queue.Register(leaking.Do(func(context.Context, struct{}) error { return nil }))
	if err := queue.Start(gone); err == nil {
		t.Fatal("started for a caller who has gone")
	}
	if err := queue.Start(ctx); err != nil {
		t.Fatal(err)
	}
	job, err := leaking.PerformLater(ctx, queue, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Wait(ctx, job.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := queue.Start(ctx); !errors.Is(err, later.ErrClosed) {
		t.Fatalf("started on a closed store: %v", err)
	}
}

var leaking = later.Define[struct{}]("LeakJob")
