package main

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// PackArgs are the arguments of a PackOrderJob.
type PackArgs struct {
	OrderID int64 `json:"order_id" validate:"required"`
}

// Pack is the definition of the job that every order brings.
var Pack = later.Define[PackArgs]("PackOrderJob",
	later.Description("Packs an order"),
	later.Queue("warehouse"),
	later.Exponential(time.Second, time.Minute),
	later.Timeout(time.Minute))

// JobTargetID makes the order the job's target.
func (a PackArgs) JobTargetID() string { return fmt.Sprintf("order/%d", a.OrderID) }

// Order is a row, and what the page shows.
type Order struct {
	ID     int64
	Item   string
	Packed bool
}

// Shop keeps orders in the database that the jobs are in.
type Shop struct {
	store *sqlite.Store
	queue *later.JobQueue
	work  time.Duration // that packing takes
}

// NewShop makes the table of the orders.
func NewShop(ctx context.Context, store *sqlite.Store, queue *later.JobQueue, work time.Duration) (*Shop, error) {
	_, err := store.DB().ExecContext(ctx, `CREATE TABLE IF NOT EXISTS orders (
		id INTEGER PRIMARY KEY, item TEXT NOT NULL CHECK (item <> ''), packed_at TEXT)`)
	if err != nil {
		return nil, fmt.Errorf("make the table of the orders: %w", err)
	}
	return &Shop{store, queue, work}, nil
}

// Handlers performs the shop's jobs.
func (s *Shop) Handlers() []later.Handler { return []later.Handler{Pack.Do(s.pack)} }

// Order stores an order and the job that packs it: both, or neither.
func (s *Shop) Order(ctx context.Context, item string) (id int64, err error) {
	err = s.within(ctx, func(tx *sql.Tx) error {
		done, err := tx.ExecContext(ctx, "INSERT INTO orders (item) VALUES (?)", item)
		if err != nil {
			return fmt.Errorf("order %q: %w", item, err)
		}
		if id, err = done.LastInsertId(); err != nil {
			return err
		}
		_, err = Pack.PerformLater(ctx, s.queue.Tx(s.store.Tx(tx)), PackArgs{OrderID: id})
		return err
	})
	return id, err
}

// pack performs the job. Its effect and its completion are one transaction: a process
// that dies leaves both undone, or both done.
func (s *Shop) pack(ctx context.Context, args PackArgs) error {
	select {
	case <-time.After(s.work):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return s.within(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE orders SET packed_at = datetime() WHERE id = ?", args.OrderID)
		if err != nil {
			return err
		}
		return later.CompleteTx(ctx, s.store.Tx(tx))
	})
}

// Orders are the newest twenty.
func (s *Shop) Orders(ctx context.Context) ([]Order, error) {
	rows, err := s.store.DB().QueryContext(ctx, "SELECT id, item, packed_at IS NOT NULL FROM orders ORDER BY id DESC LIMIT 20")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var orders []Order
	for rows.Next() {
		var o Order
		if err := rows.Scan(&o.ID, &o.Item, &o.Packed); err != nil {
			return nil, err
		}
		orders = append(orders, o)
	}
	return orders, rows.Err()
}

// within commits what fn does, or nothing if it fails.
func (s *Shop) within(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := s.store.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after the commit
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}
