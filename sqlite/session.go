package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/laterjobs/later/store"
)

// session runs named statements in one transaction: the writer's, or one of
// the user's.
type session struct {
	prepare func(name string) (statement, error)
	wake    store.Wake // what the transaction changes, for those who listen
}

// statement is what a session needs of a *sql.Stmt.
type statement interface {
	ExecContext(ctx context.Context, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, args ...any) (*sql.Rows, error)
}

// Statements of a transaction are not interrupted: the callers whose context
// ends stop waiting instead.
var uninterrupted = context.Background()

func (s *session) exec(name string, args ...any) (changed int64, err error) {
	result, err := s.result(name, name, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// insert runs a named statement that inserts one row, and returns its rowid.
func (s *session) insert(name string, args ...any) (id int64, err error) {
	result, err := s.result(name, name, args)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// result runs a named statement, or a text made of it.
func (s *session) result(name, text string, args []any) (sql.Result, error) {
	statement, err := s.prepare(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	result, err := statement.ExecContext(uninterrupted, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return result, nil
}

// query calls scan for each row.
func (s *session) query(name string, scan func(*sql.Rows) error, args ...any) error {
	statement, err := s.prepare(name)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	found, err := statement.QueryContext(uninterrupted, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return each(name, found, scan)
}

func each(name string, found *sql.Rows, scan func(*sql.Rows) error) error {
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

// list runs a statement that returns ids.
func (s *session) list(name string, args ...any) (ids []int64, err error) {
	err = s.query(name, func(r *sql.Rows) error {
		var id int64
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	}, args...)
	return ids, err
}

// numbers draws n ids or positions and returns the first.
func (s *session) numbers(n int) (first int64, err error) {
	var last int64
	err = s.query("next_numbers", func(r *sql.Rows) error { return r.Scan(&last) }, n)
	return last - int64(n) + 1, err
}

// execIDs runs statements for the ids, if there are any.
func (s *session) execIDs(list []int64, names ...string) error {
	if len(list) == 0 {
		return nil
	}
	text := ids(list)
	for _, name := range names {
		if _, err := s.exec(name, text); err != nil {
			return err
		}
	}
	return nil
}
