package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"strconv"

	"github.com/laterjobs/later/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// schemaVersion is the number of the newest migration.
const schemaVersion = 13

// Migrate brings the schema up to date. Opening a store has done so already,
// unless WithoutMigration was given.
func (s *Store) Migrate(ctx context.Context) error {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	return errors.Join(classify(migrate(ctx, conn, true)), conn.Close())
}

// migrate applies what is missing, or says that it is. Of several processes
// that migrate at once the first does it and the others find it done.
func migrate(ctx context.Context, conn *sql.Conn, allowed bool) error {
	current, err := readVersion(ctx, conn)
	if err != nil || current == schemaVersion {
		return err
	}
	if current > schemaVersion {
		return fmt.Errorf("%w: the store has version %d, this program knows version %d; update the program",
			store.ErrVersion, current, schemaVersion)
	}
	if !allowed {
		return fmt.Errorf("%w: the store has version %d, this program needs version %d; run: later migrate",
			store.ErrVersion, current, schemaVersion)
	}
	if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := applyMigrations(ctx, conn); err != nil {
		_, undo := conn.ExecContext(ctx, "ROLLBACK")
		return errors.Join(err, undo)
	}
	_, err = conn.ExecContext(ctx, "COMMIT")
	return err
}

func applyMigrations(ctx context.Context, conn *sql.Conn) error {
	current, err := readVersion(ctx, conn)
	if err != nil {
		return err
	}
	if current == 0 {
		if err := checkNames(ctx, conn); err != nil {
			return err
		}
		if err := mark(ctx, conn); err != nil {
			return err
		}
	}
	for next := current + 1; next <= schemaVersion; next++ {
		script, err := script(next)
		if err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, script); err != nil {
			return fmt.Errorf("migration %d: %w", next, err)
		}
	}
	_, err = conn.ExecContext(ctx, setVersion)
	return err
}

func script(version int) (string, error) {
	text, err := migrations.ReadFile(fmt.Sprintf("migrations/%04d.sql", version))
	return string(text), err
}

// setVersion notes the version of the schema.
var setVersion = fmt.Sprintf(`INSERT INTO later_meta (name, value) VALUES ('schema_version', '%d')
ON CONFLICT (name) DO UPDATE SET value = excluded.value`, schemaVersion)

// MigrationSQL is what is run in an empty file, for people who make it with tools of
// their own.
func MigrationSQL() (string, error) {
	text := ""
	for version := 1; version <= schemaVersion; version++ {
		script, err := script(version)
		if err != nil {
			return "", err
		}
		text += script
	}
	return text + "\n" + setVersion + ";\n", nil
}

// mark claims a file that holds nothing else.
func mark(ctx context.Context, conn *sql.Conn) error {
	var others int
	if err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&others); err != nil || others > 0 {
		return err
	}
	_, err := conn.ExecContext(ctx, "PRAGMA application_id="+strconv.Itoa(applicationID))
	return err
}

// readVersion is the version of the schema; 0 for a database without one.
func readVersion(ctx context.Context, conn *sql.Conn) (int, error) {
	var tables int
	err := conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'later_meta'").Scan(&tables)
	if err != nil || tables == 0 {
		return 0, err
	}
	var value string
	err = conn.QueryRowContext(ctx, "SELECT value FROM later_meta WHERE name = 'schema_version'").Scan(&value)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(value)
}
