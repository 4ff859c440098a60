//go:build cgo

package main

import (
	"context"
	"database/sql"
	"net/url"

	_ "github.com/mattn/go-sqlite3"
)

func init() { systems = append(systems, goqiteOnSQLite(), backliteOnSQLite()) }

// openMattn opens a file with the driver that goqite and backlite document, which
// needs cgo, and with full durability, which it does not have by default.
func openMattn(address string) (*sql.DB, error) {
	options := url.Values{"_journal_mode": {"WAL"}, "_synchronous": {"FULL"}, "_timeout": {"5000"}}
	db, err := sql.Open("sqlite3", "file:"+address+"?"+options.Encode())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

const mattnSettings = "driver mattn (cgo), WAL, synchronous FULL, 1 connection"

// anyRow reports whether a table has rows.
func anyRow(ctx context.Context, db *sql.DB, table string) (some bool, err error) {
	err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM "+table+")").Scan(&some)
	return some, err
}
