// Package shop is examples/pgx with database/sql, over the driver of pgx.
package shop

import (
	"context"
	"database/sql"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/postgres"
)

// WelcomeArgs are the arguments of a WelcomeEmailJob.
type WelcomeArgs struct {
	Email string `json:"email" validate:"required,email"`
}

// PaymentArgs are the arguments of a BookPaymentJob.
type PaymentArgs struct {
	Email string `json:"email" validate:"required,email"`
	Cents int64  `json:"cents" validate:"min=1"`
}

// The definitions.
var (
	WelcomeEmail = later.Define[WelcomeArgs]("WelcomeEmailJob", later.Queue("mailers"))
	BookPayment  = later.Define[PaymentArgs]("BookPaymentJob", later.Queue("payments"), later.MaxRetries(10))
)

const tables = `
	CREATE TABLE IF NOT EXISTS accounts (email text PRIMARY KEY);
	CREATE TABLE IF NOT EXISTS orders   (id bigserial PRIMARY KEY, email text NOT NULL REFERENCES accounts, cents bigint NOT NULL);
	CREATE TABLE IF NOT EXISTS payments (id bigserial PRIMARY KEY, email text NOT NULL REFERENCES accounts, cents bigint NOT NULL)`

// Shop has its tables in the database of the jobs.
type Shop struct {
	db    *sql.DB
	store *postgres.Store
	queue *later.JobQueue
}

// Run performs the jobs of the shop until ctx ends, in the database of a pool.
func Run(ctx context.Context, pool *pgxpool.Pool, opts ...postgres.Option) error {
	store, err := postgres.New(pool, opts...)
	if err != nil {
		return err
	}
	defer store.Close() // leaves the pool open
	queue := later.New(store, later.Config{})
	shop, err := New(ctx, stdlib.OpenDBFromPool(pool), store, queue)
	if err != nil {
		return err
	}
	queue.Register(BookPayment.Do(shop.book), WelcomeEmail.Do(greet))
	return queue.Run(ctx)
}

// New makes the tables of the shop. db is on the database of the store.
func New(ctx context.Context, db *sql.DB, store *postgres.Store, queue *later.JobQueue) (*Shop, error) {
	if _, err := db.ExecContext(ctx, tables); err != nil {
		return nil, err
	}
	return &Shop{db, store, queue}, nil
}

func greet(ctx context.Context, args WelcomeArgs) error {
	later.Running(ctx).Logger.Info("welcome", "email", args.Email) // examples/email sends mail
	return nil
}

// SignUp stores an account and the job that greets its owner.
func (s *Shop) SignUp(ctx context.Context, email string) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO accounts (email) VALUES ($1)", email); err != nil {
			return err
		}
		_, err := WelcomeEmail.PerformLater(ctx, s.queue.Tx(s.store.SQLTx(tx)), WelcomeArgs{Email: email})
		return err
	})
}

// Order stores an order and the job that books its payment. The customer waits for
// that, so other processes are told with the commit.
func (s *Shop) Order(ctx context.Context, email string, cents int64) (job later.Job, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO orders (email, cents) VALUES ($1, $2)", email, cents); err != nil {
			return err
		}
		job, err = BookPayment.PerformLater(ctx, s.queue.Tx(s.store.SQLTx(tx)),
			PaymentArgs{Email: email, Cents: cents}, later.NotifyInTx())
		return err
	})
	return job, err
}

// book stores the payment and the end of its job with one commit.
func (s *Shop) book(ctx context.Context, args PaymentArgs) error {
	return s.within(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, "INSERT INTO payments (email, cents) VALUES ($1, $2)", args.Email, args.Cents); err != nil {
			return err
		}
		return later.CompleteTx(ctx, s.store.SQLTx(tx))
	})
}

// within commits what fn does, or nothing if it fails.
func (s *Shop) within(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}
