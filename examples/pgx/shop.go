// Package shop keeps accounts and payments in PostgreSQL, with pgx. An account exists
// together with the job that greets its owner, or not at all; and a payment is booked
// once, however often its job is performed.
package shop

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

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

// Shop has its tables in the database that the jobs are in.
type Shop struct {
	store *postgres.Store
	queue *later.JobQueue
}

// Run opens the shop and performs its jobs until ctx ends.
func Run(ctx context.Context, url string, opts ...postgres.Option) error {
	store, err := postgres.Open(ctx, url, opts...)
	if err != nil {
		return err
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	shop, err := New(ctx, store, queue)
	if err != nil {
		return err
	}
	queue.Register(BookPayment.Do(shop.book), WelcomeEmail.Do(greet))
	return queue.Run(ctx)
}

// New makes the tables of the shop.
func New(ctx context.Context, store *postgres.Store, queue *later.JobQueue) (*Shop, error) {
	if _, err := store.Pool().Exec(ctx, tables); err != nil {
		return nil, fmt.Errorf("make the tables of the shop: %w", err)
	}
	return &Shop{store, queue}, nil
}

func greet(ctx context.Context, args WelcomeArgs) error {
	later.Running(ctx).Logger.Info("welcome", "email", args.Email) // examples/email sends mail
	return nil
}

// SignUp stores an account and the job that greets its owner.
func (s *Shop) SignUp(ctx context.Context, email string) error {
	return pgx.BeginFunc(ctx, s.store.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO accounts (email) VALUES ($1)", email); err != nil {
			return err
		}
		_, err := WelcomeEmail.PerformLater(ctx, s.queue.Tx(s.store.Tx(tx)), WelcomeArgs{Email: email})
		return err
	})
}

// Order stores an order and the job that books its payment. The customer waits for
// that, so other processes are told with the commit.
func (s *Shop) Order(ctx context.Context, email string, cents int64) (job later.Job, err error) {
	err = pgx.BeginFunc(ctx, s.store.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO orders (email, cents) VALUES ($1, $2)", email, cents); err != nil {
			return err
		}
		job, err = BookPayment.PerformLater(ctx, s.queue.Tx(s.store.Tx(tx)),
			PaymentArgs{Email: email, Cents: cents}, later.NotifyInTx())
		return err
	})
	return job, err
}

// book stores the payment and the end of its job with one commit.
func (s *Shop) book(ctx context.Context, args PaymentArgs) error {
	return pgx.BeginFunc(ctx, s.store.Pool(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO payments (email, cents) VALUES ($1, $2)", args.Email, args.Cents); err != nil {
			return err
		}
		return later.CompleteTx(ctx, s.store.Tx(tx))
	})
}
