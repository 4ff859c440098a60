package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laterjobs/later/store"
)

// Tx makes a transaction of yours one that jobs can be stored and completed in:
// queue.Tx(store.Tx(tx)). It must work on the same database, best on Pool().
func (s *Store) Tx(tx pgx.Tx) store.Tx { return &userTx{store: s, on: s.through(tx)} }

// SQLTx is Tx for a transaction of database/sql with the driver of pgx
// (github.com/jackc/pgx/v5/stdlib).
func (s *Store) SQLTx(tx *sql.Tx) store.Tx { return &userTx{store: s, on: standard{tx}} }

type userTx struct {
	store *Store
	on    querier
}

// Of returns the store.
func (t *userTx) Of() store.Store { return t.store }

// Enqueue stores jobs that exist when the transaction commits.
func (t *userTx) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if len(jobs) == 0 {
		return nil, ctx.Err()
	}
	if hasKey(jobs) {
		return t.enqueueUnique(ctx, jobs, now)
	}
	e := &enqueuing{store: t.store}
	e.add(jobs, t.store.orNow(now))
	name, args := e.statement()
	if err := t.ask(ctx, name, args, e.scan); err != nil {
		return nil, err
	}
	if e.storeID != t.store.id {
		return nil, fmt.Errorf("%w: it works on another database; roll it back", store.ErrWrongTx)
	}
	n := &news{}
	e.committed(n)
	return e.answers, t.announce(ctx, jobs, n)
}

// enqueueUnique stores jobs of which some have a unique key. It may wait for the end of
// another transaction that has taken one.
func (t *userTx) enqueueUnique(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if err := t.belongs(ctx); err != nil {
		return nil, err
	}
	u := &uniquely{store: t.store, jobs: jobs, now: t.store.orNow(now)}
	if err := u.run(&session{t.store, ctx, t.on}); err != nil {
		return nil, t.store.classify(ctx, err)
	}
	return u.answers, t.announce(ctx, jobs, &u.news)
}

// announce tells the others. In the transaction, if that was asked for: then the
// message comes with the commit. Else by messages in the next seconds.
func (t *userTx) announce(ctx context.Context, jobs []store.NewJob, n *news) error {
	for _, job := range jobs {
		if job.NotifyInTx && !t.store.withoutListen {
			t.store.expect(n, t.store.hear) // this process may not hear the message
			_, err := t.on.Exec(ctx, "SELECT pg_notify($1, $2)", t.store.schema, announce("", n).text())
			return t.store.classify(ctx, err)
		}
	}
	t.store.expect(n, t.store.tell)
	return nil
}

// Finish ends claims when the transaction commits.
func (t *userTx) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	if err := t.belongs(ctx); err != nil {
		return nil, err
	}
	f := newFinishing(t.store, outcomes, t.store.orNow(now))
	if err := t.store.classify(ctx, f.run(&session{t.store, ctx, t.on})); err != nil {
		return nil, err
	}
	n := &news{}
	f.committed(n)
	t.store.expect(n, t.store.tell)
	return f.verdicts, nil
}

func (t *userTx) ask(ctx context.Context, name string, args []any, scan func(pgx.Rows) error) error {
	if t.store.closed.Load() {
		return store.ErrClosed
	}
	found, err := t.on.Query(ctx, t.store.query(name), args...)
	if err == nil {
		err = scan(found)
	}
	return t.foreign(t.store.classify(ctx, err))
}

// foreign: a database without our tables is another one.
func (t *userTx) foreign(err error) error {
	var failure *pgconn.PgError
	if errors.As(err, &failure) && (failure.Code == "42P01" || failure.Code == "3F000") {
		return fmt.Errorf("%w: no store in its database: %w", store.ErrWrongTx, failure)
	}
	return err
}

// belongs insists that the transaction works on this store's database.
func (t *userTx) belongs(ctx context.Context) error {
	if t.store.closed.Load() {
		return store.ErrClosed
	}
	var id string
	err := (&session{t.store, ctx, t.on}).query("store_id", func(r row) error { return r.Scan(&id) })
	if err = t.foreign(t.store.classify(ctx, err)); err != nil {
		return err
	}
	if id != t.store.id {
		return fmt.Errorf("%w: it works on another database", store.ErrWrongTx)
	}
	return nil
}
