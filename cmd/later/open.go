package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// withQueue opens the store, which must exist, for the length of one call.
func (a *app) withQueue(ctx context.Context, do func(context.Context, *later.JobQueue) error) (err error) {
	if a.db == "" {
		return usagef("which store? Give --db FILE, or set LATER_DB")
	}
	if _, err := os.Stat(a.db); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no store at %s: check the path, or create one with later migrate: %w", a.db, err)
		}
		return fmt.Errorf("open %s: %w", a.db, err)
	}
	store, err := sqlite.Open(a.db, sqlite.WithoutMigration())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(ctx, later.New(store, later.Config{}))
}
