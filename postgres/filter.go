package postgres

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/laterjobs/later/store"
)

// place is a table in which a status starts, so that no list walks the history
// to find the few jobs that wait or run.
type place struct {
	table string // with its alias
	id    string // the column that orders it
	where string
}

var placesOf = map[store.JobStatus]place{
	store.Scheduled: {"later.waiting AS p", "p.job_id", "p.kind <> 3"},
	store.Retrying:  {"later.waiting AS p", "p.job_id", "p.kind = 3"},
	store.Pending:   {"later.ready AS p", "p.job_id", ""},
	store.Running:   {"later.claimed AS p", "p.job_id", ""},
	store.Completed: {"later.finished AS p", "p.job_id", "p.status = 1"},
	store.Failed:    {"later.finished AS p", "p.job_id", "p.status = 2"},
	store.Cancelled: {"later.finished AS p", "p.job_id", "p.status = 3"},
}

// selectIDs finds the ids of the jobs that f selects and whose status is one of
// only (nil: any), newest first, at most f.Limit.
func selectIDs(s *session, f store.Filter, only []store.JobStatus) ([]int64, error) {
	var found []int64
	for _, query := range queriesFor(f, only) {
		err := s.queryText("select jobs", s.store.inSchema(query.text), func(r row) error {
			var id int64
			err := r.Scan(&id)
			found = append(found, id)
			return err
		}, query.args...)
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(found, func(a, b int64) int { return cmp.Compare(b, a) })
	return found[:min(len(found), f.Limit)], nil
}

// selection is one query under construction.
type selection struct {
	text  string
	where []string
	args  []any
}

// and adds a condition in which ? stands for the value, however often.
func (q *selection) and(condition string, value any) {
	q.args = append(q.args, value)
	q.where = append(q.where, strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(q.args))))
}

// queriesFor makes one query for each status; a single one over all jobs if f
// names no status and any will do.
func queriesFor(f store.Filter, only []store.JobStatus) []selection {
	if !storable(f.Type, f.Queue, f.User, f.Target, f.Tag, f.Text) {
		return nil
	}
	if f.Cause != 0 {
		only = withCause(only)
	}
	statuses := only
	if len(f.Status) > 0 {
		statuses = slices.DeleteFunc(slices.Clone(f.Status), func(s store.JobStatus) bool {
			_, known := placesOf[s]
			return !known || only != nil && !slices.Contains(only, s)
		})
		slices.Sort(statuses)
		statuses = slices.Compact(statuses)
		if len(statuses) == 0 {
			return nil
		}
	}
	if statuses == nil {
		return []selection{queryFor(f, place{"later.job AS j", "j.id", ""})}
	}
	var queries []selection
	for _, status := range statuses {
		queries = append(queries, queryFor(f, placesOf[status]))
	}
	return queries
}

// withCause are the statuses in which jobs have a cause.
func withCause(only []store.JobStatus) []store.JobStatus {
	some := []store.JobStatus{} // not nil, which is any
	for _, status := range []store.JobStatus{store.Retrying, store.Failed} {
		if only == nil || slices.Contains(only, status) {
			some = append(some, status)
		}
	}
	return some
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

func queryFor(f store.Filter, p place) selection {
	q := selection{text: "SELECT " + p.id + " FROM " + p.table}
	if p.id != "j.id" {
		q.text += " JOIN later.job AS j ON j.id = p.job_id"
	}
	if p.where != "" {
		q.where = append(q.where, p.where)
	}
	if f.IDs != nil {
		q.and(p.id+" = ANY (?::bigint[])", f.IDs)
	}
	if f.Before != 0 {
		q.and(p.id+" < ?", f.Before)
	}
	for column, value := range map[string]string{"j.type": f.Type, "j.queue": f.Queue, "j.user_id": f.User, "j.target_id": f.Target} {
		if value != "" {
			q.and(column+" = ?", value)
		}
	}
	if f.Type != "" {
		q.where = append(q.where, "j.type <> ''") // what the index says: see the migration
	}
	if f.Cause != 0 {
		q.and("p.cause = ?", int64(f.Cause))
	}
	if f.Tag != "" {
		q.and("? = ANY (j.tags)", f.Tag)
	}
	if f.Text != "" {
		like := "%" + strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`).Replace(f.Text) + "%"
		// The collation "C" changes the case of ASCII alone.
		q.and(`(lower(j.args::text COLLATE "C") LIKE lower(? COLLATE "C") OR lower((SELECT CASE WHEN f.job_id IS NULL
			THEN (SELECT a.error FROM later.attempt AS a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1)
			ELSE f.error END FROM (SELECT 1) AS one LEFT JOIN later.finished AS f ON f.job_id = j.id) COLLATE "C") LIKE lower(? COLLATE "C"))`, like)
	}
	q.times(f)
	if len(q.where) > 0 {
		q.text += " WHERE " + strings.Join(q.where, " AND ")
	}
	q.args = append(q.args, f.Limit)
	q.text += " ORDER BY " + p.id + " DESC LIMIT $" + strconv.Itoa(len(q.args))
	return q
}

func (q *selection) times(f store.Filter) {
	const finished = "(SELECT f.finished_at FROM later.finished AS f WHERE f.job_id = j.id)"
	for _, bound := range []struct {
		condition string
		at        time.Time
	}{
		{"j.queued_at >= ?", f.QueuedAfter}, {"j.queued_at < ?", f.QueuedBefore},
		{finished + " >= ?", f.FinishedAfter}, {finished + " < ?", f.FinishedBefore},
	} {
		if !bound.at.IsZero() {
			q.and(bound.condition, micro(store.Storable(bound.at)))
		}
	}
}

const (
	defaultLimit = 100
	maxLimit     = 10_000
)

// List returns the jobs that f selects, newest first.
func (s *Store) List(ctx context.Context, f store.Filter) ([]store.Job, error) {
	if f.Limit <= 0 {
		f.Limit = defaultLimit
	}
	f.Limit = min(f.Limit, maxLimit)
	var jobs []store.Job
	err := s.read(ctx, func(r *session) error {
		found, err := selectIDs(r, f, nil)
		if err != nil || len(found) == 0 {
			return err
		}
		jobs, err = readJobs(r, found)
		return err
	})
	return jobs, err
}
