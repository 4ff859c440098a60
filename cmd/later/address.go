package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"

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

// newAddress refuses what is no address. It quotes nothing: there may be a password
// in it.
func newAddress(db, schema, flag string) (address, error) {
	switch {
	case db == "":
		return address{}, usagef("which store? Give --%s with a file or a postgres:// URL%s", flag, orVariable(flag))
	case isURL(db):
		return address{db, schema}, nil
	case strings.Contains(db, "://"), strings.Contains(db, "password="):
		return address{}, usagef("--%s takes a file or a URL of the form postgres://user:password@host/database", flag)
	case schema != "":
		return address{}, usagef("--schema %q: a file has no schemas; they are PostgreSQL's", schema)
	}
	return address{db: db}, nil
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

func (a address) options(more ...postgres.Option) []postgres.Option {
	if a.schema != "" {
		more = append(more, postgres.Schema(a.schema))
	}
	return more
}

// open opens a store that exists, as it is.
func (a address) open(ctx context.Context) (store.Store, error) {
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

// create opens a store, and makes it if there is none.
func (a address) create(ctx context.Context, opts ...postgres.Option) (store.Store, error) {
	if isURL(a.db) {
		return postgres.Open(ctx, a.db, a.options(opts...)...)
	}
	return sqlite.Open(a.db)
}
