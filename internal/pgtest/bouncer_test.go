package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
)

// TestBouncerPoolsByTransaction: two sessions of the pooler use one of the server,
// one after the other.
func TestBouncerPoolsByTransaction(t *testing.T) {
	url := pgtest.Bouncer(t, pgtest.URL(t))
	one, other := connectSimply(t, url+"&search_path=nowhere"), connectSimply(t, url)
	const session = "SELECT pg_backend_pid()"
	if first, second := get[int](t, one, session), get[int](t, other, session); first != second {
		t.Errorf("the sessions are %d and %d", first, second)
	}
}

// connectSimply uses no prepared statements, which an old pgbouncer does not know.
func connectSimply(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	return connect(t, url+"&default_query_exec_mode=exec")
}
