package postgres

import (
	"context"
	"embed"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/laterjobs/later/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the number of the newest migration.
const schemaVersion = 12

// Migrate makes the schema in the database of a pool, or brings an older one up to
// date. Processes that migrate at once wait for the first and find it done.
func Migrate(ctx context.Context, pool *pgxpool.Pool, opts ...Option) error {
	return MigrateTo(ctx, pool, schemaVersion, opts...)
}

// MigrateTo goes to a version, up or down; 0 takes the tables away, with every job.
// No process may work on the store while it goes down.
func MigrateTo(ctx context.Context, pool *pgxpool.Pool, version int, opts ...Option) error {
	if version < 0 || version > schemaVersion {
		return fmt.Errorf("%w: there is no version %d of the schema; this program knows 0 to %d", store.ErrVersion, version, schemaVersion)
	}
	s := newStore(pool.Config().ConnConfig, opts)
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Release()
	return s.classify(ctx, s.migrate(ctx, conn.Conn(), version))
}

// MigrationSQL is what Migrate would run on an empty database, for people who apply
// migrations with tools of their own.
func MigrationSQL(opts ...Option) (string, error) {
	s := &Store{options: optionsOf(opts)}
	if err := s.checkName(); err != nil {
		return "", err
	}
	text := "CREATE SCHEMA " + pgx.Identifier{s.schema}.Sanitize() + ";\n\n"
	for version := 1; version <= schemaVersion; version++ {
		script, err := s.script(version, "up")
		if err != nil {
			return "", err
		}
		text += script
	}
	return text + "\n" + s.setVersion(schemaVersion) + ";\n", nil
}

// Migrate brings the schema up to date.
func (s *Store) Migrate(ctx context.Context) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return s.classify(ctx, err)
	}
	defer conn.Release()
	return s.classify(ctx, s.migrate(ctx, conn.Conn(), schemaVersion))
}

// prepare makes the schema if there is none and that is allowed, or says what is
// to be done.
func (s *Store) prepare(ctx context.Context, conn *pgx.Conn) error {
	current, err := s.version(ctx, conn)
	if err != nil || current == schemaVersion {
		return err
	}
	if err := tooNew(current); err != nil {
		return err
	}
	if s.withoutMigration || current > 0 && !s.withMigration {
		return fmt.Errorf("%w: the store has version %d, this program needs version %d; run: later migrate",
			store.ErrVersion, current, schemaVersion)
	}
	return s.migrateTo(ctx, conn, schemaVersion)
}

// tooNew is the error for a schema that a newer program has made.
func tooNew(current int) error {
	if current <= schemaVersion {
		return nil
	}
	return fmt.Errorf("%w: the store has version %d, this program knows version %d; update the program",
		store.ErrVersion, current, schemaVersion)
}

// migrate is migrateTo on a connection that nobody has looked at.
func (s *Store) migrate(ctx context.Context, conn *pgx.Conn, version int) error {
	if err := s.checkServer(ctx, conn); err != nil {
		return err
	}
	return s.migrateTo(ctx, conn, version)
}

// migrateTo goes from version to version in one transaction. A lock of that
// transaction keeps others out; whoever had to wait for it must see what they did.
func (s *Store) migrateTo(ctx context.Context, conn *pgx.Conn, version int) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // does nothing after a commit
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('later migration of ' || $1))", pgx.QueryExecModeExec, s.schema); err != nil {
		return err
	}
	if err := s.makeSchema(ctx, tx); err != nil {
		return fmt.Errorf("make schema %s: %w", s.schema, err)
	}
	current, err := s.version(ctx, conn)
	if err == nil {
		err = tooNew(current)
	}
	if err != nil {
		return err
	}
	if err := s.walk(ctx, tx, current, version); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// makeSchema: IF NOT EXISTS would ask for the right to make it even if it exists.
func (s *Store) makeSchema(ctx context.Context, tx pgx.Tx) error {
	var exists bool
	err := tx.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)", pgx.QueryExecModeExec, s.schema).Scan(&exists)
	if err != nil || exists {
		return err
	}
	_, err = tx.Exec(ctx, "CREATE SCHEMA "+pgx.Identifier{s.schema}.Sanitize())
	return err
}

// walk applies the scripts between two versions.
func (s *Store) walk(ctx context.Context, tx pgx.Tx, current, version int) error {
	for current != version {
		number, direction := current+1, "up"
		if version < current {
			number, direction = current, "down"
		}
		script, err := s.script(number, direction)
		if err != nil {
			return err
		}
		if _, err := tx.Conn().PgConn().Exec(ctx, script).ReadAll(); err != nil {
			return fmt.Errorf("migration %d %s: %w", number, direction, err)
		}
		if current = number; direction == "down" {
			current--
		}
		if current == 0 {
			continue
		}
		if _, err := tx.Exec(ctx, s.setVersion(current)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) script(version int, direction string) (string, error) {
	script, err := migrations.ReadFile(fmt.Sprintf("migrations/%04d.%s.sql", version, direction))
	return inSchema(string(script), s.schema), err
}

func (s *Store) setVersion(version int) string {
	return inSchema("INSERT INTO later.meta (name, value) VALUES ('schema_version', '"+strconv.Itoa(version)+
		"') ON CONFLICT (name) DO UPDATE SET value = excluded.value", s.schema)
}

// version is the version of the schema; 0 where there is none.
func (s *Store) version(ctx context.Context, conn *pgx.Conn) (int, error) {
	var exists bool
	err := conn.QueryRow(ctx, "SELECT to_regclass($1) IS NOT NULL", pgx.QueryExecModeExec,
		pgx.Identifier{s.schema, "meta"}.Sanitize()).Scan(&exists)
	if err != nil || !exists {
		return 0, err
	}
	var value string
	err = conn.QueryRow(ctx, inSchema("SELECT value FROM later.meta WHERE name = 'schema_version'", s.schema),
		pgx.QueryExecModeExec).Scan(&value)
	if err != nil {
		return 0, fmt.Errorf("read the version of the schema: %w", err)
	}
	return strconv.Atoi(value)
}
