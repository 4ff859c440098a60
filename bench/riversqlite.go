package main

import (
	"context"
	"database/sql"

	"github.com/riverqueue/river/riverdriver/riversqlite"
	_ "modernc.org/sqlite"
)

// riverOnSQLite is River on a file, as its documentation says: one connection, and the
// write-ahead log. Fewer workers than on PostgreSQL, which a study of its settings
// found best there.
func riverOnSQLite() system {
	r := bestRiver().(river)
	r.label, r.workers, r.on = "river-sqlite", 1000, riverSQLite{}
	return r
}

type riverSQLite struct{}

func (riverSQLite) settings() string { return "driver modernc, WAL, synchronous FULL, 1 connection" }

func (riverSQLite) makeRoom(context.Context, *server) (place, error) { return createFile("river.db") }

func (riverSQLite) migrate(ctx context.Context, address string) error {
	db, err := openModernc(address)
	if err != nil {
		return err
	}
	defer db.Close()
	return riverMigrate(ctx, riversqlite.New(db))
}

func openModernc(address string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+address+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

func (riverSQLite) open(_ context.Context, address string, r river) (session, error) {
	db, err := openModernc(address)
	if err != nil {
		return nil, err
	}
	return newRiverSession(r, riversqlite.New(db), riverReads{
		left: func(ctx context.Context) (some bool, err error) {
			err = db.QueryRowContext(ctx, riverUnfinished).Scan(&some)
			return some, err
		},
		queues:    func(ctx context.Context) ([]string, error) { return readQueues(ctx, db) },
		closeOver: func() { _ = db.Close() },
	})
}

func readQueues(ctx context.Context, db *sql.DB) (names []string, err error) {
	rows, err := db.QueryContext(ctx, riverQueues)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, rows.Err()
}
