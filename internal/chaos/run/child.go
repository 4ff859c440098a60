//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// childVariable holds the orders of a process that this program has started.
const childVariable = "LATER_CHAOS_CHILD"

// orders are what a child is told.
type orders struct {
	Role    string // worker, producer or ledger
	Name    string // of this incarnation
	Host    string // empty: the machine's name
	Store   string // sqlite or postgres
	Address string // a path or a URL
	Folder  string // of the run's files
	Seed    uint64
	Rate    float64 // jobs a second that a producer enqueues
	Times   times
}

// times are what the processes of a run are configured with.
type times struct{ Beat, TimeToDie, SoftStop, HardStop time.Duration }

func (o orders) ledger() string { return filepath.Join(o.Folder, "ledger") }

// beChild does a child's work and ends the process, if it is one.
func beChild() {
	text := os.Getenv(childVariable)
	if text == "" {
		return
	}
	var o orders
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		err = o.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func (o orders) run() error {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if o.Host != "" {
		if err := syscall.Sethostname([]byte(o.Host)); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log, err := history.Create(filepath.Join(o.Folder, o.Name+".history"))
	if err != nil {
		return err
	}
	if o.Role == "ledger" {
		return o.keepLedger(ctx, log)
	}
	if o.Store == "sqlite" {
		if err := o.followDisk(ctx, log); err != nil {
			return err
		}
	}
	db, err := o.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if o.Role == "producer" {
		return o.produce(ctx, db, log)
	}
	return o.work(ctx, db, log)
}

// opened is a store with what a user's program does beside it.
type opened interface {
	store.Store
	// inTx runs fn in a transaction of the user's own. commit reports whether its end
	// was a COMMIT that may have happened although err is not nil.
	inTx(ctx context.Context, fn func(tx store.Tx, exec func(query string, args ...any) error) error) (commit bool, err error)
	// hog keeps the user's connections for a while.
	hog(ctx context.Context, d time.Duration) error
}

func (o orders) open(ctx context.Context) (opened, error) {
	if o.Store == "sqlite" {
		s, err := sqlite.Open(o.Address)
		return file{s}, err
	}
	s, err := postgres.Open(ctx, o.Address)
	return server{s}, err
}

type file struct{ *sqlite.Store }

func (f file) inTx(ctx context.Context, fn func(store.Tx, func(string, ...any) error) error) (bool, error) {
	tx, err := f.DB().BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	err = fn(f.Tx(tx), func(query string, args ...any) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return err
	})
	if err != nil {
		return false, err
	}
	return true, tx.Commit()
}

func (f file) hog(ctx context.Context, d time.Duration) error {
	return holdSnapshot(ctx, f.DB(), d)
}

type server struct{ *postgres.Store }

func (s server) inTx(ctx context.Context, fn func(store.Tx, func(string, ...any) error) error) (bool, error) {
	tx, err := s.Pool().Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	err = fn(s.Tx(tx), func(query string, args ...any) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		return false, err
	}
	return true, tx.Commit(ctx)
}

// hog takes every connection of the pool: the readers of the store have none.
func (s server) hog(ctx context.Context, d time.Duration) error {
	var taken []interface{ Release() }
	defer func() {
		for _, conn := range taken {
			conn.Release()
		}
	}()
	patience, stop := context.WithTimeout(ctx, d/4)
	defer stop()
	for range s.Pool().Config().MaxConns {
		conn, err := s.Pool().Acquire(patience)
		if err != nil {
			break // others hog as well
		}
		taken = append(taken, conn)
		if _, err := conn.Exec(ctx, "SELECT 1", pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
	return pause(ctx, d)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
