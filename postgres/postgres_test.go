package postgres_test

import (
	"context"
	"flag"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/leaks"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
	"github.com/laterjobs/later/storetest"
)

// TestMain: a check of the model makes a schema of its own, which takes its time. For
// longer runs there is -rapid.checks.
func TestMain(m *testing.M) {
	_ = flag.Set("rapid.checks", "20") // it is there: storetest brings it
	pgtest.Main(leaks.Checked{M: m})
}

func TestStore(t *testing.T) {
	url := pgtest.URL(t)
	storetest.Run(t, func(t testing.TB) store.Store { return open(t, url, inOwnSchema(t, url)) })
}

// open opens a store for the length of a test.
func open(t testing.TB, url string, opts ...postgres.Option) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(context.Background(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

var schemas atomic.Int64

// inOwnSchema puts a store into a schema of the test's own.
func inOwnSchema(t testing.TB, url string) postgres.Option {
	t.Helper()
	return postgres.Schema(ownSchema(t, url))
}

// ownSchema names a schema of the test's own, which goes when it ends.
func ownSchema(t testing.TB, url string) string {
	t.Helper()
	schema := fmt.Sprintf("test_%d", schemas.Add(1))
	drop := func() {
		exec(t, url, "DROP SCHEMA IF EXISTS "+schema+" CASCADE")
	}
	drop() // a server that outlives the tests may have one of an earlier run
	t.Cleanup(drop)
	return schema
}

func exec(t testing.TB, url, text string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, text); err != nil {
		t.Fatal(err)
	}
}
