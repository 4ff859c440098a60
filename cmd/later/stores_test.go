package main

import (
	"context"
	database "database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/store"
)

// TestMain is also the program itself, for tests that need it in a process of its own.
func TestMain(m *testing.M) {
	if os.Getenv("LATER_TEST_AS_PROGRAM") == "1" {
		main()
		return
	}
	_ = os.Setenv("LC_ALL", "C.UTF-8") // for tests of texts
	pgtest.Main(m)
}

// onEach runs a test on each kind of store: fresh returns the address of one that
// does not exist yet.
func onEach(t *testing.T, test func(t *testing.T, fresh func(testing.TB) string)) {
	t.Run("file", func(t *testing.T) { test(t, newFile) })
	t.Run("PostgreSQL", func(t *testing.T) { test(t, newDatabase) })
}

func newFile(t testing.TB) string { return filepath.Join(t.TempDir(), "jobs.db") }

var databases atomic.Int64

// newDatabase makes a database for the length of a test. Its URL has a user and a
// password, which the server does not ask for.
func newDatabase(t testing.TB) string {
	t.Helper()
	server := pgtest.URL(t)
	name := fmt.Sprintf("later_command_%d", databases.Add(1))
	drop := "DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"
	sql(t, server, drop) // a server that outlives the tests may have one of an earlier run
	sql(t, server, "CREATE DATABASE "+name)
	t.Cleanup(func() { sql(t, server, drop) })
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	if _, set := u.User.Password(); !set {
		u.User = url.UserPassword(u.User.Username(), secret)
	}
	return u.String()
}

// secret is the password in the URLs of the tests.
const secret = "s3cr3t-w0rd"

func sql(t testing.TB, db, text string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// open opens a store, and makes it, for the length of a test.
func open(t testing.TB, at address) store.Store {
	t.Helper()
	s, err := at.Create(context.Background(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func sqliteExec(t testing.TB, path, text string) {
	t.Helper()
	db, err := database.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
