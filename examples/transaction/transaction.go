// Package transaction stores an account and the job that greets its owner in one
// transaction: either both exist or neither.
package transaction

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// WelcomeArgs are the arguments of a WelcomeEmailJob.
type WelcomeArgs struct {
	Email string `json:"email" validate:"required,email"`
}

// WelcomeEmail is the definition.
var WelcomeEmail = later.Define[WelcomeArgs]("WelcomeEmailJob", later.Queue("mailers"))

// Accounts keeps accounts in the database that the jobs are in.
type Accounts struct {
	store *sqlite.Store
	queue *later.JobQueue
}

// New makes the table of the accounts.
func New(ctx context.Context, store *sqlite.Store, queue *later.JobQueue) (*Accounts, error) {
	_, err := store.DB().ExecContext(ctx, "CREATE TABLE IF NOT EXISTS accounts (email TEXT PRIMARY KEY)")
	if err != nil {
		return nil, fmt.Errorf("make the table of the accounts: %w", err)
	}
	return &Accounts{store, queue}, nil
}

// SignUp stores an account and the job that greets its owner.
func (a *Accounts) SignUp(ctx context.Context, email string) error {
	return a.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO accounts (email) VALUES (?)", email)
		if err != nil {
			return err
		}
		_, err = WelcomeEmail.PerformLater(ctx, a.queue.Tx(a.store.Tx(tx)), WelcomeArgs{Email: email})
		return err
	})
}

// within commits what fn does, or nothing if it fails.
func (a *Accounts) within(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := a.store.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}
