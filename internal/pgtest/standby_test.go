package pgtest_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laterjobs/later/internal/pgtest"
)

func TestStandbyFollowsAndTakesOver(t *testing.T) {
	server := pgtest.Start(t)
	standby := server.Standby()
	standby.Synchronous()
	session := connect(t, server.URL())
	exec(t, session, "SET synchronous_commit = remote_apply")
	exec(t, session, "CREATE TABLE numbers AS SELECT 1 AS number")
	reader := connect(t, standby.URL())
	if number := get[int](t, reader, "SELECT number FROM numbers"); number != 1 {
		t.Errorf("number: %d", number)
	}
	var refusal *pgconn.PgError
	if _, err := reader.Exec(t.Context(), "DELETE FROM numbers"); !errors.As(err, &refusal) || refusal.Code != "25006" {
		t.Errorf("a standby took a write: %v", err)
	}
	server.Kill()
	standby.Promote()
	exec(t, reader, "INSERT INTO numbers VALUES (2)")
	if sum := get[int](t, reader, "SELECT sum(number)::int FROM numbers"); sum != 3 {
		t.Errorf("sum: %d", sum)
	}
}

func TestLaggingStandbyLosesWhatItDidNotGet(t *testing.T) {
	server := pgtest.Start(t)
	standby := server.Standby()
	session := connect(t, server.URL())
	exec(t, session, "CREATE TABLE numbers AS SELECT 1 AS number")
	standby.Await()
	standby.Lag(true)
	exec(t, session, "INSERT INTO numbers VALUES (2)")
	server.Kill()
	standby.Promote()
	if sum := get[int](t, connect(t, standby.URL()), "SELECT sum(number)::int FROM numbers"); sum != 1 {
		t.Errorf("sum: %d", sum)
	}
}
