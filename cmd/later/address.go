package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latercli"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// address says where a store is: a file, or a schema of a PostgreSQL database.
type address struct {
	db     string // a path, or a URL
	schema string // "": the default one
}

func isURL(db string) bool {
	return strings.HasPrefix(db, "postgres://") || strings.HasPrefix(db, "postgresql://")
}

// at refuses what is no address. It quotes nothing: there may be a password in it.
func at(db, schema, flag string) (latercli.Address, error) {
	switch {
	case db == "":
		return nil, usagef("which store? Give --%s with a file or a postgres:// URL%s", flag, orVariable(flag))
	case isURL(db):
		return address{db, schema}, nil
	case strings.Contains(db, "://"), strings.Contains(db, "password="):
		return nil, usagef("--%s takes a file or a URL of the form postgres://user:password@host/database", flag)
	case schema != "":
		return nil, usagef("--schema %q: a file has no schemas; they are PostgreSQL's", schema)
	}
	return address{db: db}, nil
}

func usagef(format string, args ...any) error {
	return fmt.Errorf("%w: %w", latercli.ErrUsage, fmt.Errorf(format, args...))
}

func orVariable(flag string) string {
	if flag == "db" {
		return ", or set LATER_DB"
	}
	return ""
}

// String names the store for people, without a password.
func (a address) String() string {
	if !isURL(a.db) {
		return a.db
	}
	name := "a PostgreSQL database"
	if u, err := url.Parse(a.db); err == nil {
		query := url.Values{}
		for _, key := range []string{"host", "port", "dbname"} { // another way to say where
			if value := u.Query().Get(key); value != "" {
				query.Set(key, value)
			}
		}
		shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawQuery: query.Encode()}
		if user := u.User.Username(); user != "" {
			shown.User = url.User(user)
		}
		name = shown.String()
	}
	if a.schema != "" {
		name += " schema " + a.schema
	}
	return name
}

// options: that there is a pooler doctor says, and not every command.
func (a address) options(more ...postgres.Option) []postgres.Option {
	more = append(more, postgres.Logger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	if a.schema != "" {
		more = append(more, postgres.Schema(a.schema))
	}
	return more
}

// Open opens a store that exists, as it is.
func (a address) Open(ctx context.Context) (store.Store, error) {
	if isURL(a.db) {
		return postgres.Open(ctx, a.db, a.options(postgres.WithoutMigration())...)
	}
	if _, err := os.Stat(a.db); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("no store at %s: check the path, or create one with later migrate: %w", a.db, err)
	} else if err != nil {
		return nil, fmt.Errorf("open %s: %w", a.db, err)
	}
	return sqlite.Open(a.db, sqlite.WithoutMigration())
}

// Create opens a store, and makes it if there is none. A file is always brought up to date.
func (a address) Create(ctx context.Context, migrate bool) (store.Store, error) {
	switch {
	case !isURL(a.db):
		return sqlite.Open(a.db)
	case migrate:
		return postgres.Open(ctx, a.db, a.options(postgres.WithMigration())...)
	}
	return postgres.Open(ctx, a.db, a.options()...)
}

// MigrationSQL is what makes an empty store.
func (a address) MigrationSQL() (string, error) {
	if isURL(a.db) {
		return postgres.MigrationSQL(a.options()...)
	}
	return sqlite.MigrationSQL()
}

// MigrateTo brings a schema of PostgreSQL to a version.
func (a address) MigrateTo(ctx context.Context, version int) error {
	if !isURL(a.db) {
		return usagef("--to: a store in a file is always of the newest version; to be rid of it, delete the file")
	}
	pool, err := pgxpool.New(ctx, a.db)
	if err != nil { // it may quote the password
		return fmt.Errorf("%w: cannot read the URL of the database", later.ErrUnsuitable)
	}
	defer pool.Close()
	return postgres.MigrateTo(ctx, pool, version, a.options()...)
}
