package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/laterjobs/later/store"
)

// Tx makes a transaction of yours one that jobs can be stored and completed in:
// queue.Tx(store.Tx(tx)). It must work on the same database file, best on DB().
// As with any writing transaction of SQLite, others cannot write while it is
// open; begin it with BEGIN IMMEDIATE if it reads first (the connections of DB()
// do).
func (s *Store) Tx(tx *sql.Tx) store.Tx { return &userTx{store: s, tx: tx} }

type userTx struct {
	store *Store
	tx    *sql.Tx
}

// Of returns the store.
func (t *userTx) Of() store.Store { return t.store }

// Enqueue stores jobs that exist when the transaction commits.
func (t *userTx) Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error) {
	if len(jobs) == 0 {
		return nil, ctx.Err()
	}
	answers, jobsIn, _ := prepareEnqueue(jobs, orNow(now))
	store, u := func(s *session) error { return insertJobs(s, jobsIn) }, &uniquely{}
	if hasKey(jobs) {
		u.jobs, u.now = jobsIn, jobsIn[0].now
		store = u.run
	}
	if err := t.run(ctx, store); err != nil || u.duplicate != nil {
		return nil, cmp.Or(err, u.duplicate)
	}
	return answers, nil
}

// Finish ends claims when the transaction commits.
func (t *userTx) Finish(ctx context.Context, outcomes []store.Outcome, now time.Time) ([]store.Verdict, error) {
	f := &finishing{outcomes: outcomes, now: orNow(now)}
	if err := t.run(ctx, f.run); err != nil {
		return nil, err
	}
	return f.verdicts, nil
}

func (t *userTx) run(ctx context.Context, fn func(*session) error) error {
	s := &session{prepare: within{ctx, t.tx}.statement}
	if t.store.closed.Load() {
		return store.ErrClosed
	}
	if err := t.store.files.check(); err != nil {
		return err
	}
	if err := t.belongs(s); err != nil {
		return err
	}
	if err := fn(s); err != nil {
		return classify(err)
	}
	// Nobody tells when the transaction commits; the listeners look a little
	// more often for a while.
	t.store.expect()
	return nil
}

// belongs insists that the transaction works on this store's database.
func (t *userTx) belongs(s *session) error {
	var id string
	err := s.query("store_id", func(r *sql.Rows) error { return r.Scan(&id) })
	if err != nil {
		return fmt.Errorf("%w: no store in it: %w", store.ErrWrongTx, classify(err))
	}
	if id != t.store.id {
		return fmt.Errorf("%w: it works on another file", store.ErrWrongTx)
	}
	return nil
}
