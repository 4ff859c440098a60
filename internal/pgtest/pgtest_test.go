package pgtest_test

import (
	"context"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestURLIsOfOneServer(t *testing.T) {
	url := pgtest.URL(t)
	if again := pgtest.URL(t); again != url {
		t.Errorf("the second URL is %s, the first was %s", again, url)
	}
	session := connect(t, url)
	if number := get[int](t, session, "SELECT 41 + $1", 1); number != 42 {
		t.Errorf("number: %d", number)
	}
	if os.Getenv("LATER_TEST_POSTGRES") != "" {
		return // not our server: it may be in any time zone
	}
	if zone := get[string](t, session, "SHOW timezone"); zone != "Asia/Kathmandu" {
		t.Errorf("time zone: %s", zone)
	}
}

func TestStartedServersAreApart(t *testing.T) {
	one, other := pgtest.Start(t), pgtest.Start(t, "max_connections=7")
	exec(t, connect(t, one.URL()), "CREATE TABLE numbers (number int)")
	session := connect(t, other.URL())
	if get[bool](t, session, "SELECT to_regclass('numbers') IS NOT NULL") {
		t.Error("the other server has the table as well")
	}
	if limit := get[string](t, session, "SHOW max_connections"); limit != "7" {
		t.Errorf("max_connections: %s", limit)
	}
	if fsync := get[string](t, session, "SHOW fsync"); fsync != "on" {
		t.Errorf("fsync: %s", fsync)
	}
}

func TestKilledServerKeepsWhatItCommitted(t *testing.T) {
	server := pgtest.Start(t)
	url, session := server.URL(), connect(t, server.URL())
	exec(t, session, "CREATE TABLE numbers AS SELECT 1 AS number")
	server.Kill()
	if err := session.Ping(t.Context()); err == nil {
		t.Error("the session outlived the server")
	}
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("the server still accepts connections")
	}
	server.StartAgain()
	if server.URL() != url {
		t.Errorf("URL: %s, was %s", server.URL(), url)
	}
	server.Restart()
	if number := get[int](t, connect(t, url), "SELECT number FROM numbers"); number != 1 {
		t.Errorf("number: %d", number)
	}
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	session, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { session.Close(context.Background()) })
	return session
}

func exec(t *testing.T, session *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := session.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

// get returns the one value that the query finds.
func get[T any](t *testing.T, session *pgx.Conn, sql string, args ...any) (value T) {
	t.Helper()
	if err := session.QueryRow(t.Context(), sql, args...).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}
