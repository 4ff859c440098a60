package postgres_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
	"github.com/laterjobs/later/storetest"
)

func FuzzFilters(f *testing.F) {
	storetest.FuzzFilters(f, fresh)
}

func FuzzConditions(f *testing.F) {
	storetest.FuzzConditions(f, fresh)
}

func FuzzTexts(f *testing.F) {
	storetest.FuzzTexts(f, fresh)
}

func fresh(t testing.TB) store.Store {
	url := pgtest.URL(t)
	return open(t, url, inOwnSchema(t, url))
}

// FuzzSchema: any name of a schema is refused, or holds a store of its own.
func FuzzSchema(f *testing.F) {
	url := pgtest.URL(f)
	for _, name := range []string{
		"", "x", "später", "SELECT", `"`, `a"b`, `""`, "'", `\`, "$1", "$$", "?", "%s", " ", ".", "later.job", "later.", "a;DROP SCHEMA public", "--", "/*", "\n", "\x00", "\xff", "\u202e",
		strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("ä", 31) + "x", "pg_later", "pg_temp", "information_schema", "public", "LATER",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if slices.Contains(allSchemas(t, url), name) {
			t.Skip("there is such a schema")
		}
		before := allSchemas(t, url)
		s, err := postgres.Open(t.Context(), url, postgres.Schema(name))
		if err != nil {
			if !errors.Is(err, store.ErrUnsuitable) {
				t.Errorf("%q: %v", name, err)
			}
			if after := allSchemas(t, url); !slices.Equal(after, before) {
				t.Errorf("%q was refused, and left %q", name, after)
			}
			return
		}
		defer exec(t, url, "DROP SCHEMA "+pgx.Identifier{name}.Sanitize()+" CASCADE")
		defer s.Close()
		if after := allSchemas(t, url); len(after) != len(before)+1 || !slices.Contains(after, name) {
			t.Errorf("%q made %q of %q", name, after, before)
		}
		stored, err := s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, s.Now())
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		claimed, err := s.Claim(t.Context(), store.Demand{ProcessID: 1, Token: 2, Types: []string{"MyJob"}, Limit: 1}, s.Now())
		if err != nil || len(claimed) != 1 {
			t.Fatalf("%q: claimed %d, %v", name, len(claimed), err)
		}
		verdicts, err := s.Finish(t.Context(), []store.Outcome{{JobID: stored[0].ID, Token: 2, Kind: store.Complete}}, s.Now())
		if err != nil || verdicts[0] != store.Accepted {
			t.Fatalf("%q: %v, %v", name, verdicts, err)
		}
	})
}

func allSchemas(t testing.TB, url string) []string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, _ := conn.Query(ctx, "SELECT nspname::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%temp\\_%' ORDER BY 1")
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return names
}
