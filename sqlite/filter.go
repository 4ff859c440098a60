package sqlite

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

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
	store.Scheduled: {"later_waiting AS p", "p.job_id", "p.kind <> 3"},
	store.Retrying:  {"later_waiting AS p", "p.job_id", "p.kind = 3"},
	store.Pending:   {"later_ready AS p", "p.job_id", ""},
	store.Running:   {"later_claimed AS p", "p.job_id", ""},
	store.Completed: {"later_finished AS p", "p.job_id", "p.status = 1"},
	store.Failed:    {"later_finished AS p", "p.job_id", "p.status = 2"},
	store.Cancelled: {"later_finished AS p", "p.job_id", "p.status = 3"},
}

// selectIDs finds the ids of the jobs that f selects and whose status is one of
// only (nil: any), newest first, at most f.Limit.
func selectIDs(s *session, f store.Filter, only []store.JobStatus) ([]int64, error) {
	var found []int64
	for _, query := range queriesFor(f, only) {
		some, err := s.list(query.text, query.args...)
		if err != nil {
			return nil, err
		}
		found = append(found, some...)
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

func (q *selection) and(condition string, args ...any) {
	q.where = append(q.where, condition)
	q.args = append(q.args, args...)
}

// queriesFor makes one query for each status; a single one over all jobs if f
// names no status and any will do.
func queriesFor(f store.Filter, only []store.JobStatus) []selection {
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
		return []selection{queryFor(f, place{"later_job AS j", "j.id", ""})}
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

func queryFor(f store.Filter, p place) selection {
	q := selection{text: "SELECT " + p.id + " FROM " + p.table}
	if p.id != "j.id" {
		q.text += " JOIN later_job AS j ON j.id = p.job_id"
	}
	if p.where != "" {
		q.and(p.where)
	}
	if f.IDs != nil {
		q.and(p.id+" IN (SELECT value FROM json_each(?))", ids(f.IDs))
	}
	if f.Before != 0 {
		q.and(p.id+" < ?", f.Before)
	}
	for column, value := range map[string]string{"j.type": f.Type, "j.queue": f.Queue, "j.user_id": f.User, "j.target_id": f.Target} {
		if value != "" {
			q.and(column+" = ?", value)
		}
	}
	if f.Cause != 0 {
		q.and("p.cause = ?", int64(f.Cause))
	}
	if f.Tag != "" {
		// Tags that a person has spoiled are no tags: they must not spoil the list.
		q.and("EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid(j.tags) THEN j.tags END) WHERE value = ?)", f.Tag)
	}
	if f.Text != "" {
		// Not LIKE, which refuses long patterns. The function lower changes ASCII alone.
		q.and(`(instr(lower(j.args), lower(?)) OR instr(lower((SELECT CASE WHEN f.job_id IS NULL
			THEN (SELECT a.error FROM later_attempt AS a WHERE a.job_id = j.id AND a.outcome = 'retried' ORDER BY a.id DESC LIMIT 1)
			ELSE f.error END FROM (SELECT 1) LEFT JOIN later_finished AS f ON f.job_id = j.id)), lower(?)))`, f.Text, f.Text)
	}
	q.times(f)
	if len(q.where) > 0 {
		q.text += " WHERE " + strings.Join(q.where, " AND ")
	}
	q.text += " ORDER BY " + p.id + " DESC LIMIT ?"
	q.args = append(q.args, f.Limit)
	return q
}

func (q *selection) times(f store.Filter) {
	const finished = "(SELECT f.finished_at FROM later_finished AS f WHERE f.job_id = j.id)"
	for _, bound := range []struct {
		condition string
		at        time.Time
	}{
		{"j.queued_at >= ?", f.QueuedAfter}, {"j.queued_at < ?", f.QueuedBefore},
		{finished + " >= ?", f.FinishedAfter}, {finished + " < ?", f.FinishedBefore},
	} {
		if !bound.at.IsZero() {
			q.and(bound.condition, store.Storable(bound.at).UnixMicro())
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
