//go:build linux

package main

import (
	"context"
	"time"

	"github.com/laterjobs/later/internal/chaos/check"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/store"
)

// database is the store under attack, as the supervisor sees it: directly.
type database interface {
	store() store.Store
	// address is what a child opens. The proxy is that of its slot, if it has one.
	address(*pgtest.Proxy) string
	// proxy is one that listens at an address of this machine.
	proxy(at string) (*pgtest.Proxy, error)
	// moves, attempts and rows read what the triggers of the run and the store have
	// written. Times of moves are microseconds of the wall clock.
	moves(ctx context.Context) ([]check.Move, error)
	attempts(ctx context.Context) ([]check.Attempt, error)
	rows(ctx context.Context) (map[int64]int, error)
	audit(ctx context.Context) (check.Audit, error)
	faults(*nemesis) []fault
	// heal ends whatever its faults may have left.
	heal() error
	close()
}

func openDatabase(name, folder string, length time.Duration) (database, error) {
	if name == "sqlite" {
		return openFile(folder, length)
	}
	return openServer()
}
