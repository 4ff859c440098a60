package postgres_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestUnsuitableEncodingsAreRefused: by every way into a store, before anything is
// made.
func TestUnsuitableEncodingsAreRefused(t *testing.T) {
	server := pgtest.URL(t)
	for _, encoding := range []string{"SQL_ASCII", "LATIN1"} {
		t.Run(encoding, func(t *testing.T) {
			options := "TEMPLATE template0 LOCALE 'C' ENCODING '" + encoding + "'"
			if version(t, server) >= 150000 {
				options += " LOCALE_PROVIDER libc"
			}
			url := database(t, server, "in_"+strings.ToLower(encoding), options)
			pool := poolFor(t, url)
			for verb, err := range map[string]error{
				"Open": opened(postgres.Open(t.Context(), url)), "New": opened(postgres.New(pool)),
				"Migrate": postgres.Migrate(t.Context(), pool),
			} {
				if !errors.Is(err, store.ErrUnsuitable) || !strings.Contains(err.Error(), "the database is encoded in "+encoding) ||
					!strings.Contains(err.Error(), "create one with ENCODING 'UTF8'") {
					t.Errorf("%s: %v", verb, err)
				}
			}
			if made := ask(t, url, "SELECT nspname FROM pg_namespace WHERE nspname = 'later'"); len(made) > 0 {
				t.Error("it made a schema")
			}
		})
	}
}

func version(t testing.TB, url string) int {
	t.Helper()
	number, err := strconv.Atoi(ask(t, url, "SHOW server_version_num")[0])
	if err != nil {
		t.Fatal(err)
	}
	return number
}
