package main

import (
	"context"
	"errors"

	"github.com/laterjobs/later"
)

// address is the store that --db names.
func (a *app) address() (address, error) { return newAddress(a.db, a.schema, "db") }

// withQueue opens the store, which must exist, for the length of one call.
func (a *app) withQueue(ctx context.Context, do func(context.Context, *later.JobQueue) error) (err error) {
	at, err := a.address()
	if err != nil {
		return err
	}
	store, err := at.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(ctx, later.New(store, later.Config{}))
}
