package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
)

// floorSQLite is what floorPostgres is, in a file.
type floorSQLite struct{}

func floorOnSQLite() system { return floorSQLite{} }

const floorFileTables = `
	CREATE TABLE job (id INTEGER PRIMARY KEY, type TEXT NOT NULL, queue TEXT NOT NULL, priority INTEGER NOT NULL,
		args TEXT NOT NULL, queued_at INTEGER NOT NULL) STRICT;
	CREATE TABLE ready (id INTEGER PRIMARY KEY) STRICT;
	CREATE TABLE finished (id INTEGER PRIMARY KEY, status INTEGER NOT NULL, finished_at INTEGER NOT NULL) STRICT`

const (
	floorFileStore = `INSERT INTO job (type, queue, priority, args, queued_at)
		SELECT 'NoopJob', 'default', 0, value, unixepoch() FROM json_each(?)`
	floorFileLine   = `INSERT INTO ready SELECT id FROM job WHERE id > ?`
	floorFileLast   = `SELECT coalesce(max(id), 0) FROM job`
	floorFileTake   = `SELECT id, args FROM job WHERE id IN (SELECT id FROM ready ORDER BY id LIMIT ?)`
	floorFileGone   = `DELETE FROM ready WHERE id IN (SELECT value FROM json_each(?))`
	floorFileFinish = `INSERT INTO finished SELECT value, 1, unixepoch() FROM json_each(?)`
)

func (floorSQLite) name() string    { return "floor-sqlite" }
func (floorSQLite) version() string { return "hand-written batches" }
func (floorSQLite) settings() string {
	return fmt.Sprintf("%d jobs taken and finished in one transaction, driver modernc, WAL, synchronous FULL, 1 connection", floorBatch)
}

func (floorSQLite) prepare(ctx context.Context, _ *server) (place, error) {
	room, err := createFile("floor.db")
	if err != nil {
		return nil, err
	}
	db, err := openModernc(room.address())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, floorFileTables)
	return room, err
}

func (floorSQLite) open(_ context.Context, address string) (session, error) {
	db, err := openModernc(address)
	return &floorSQLiteSession{db: db}, err
}

type floorSQLiteSession struct {
	db *sql.DB
	hands
	mu sync.Mutex // a file has one writer
}

func (s *floorSQLiteSession) enqueue(ctx context.Context, n int64) error {
	return s.enqueueMany(ctx, []int64{n}, true)
}

func (s *floorSQLiteSession) enqueueMany(ctx context.Context, ns []int64, _ bool) error {
	texts := make([]string, len(ns))
	for i, n := range ns {
		texts[i] = floorArgs(n)
	}
	args, err := json.Marshal(texts)
	if err != nil {
		return err
	}
	return s.within(ctx, func(tx *sql.Tx) error {
		var last int64
		if err := tx.QueryRowContext(ctx, floorFileLast).Scan(&last); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, floorFileStore, string(args)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, floorFileLine, last)
		return err
	})
}

func (s *floorSQLiteSession) within(ctx context.Context, do func(tx *sql.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

func (s *floorSQLiteSession) start(ctx context.Context, events events) error {
	s.work(ctx, 1, func(ctx context.Context) (int, error) { return s.turn(ctx, events) })
	return nil
}

func (s *floorSQLiteSession) turn(ctx context.Context, events events) (jobs int, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		ids, err := takeFloor(ctx, tx, events)
		if err != nil || len(ids) == 0 {
			return err
		}
		jobs = len(ids)
		list, err := json.Marshal(ids)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, floorFileGone, string(list)); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, floorFileFinish, string(list))
		return err
	})
	return jobs, err
}

func takeFloor(ctx context.Context, tx *sql.Tx, events events) (ids []int64, err error) {
	rows, err := tx.QueryContext(ctx, floorFileTake, floorBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var args []byte
		if err := rows.Scan(&id, &args); err != nil {
			return nil, err
		}
		ids = append(ids, id)
		if err := performFloor(args, events); err != nil {
			return nil, err
		}
	}
	return ids, rows.Err()
}

func (s *floorSQLiteSession) unfinished(ctx context.Context) (bool, error) {
	var some bool
	err := s.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM ready)").Scan(&some)
	return some, err
}

func (s *floorSQLiteSession) close() { _ = s.db.Close() }
