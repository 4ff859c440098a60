package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/store"
)

const (
	farAway         = 50 * time.Millisecond
	longTransaction = 10 * time.Minute
	fewConnections  = 5
	manyDead        = 1_000_000
)

// Inspect looks at the database: which it is, and what holds it up. It asks the server's
// own statistics, and walks no table.
func (s *Store) Inspect(ctx context.Context) (found []store.Inspection, err error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return nil, s.classify(ctx, err)
	}
	defer conn.Release()
	looks := []func(context.Context, *pgx.Conn) (store.Inspection, error){
		s.inspectIdentity, s.inspectRoundTrip, s.inspectVersion, s.inspectTransactions, s.inspectConnections, s.inspectDead, s.inspectMessages,
	}
	for _, look := range looks {
		one, err := look(ctx, conn.Conn())
		switch {
		case errors.Is(err, errCannotLook):
			continue
		case err != nil:
			return found, s.classify(ctx, err)
		}
		found = append(found, one)
	}
	more, err := s.inspectIndexes(ctx, conn.Conn())
	return append(found, more...), s.classify(ctx, err)
}

func ask(ctx context.Context, conn *pgx.Conn, text string, args []any, into ...any) error {
	return conn.QueryRow(ctx, text, append([]any{pgx.QueryExecModeExec}, args...)...).Scan(into...)
}

func (s *Store) inspectIdentity(ctx context.Context, conn *pgx.Conn) (store.Inspection, error) {
	var database string
	err := ask(ctx, conn, "SELECT current_database()", nil, &database)
	return store.Inspection{Name: "store", Value: fmt.Sprintf("database %s on %s, schema %s", database, conn.Config().Host, s.schema)}, err
}

func (s *Store) inspectRoundTrip(ctx context.Context, conn *pgx.Conn) (store.Inspection, error) {
	var one int
	began := time.Now()
	err := ask(ctx, conn, "SELECT 1", nil, &one)
	took := time.Since(began)
	look := store.Inspection{Code: "L311", Name: "round trip", Value: took.Round(10 * time.Microsecond).String()}
	if took > farAway {
		look.Problem = "A round trip to the database takes " + look.Value + "."
		look.Fix = "Run processes near the database, and look at its load."
	}
	return look, err
}

func (s *Store) inspectVersion(ctx context.Context, conn *pgx.Conn) (store.Inspection, error) {
	version, err := s.version(ctx, conn)
	look := store.Inspection{Code: "L301", Name: "schema version", Value: strconv.Itoa(version)}
	if version != schemaVersion {
		look.Problem = fmt.Sprintf("The schema has version %d, this program knows version %d.", version, schemaVersion)
		look.Fix, look.Severe = "Run later migrate, or update the program.", true
	}
	return look, err
}

// inspectTransactions: an old snapshot keeps vacuum from every row that has died since.
func (s *Store) inspectTransactions(ctx context.Context, conn *pgx.Conn) (store.Inspection, error) {
	var seconds float64
	err := ask(ctx, conn, `SELECT coalesce(max(extract(epoch FROM now() - xact_start)), 0)::float8 FROM pg_stat_activity
		WHERE datname = current_database() AND xact_start IS NOT NULL AND backend_type = 'client backend'`, nil, &seconds)
	age := time.Duration(seconds * float64(time.Second)).Round(time.Second)
	look := store.Inspection{Code: "L313", Name: "oldest transaction", Value: age.String()}
	if age > longTransaction {
		look.Problem = "A transaction has been open for " + look.Value + ": it holds back vacuum, and claims get slower."
		look.Fix = "Find it in pg_stat_activity (xact_start) and end it; set idle_in_transaction_session_timeout."
	}
	return look, err
}

func (s *Store) inspectConnections(ctx context.Context, conn *pgx.Conn) (store.Inspection, error) {
	var used, most int
	err := ask(ctx, conn, `SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int,
		current_setting('max_connections')::int`, nil, &used, &most)
	look := store.Inspection{Code: "L316", Name: "connections", Value: fmt.Sprintf("%d of %d", used, most)}
	if most-used < fewConnections {
		look.Problem = "The server has few connections left: " + look.Value + " are used."
		look.Fix, look.Severe = "Lower pool sizes, raise max_connections, or use PgBouncer.", true
	}
	return look, err
}

func (s *Store) inspectDead(ctx context.Context, conn *pgx.Conn) (store.Inspection, error) {
	var table string
	var dead, alive int64
	err := ask(ctx, conn, `SELECT coalesce((array_agg(relname ORDER BY n_dead_tup DESC))[1], ''), coalesce(max(n_dead_tup), 0),
		coalesce((array_agg(n_live_tup ORDER BY n_dead_tup DESC))[1], 0) FROM pg_stat_user_tables WHERE schemaname = $1`, []any{s.schema}, &table, &dead, &alive)
	look := store.Inspection{Code: "L314", Name: "dead rows", Value: strconv.FormatInt(dead, 10)}
	if dead > manyDead && dead > alive {
		look.Problem = fmt.Sprintf("The table %s has %d dead rows, more than living ones.", table, dead)
		look.Fix = "See that autovacuum runs and that no old transaction holds it back."
	}
	return look, err
}
