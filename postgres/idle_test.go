package postgres_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
)

// TestIdleCostsLittle: a process that has nothing to do asks the server a few things
// per poll interval and heartbeat, whatever it has done before.
func TestIdleCostsLittle(t *testing.T) {
	t.Parallel()
	url := pgtest.Start(t, "fsync=off", "autovacuum=off").URL() // nobody else works there
	queue := newQueue(t, open(t, url), later.Config{PollInterval: time.Second}, numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, queue)
	for n := range int64(100) {
		wait(t, queue, enqueue(t, queue, n).ID)
	}
	<-time.After(11 * time.Second) // a session that does nothing reports what it has done after ten seconds
	before, began := transactions(t, url), time.Now()
	<-time.After(3 * time.Second)
	took, watched := transactions(t, url)-before, time.Since(began)
	t.Logf("%d transactions in %v", took, watched)
	// A poll looks for ready jobs, suspects, due ones and schedules; every 2 s somebody looks after the others, every 3 s is
	// a heartbeat. A session may report what it did before.
	const perSecond, reported = 5, 11
	if most := int(watched.Seconds()*perSecond) + reported; took > most {
		t.Errorf("%d transactions in %v of idleness; at most %d were to be expected", took, watched, most)
	}
}

// transactions is how many the database has seen, as far as sessions have reported.
func transactions(t *testing.T, url string) int {
	t.Helper()
	number, err := strconv.Atoi(ask(t, url, "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()")[0])
	if err != nil {
		t.Fatal(err)
	}
	return number
}
