package latercli

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/user"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// Address says where a store is.
type Address interface {
	String() string // for people: without a password
	// Open opens a store that exists, as it is.
	Open(ctx context.Context) (store.Store, error)
	// Create opens a store, and makes it if there is none. migrate brings an older one
	// up to date; without it that is up to the kind of store.
	Create(ctx context.Context, migrate bool) (store.Store, error)
	// MigrationSQL is what makes an empty store.
	MigrationSQL() (string, error)
	// MigrateTo brings a store to a version, up or down; 0 removes it. ErrUsage: this
	// kind of store has only one.
	MigrateTo(ctx context.Context, version int) error
}

// address is the store that --db names.
func (a *app) address() (Address, error) {
	db := a.db
	if db == "" { // not as the flag's default: help would show the password
		db = os.Getenv("LATER_DB")
	}
	return a.program.At(db, a.schema, "db")
}

// withQueue calls do with the queue of the mounted command, or else opens the store, which
// must exist, for the length of the call.
func (a *app) withQueue(ctx context.Context, do func(context.Context, *later.JobQueue) error) (err error) {
	ctx = later.By(ctx, whoTypes(), later.FromCLI)
	if a.queue != nil {
		return do(ctx, a.queue)
	}
	at, err := a.address()
	if err != nil {
		return err
	}
	store, err := at.Open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(ctx, later.New(store, later.Config{Logger: a.logger()}))
}

// whoTypes is who uses the command line, for the audit: a name of the system's.
func whoTypes() string {
	name := os.Getenv("USER")
	if known, err := user.Current(); err == nil {
		name = known.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// logger tells people of what is wrong; that they have changed something they know.
func (a *app) logger() *slog.Logger {
	if a.fullScreen {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(a.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
}
