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

// session runs named statements: on a connection, in a transaction, or through
// the pool.
type session struct {
	store *Store
	ctx   context.Context
	on    querier
}

// querier is what a session needs of pgx.
type querier interface {
	Query(ctx context.Context, text string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error)
}

// through is how statements go over a connection or a pool that may be the user's.
func (s *Store) through(on querier) querier {
	if s.pooled {
		return unprepared{on}
	}
	return on
}

// unprepared prepares no statements on the server: behind a pooler they stay with one
// connection, and the next statement may go over another.
type unprepared struct{ on querier }

func (u unprepared) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	return u.on.Query(ctx, text, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

func (u unprepared) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	return u.on.Exec(ctx, text, append([]any{pgx.QueryExecModeCacheDescribe}, args...)...)
}

// row is a row of an answer.
type row interface{ Scan(...any) error }

func (s *session) exec(name string, args ...any) (changed int64, err error) {
	tag, err := s.on.Exec(s.ctx, s.store.query(name), args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return tag.RowsAffected(), nil
}

// query calls scan for each row.
func (s *session) query(name string, scan func(row) error, args ...any) error {
	return s.queryText(name, s.store.query(name), scan, args...)
}

func (s *session) queryText(name, text string, scan func(row) error, args ...any) error {
	found, err := s.on.Query(s.ctx, text, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return each(name, found, scan)
}

func each(name string, found pgx.Rows, scan func(row) error) error {
	defer found.Close()
	for found.Next() {
		if err := scan(found); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// ids runs a statement that returns ids.
func (s *session) ids(name string, args ...any) (list []int64, err error) {
	err = s.query(name, func(r row) error {
		var id int64
		err := r.Scan(&id)
		list = append(list, id)
		return err
	}, args...)
	return list, err
}

// inTx runs fn in a transaction of one connection or of the pool.
func (s *Store) inTx(ctx context.Context, on beginner, fn func(*session) error) error {
	tx, err := on.Begin(ctx)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotBegun, err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) // does nothing after a commit
	if err := fn(&session{s, ctx, s.through(tx)}); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// inOwnTx runs fn in a transaction of one of the store's own connections.
func (s *Store) inOwnTx(ctx context.Context, conn *pgx.Conn, durable bool, fn func(*session) error) error {
	return s.inTxWith(ctx, conn, s.settings(durable), fn)
}

// inShortTx is inOwnTx, durable, for statements none of which may take longer than most:
// see tookTooLong.
func (s *Store) inShortTx(ctx context.Context, conn *pgx.Conn, most time.Duration, fn func(*session) error) error {
	settings := fmt.Sprintf("set_config('statement_timeout', '%d', true)", most.Milliseconds())
	if others := s.settings(true); others != "" {
		settings += ", " + others
	}
	return s.inTxWith(ctx, conn, settings, fn)
}

func (s *Store) inTxWith(ctx context.Context, conn *pgx.Conn, settings string, fn func(*session) error) error {
	begin := "BEGIN"
	if settings != "" {
		begin += "; SELECT " + settings // in the same round trip
	}
	return s.inTx(ctx, beginning{conn, begin}, fn)
}

// beginning begins transactions with more than BEGIN.
type beginning struct {
	conn *pgx.Conn
	with string
}

func (b beginning) Begin(ctx context.Context) (pgx.Tx, error) {
	return b.conn.BeginTx(ctx, pgx.TxOptions{BeginQuery: b.with})
}

// errNotBegun marks the failure of a transaction that has not begun.
var errNotBegun = errors.New("begin a transaction")

type beginner interface {
	Begin(ctx context.Context) (pgx.Tx, error)
}

// standard makes a transaction of database/sql a querier.
type standard struct{ tx *sql.Tx }

func (s standard) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	found, err := s.tx.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return standardRows{found: found}, nil
}

func (s standard) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	_, err := s.tx.ExecContext(ctx, text, args...)
	return pgconn.CommandTag{}, err
}

// standardRows are rows of database/sql as far as each needs them.
type standardRows struct {
	pgx.Rows // nil: each calls none of its other methods
	found    *sql.Rows
}

func (r standardRows) Next() bool             { return r.found.Next() }
func (r standardRows) Scan(dest ...any) error { return r.found.Scan(dest...) }
func (r standardRows) Err() error             { return r.found.Err() }
func (r standardRows) Close()                 { r.found.Close() }

// read runs fn over the pool, on one snapshot if it asks more than once.
func (s *Store) read(ctx context.Context, fn func(*session) error) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	return s.reading(ctx, func() error {
		return pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
			func(tx pgx.Tx) error { return fn(&session{s, ctx, s.through(tx)}) })
	})
}

// readOnce runs fn, which asks once, over the pool.
func (s *Store) readOnce(ctx context.Context, fn func(*session) error) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	return s.reading(ctx, func() error { return fn(&session{s, ctx, s.through(s.pool)}) })
}

// reading tries again whatever the network or the server does: to read twice does
// no harm. fn starts its answer anew.
func (s *Store) reading(ctx context.Context, fn func() error) error {
	lost := func(err error) bool {
		return ctx.Err() == nil && errors.Is(classify(err), store.ErrUnavailable)
	}
	return s.classify(ctx, s.insist(ctx, lost, fn))
}

// classify makes an error match a sentinel of the contract. The end of the caller's
// context is told as such, however the driver words it.
func (s *Store) classify(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closed.Load():
		return errors.Join(store.ErrClosed, err)
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return classify(err)
}
