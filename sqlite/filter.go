package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/laterjobs/later/internal/selection"
	"github.com/laterjobs/later/store"
)

// dialect is how SQLite writes the conditions of a filter.
var dialect = selection.Dialect{
	Placeholder: func(int) string { return "?" },
	Schema:      "later_",

	Integer:  "?",
	Text:     "%s",
	Contains: "instr(lower(%s), lower(?)) > 0", // not LIKE, which refuses long patterns; lower changes ASCII alone
	Occurs:   "instr(%s, ?) > 0",
	Begins:   "instr(%s, ?) = 1",
	Decimals: "%s GLOB '*[0-9][.eE]*'",
	OneOf:    "%s IN (SELECT value FROM json_each(?))",
	Led:      "j.id = %s", // the order of a CROSS JOIN stays
	// Tags that a person has spoiled are no tags: they must not spoil the list.
	Tags: "json_each(CASE WHEN json_valid(j.tags) THEN j.tags END) AS e",

	After:  "f.finished_at - f.started_at >= ?",
	Within: "f.finished_at - f.started_at <= ?",

	List:     func(list []int64) any { return ids(list) },
	Time:     func(micros int64) any { return micros },
	Storable: func(string) bool { return true },
}

// looker looks for jobs within a transaction.
type looker struct{ *session }

func (l looker) Reach(q selection.Query) (lowest, count int64, err error) {
	err = l.query(q.Text, func(r *sql.Rows) error {
		var id sql.NullInt64
		err := r.Scan(&id, &count)
		lowest = id.Int64
		return err
	}, q.Args...)
	return lowest, count, err
}

// errEnough ends a query early.
var errEnough = errors.New("enough")

func (l looker) Rows(q selection.Query, documents bool, each func(id int64, args, metadata, options []byte) bool) error {
	err := l.query(q.Text, func(r *sql.Rows) error {
		var id int64
		var args, metadata, options sql.RawBytes
		columns := []any{&id}
		if documents {
			columns = append(columns, &args, &metadata, &options)
		}
		if err := r.Scan(columns...); err != nil {
			return err
		}
		if !each(id, args, metadata, options) {
			return errEnough
		}
		return nil
	}, q.Args...)
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// List returns the jobs that f selects, newest first.
func (s *Store) List(ctx context.Context, f store.Filter) ([]store.Job, error) {
	found, err := s.look(ctx, func(l looker) (selection.Found, error) {
		return selection.Look(l, &dialect, f, nil, selection.Reach{Want: selection.Limit(f)})
	})
	return found.Jobs, err
}

// Search returns the jobs that f selects, as far as it reaches.
func (s *Store) Search(ctx context.Context, f store.Filter, reach store.Reach) (store.Found, error) {
	return s.look(ctx, func(l looker) (selection.Found, error) { return selection.Search(l, &dialect, f, reach) })
}

func (s *Store) look(ctx context.Context, look func(looker) (selection.Found, error)) (found store.Found, err error) {
	err = s.read(ctx, func(r *session) error {
		looked, err := look(looker{r})
		found = store.Found{Looked: looked.Looked, Next: looked.Next}
		if err != nil || len(looked.IDs) == 0 {
			return err
		}
		found.Jobs, err = readJobs(r, looked.IDs)
		return err
	})
	return found, err
}

func (l looker) Groups(q selection.Query, texts int, each func(values []string, jobs int64)) error {
	values, jobs := make([]string, texts), int64(0)
	var columns []any
	for i := range values {
		columns = append(columns, &values[i])
	}
	columns = append(columns, &jobs)
	return l.query(q.Text, func(r *sql.Rows) error {
		if err := r.Scan(columns...); err != nil {
			return err
		}
		each(values, jobs)
		return nil
	}, q.Args...)
}

// Count counts the jobs that f selects, as far as it reaches.
func (s *Store) Count(ctx context.Context, f store.Filter, by []store.CountBy, reach store.Reach) (counted store.Counted, err error) {
	err = s.read(ctx, func(r *session) error {
		counted, err = selection.Count(looker{r}, &dialect, f, by, reach)
		return err
	})
	return counted, err
}
