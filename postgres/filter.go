package postgres

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/laterjobs/later/internal/selection"
	"github.com/laterjobs/later/store"
)

// dialect is how PostgreSQL writes the conditions of a filter.
var dialect = selection.Dialect{
	Placeholder: func(n int) string { return "$" + strconv.Itoa(n) },
	Schema:      defaultSchema + ".",

	Integer:  "?::bigint",
	Text:     "%s::text",
	Contains: `strpos(lower(%s COLLATE "C"), lower(?::text COLLATE "C")) > 0`, // the collation "C" changes the case of ASCII alone
	Occurs:   `strpos(%s, ?::text) > 0`,
	Begins:   "starts_with(%s, ?::text)",
	Decimals: "%s ~ '[0-9][.eE]'",
	OneOf:    "%s = ANY (?::bigint[])",
	Led:      "j.id = ANY (ARRAY[%s])",
	Tags:     "unnest(j.tags) AS e(value)",

	After:  "f.finished_at >= f.started_at + ?::bigint * interval '1 microsecond'",
	Within: "f.finished_at <= f.started_at + ?::bigint * interval '1 microsecond'",

	List:     func(list []int64) any { return list },
	Time:     func(micros int64) any { return time.UnixMicro(micros).UTC() },
	Storable: func(text string) bool { return storable(text) },
}

// storable reports whether the database can hold texts at all. It refuses even to
// look for others.
func storable(texts ...string) bool {
	for _, text := range texts {
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			return false
		}
	}
	return true
}

// looker looks for jobs over one connection.
type looker struct{ *session }

func (l looker) Reach(q selection.Query) (lowest, count int64, err error) {
	err = l.queryText("select jobs", l.store.inSchema(q.Text), func(r row) error {
		var id pgtype.Int8
		err := r.Scan(&id, &count)
		lowest = id.Int64
		return err
	}, q.Args...)
	return lowest, count, err
}

// errEnough ends a query early.
var errEnough = errors.New("enough")

func (l looker) Rows(q selection.Query, documents bool, each func(id int64, args, metadata, options []byte) bool) error {
	err := l.queryText("select jobs", l.store.inSchema(q.Text), func(r row) error {
		var id int64
		var args, metadata, options []byte
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
	return l.queryText("count jobs", l.store.inSchema(q.Text), func(r row) error {
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
