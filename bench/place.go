package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
)

// A place is where one cell keeps its jobs.
type place interface {
	address() string
	// vacuum brings statistics and visibility up to date.
	vacuum(ctx context.Context) error
	// checkpoint writes out what the server still holds in memory, so that no
	// cell pays for what came before.
	checkpoint(ctx context.Context) error
	// logged is how many bytes have ever been written to the write-ahead log; 0
	// where the place cannot tell.
	logged(ctx context.Context) (bytes int64, err error)
	// pin holds the vacuum horizon until release, which fails if it was lost.
	pin(ctx context.Context) (release func() error, err error)
	// size is how many bytes the jobs and all that belongs to them take on the disk; 0
	// where the place cannot tell.
	size(ctx context.Context) (bytes int64, err error)
	// process is the id of a server of its own, 0: it has none.
	process() int
	remove(ctx context.Context) error
}

// database is a database of the server's, made for one cell.
type database struct {
	name, url string
	admin     *pgx.Conn // in this database
	server    *server
}

func (s *server) createDatabase(ctx context.Context, name string) (*database, error) {
	if err := s.dropDatabase(ctx, name); err != nil { // of a run that was killed
		return nil, err
	}
	if _, err := s.admin.Exec(ctx, "CREATE DATABASE "+name); err != nil {
		return nil, fmt.Errorf("create database %s: %w", name, err)
	}
	url, err := s.urlOf(name)
	if err != nil {
		return nil, err
	}
	admin, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	return &database{name, url, admin, s}, nil
}

func (s *server) dropDatabase(ctx context.Context, name string) error {
	if _, err := s.admin.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
		return fmt.Errorf("drop database %s: %w", name, err)
	}
	return nil
}

func (d *database) address() string { return d.url }

func (d *database) vacuum(ctx context.Context) error     { return d.command(ctx, "VACUUM ANALYZE") }
func (d *database) checkpoint(ctx context.Context) error { return d.command(ctx, "CHECKPOINT") }

func (d *database) command(ctx context.Context, command string) error {
	if _, err := d.admin.Exec(ctx, command); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

func (d *database) logged(ctx context.Context) (bytes int64, err error) {
	err = d.admin.QueryRow(ctx, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint").Scan(&bytes)
	return bytes, err
}

// pin begins what a forgotten report or a backup does: a transaction with a
// number and a snapshot.
func (d *database) pin(ctx context.Context) (func() error, error) {
	conn, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return nil, err
	}
	for _, command := range []string{
		"BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT txid_current()", "SELECT count(*) FROM pg_class",
	} {
		if _, err := conn.Exec(ctx, command); err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
	}
	return func() error {
		defer conn.Close(ctx)
		if _, err := conn.Exec(ctx, "SELECT count(*) FROM pg_class"); err != nil {
			return fmt.Errorf("the pinned horizon was lost: %w", err)
		}
		_, err := conn.Exec(ctx, "COMMIT")
		return err
	}, nil
}

func (d *database) size(ctx context.Context) (bytes int64, err error) {
	err = d.admin.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes)
	return bytes, err
}

func (*database) process() int { return 0 } // all databases have the same server

func (d *database) remove(ctx context.Context) error {
	_ = d.admin.Close(ctx)
	return d.server.dropDatabase(ctx, d.name)
}

// file is the place of a system that embeds its database.
type file struct{ path string }

func createFile(name string) (place, error) {
	dir, err := os.MkdirTemp("", "bench-")
	if err != nil {
		return nil, err
	}
	return file{filepath.Join(dir, name)}, nil
}

func (f file) address() string                { return f.path }
func (file) vacuum(context.Context) error     { return nil }
func (file) checkpoint(context.Context) error { return nil }
func (f file) remove(context.Context) error   { return os.RemoveAll(filepath.Dir(f.path)) }

func (f file) size(context.Context) (bytes int64, err error) {
	for _, name := range []string{f.path, f.path + "-wal"} {
		about, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		bytes += about.Size()
	}
	return bytes, nil
}

func (file) process() int { return 0 }

func (file) logged(context.Context) (int64, error) { return 0, nil }

func (file) pin(context.Context) (func() error, error) {
	return nil, fmt.Errorf("a file has no vacuum horizon: %w", errSkip)
}
