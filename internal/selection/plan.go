package selection

import (
	"math"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// place is a table in which a status starts, so that no list walks the history to find
// the few jobs that wait or run.
type place struct {
	table string // with its alias p
	where string
	value string // a column that says so, for a job j that was found otherwise, and what it is
	is    string
}

var placesOf = map[store.JobStatus]place{
	store.Scheduled: {"later.waiting AS p", "p.kind <> 3", of(inWaiting, "w.kind"), "<> 3"},
	store.Retrying:  {"later.waiting AS p", "p.kind = 3", of(inWaiting, "w.kind"), "= 3"},
	store.Pending:   {"later.ready AS p", "", of(inReady, "1"), "= 1"},
	store.Running:   {"later.claimed AS p", "", of(inClaimed, "1"), "= 1"},
	store.Completed: {"later.finished AS p", "p.status = 1", of(inFinished, "f.status"), "= 1"},
	store.Failed:    {"later.finished AS p", "p.status = 2", of(inFinished, "f.status"), "= 2"},
	store.Cancelled: {"later.finished AS p", "p.status = 3", of(inFinished, "f.status"), "= 3"},
}

// stream is a walk along an index, by falling ids: the jobs of one status, of one user.
type stream struct {
	table  string // with its alias: p if it is a place of jobs, else j
	id     string
	where  []clause
	status string // of the jobs as an expression, if it is a place
	found  string // how its jobs are found, of which some may be gone; empty: all are there
}

func (s stream) mayBeGone() bool { return s.found != "" }

func everything() stream { return stream{table: "later.job AS j", id: "j.id"} }

// path is a way to reach the jobs: streams that together have all that one of the
// clauses of the plan selects.
type path struct {
	streams []stream
	clause  int // −1: every job
}

// plan is a filter taken apart.
type plan struct {
	low, high int64 // ids, both included
	clauses   []clause
	paths     []path
	inGo      []*store.Condition
	none      bool // nothing can match
}

// maxStreams bounds the values of one field that are walked by side by side.
const maxStreams = 16

func planFor(d *Dialect, f store.Filter, only []store.JobStatus) plan {
	p := plan{low: math.MinInt64, high: math.MaxInt64}
	if len(f.Redacted) > 0 {
		of := *d
		of.redacted, d = f.Redacted, &of
	}
	if f.Before != 0 {
		if f.Before == math.MinInt64 {
			p.none = true
			return p
		}
		p.high = f.Before - 1
	}
	p.ids(d, f.IDs)
	p.statuses(f.Status, only)
	p.operation(d, f.Operation)
	p.cause(d, f.Cause)
	p.names(d, store.FieldUser, f.User)
	p.names(d, store.FieldTarget, f.Target)
	p.names(d, store.FieldType, f.Type)
	p.names(d, store.FieldQueue, f.Queue)
	p.names(d, store.FieldTag, f.Tag)
	if f.Text != "" {
		p.condition(d, &store.Condition{Field: store.FieldText, AnyOf: []store.Test{{Op: store.Contain, Value: f.Text}}})
	}
	p.times(d, "j.queued_at", f.QueuedAfter, f.QueuedBefore)
	p.times(d, columns[store.FieldFinished], f.FinishedAfter, f.FinishedBefore)
	for i := range f.Match {
		p.condition(d, &f.Match[i])
	}
	if len(p.paths) == 0 {
		p.paths = []path{{[]stream{everything()}, -1}}
	}
	return p
}

func (p *plan) ids(d *Dialect, ids []int64) {
	if ids == nil {
		return
	}
	c := clause{of(d.OneOf, "j.id"), []any{d.List(ids)}}
	s := everything()
	s.where = []clause{c}
	p.paths = append(p.paths, path{[]stream{s}, len(p.clauses)})
	p.clauses = append(p.clauses, c)
}

func (p *plan) statuses(asked, only []store.JobStatus) {
	statuses := only
	if len(asked) > 0 {
		statuses = slices.DeleteFunc(slices.Clone(asked), func(s store.JobStatus) bool {
			_, known := placesOf[s]
			return !known || only != nil && !slices.Contains(only, s)
		})
		slices.Sort(statuses)
		statuses = slices.Compact(statuses)
		p.none = p.none || len(statuses) == 0
	}
	if len(statuses) == 0 {
		return
	}
	var streams []stream
	var tests []clause
	for _, status := range statuses {
		at := placesOf[status]
		s := stream{table: at.table, id: "p.job_id", status: "'" + string(status) + "'"}
		if at.where != "" {
			s.where = []clause{{text: at.where}}
		}
		streams = append(streams, s)
		tests = append(tests, clause{text: at.value + " " + at.is})
	}
	p.paths = append(p.paths, path{streams, len(p.clauses)})
	p.clauses = append(p.clauses, either(tests))
}

// cause is that of failed and retrying jobs, which each of the two places has an index of.
func (p *plan) cause(d *Dialect, id store.CauseID) {
	if id == 0 {
		return
	}
	var streams []stream
	for _, status := range []store.JobStatus{store.Failed, store.Retrying} {
		at := placesOf[status]
		where := []clause{{at.where, nil}, {"p.cause = " + d.Integer, []any{int64(id)}}}
		streams = append(streams, stream{table: at.table, id: "p.job_id", where: where, status: "'" + string(status) + "'"})
	}
	failed, retrying := of(inFinished, "CASE WHEN f.status = 2 THEN f.cause END"), of(inWaiting, "CASE WHEN w.kind = 3 THEN w.cause END")
	p.paths = append(p.paths, path{streams, len(p.clauses)})
	p.clauses = append(p.clauses, clause{"COALESCE(" + failed + ", " + retrying + ") = " + d.Integer, []any{int64(id)}})
}

// operation is the one that has changed the jobs. Some may have been deleted since, so each
// is looked for.
func (p *plan) operation(d *Dialect, id int64) {
	if id == 0 {
		return
	}
	args := []any{id}
	where := []clause{{"p.operation_id = " + d.Integer, args}}
	p.paths = append(p.paths, path{[]stream{{table: "later.operation_job AS p", id: "p.job_id", where: where, found: of(d.Led, "p.job_id")}}, len(p.clauses)})
	p.clauses = append(p.clauses, clause{"(SELECT 1 FROM later.operation_job AS o WHERE o.operation_id = " + d.Integer + " AND o.job_id = j.id) = 1", args})
}

// names is a field that must be the value, if one is given.
func (p *plan) names(d *Dialect, field store.Field, value string) {
	if value != "" {
		p.condition(d, &store.Condition{Field: field, AnyOf: []store.Test{{Value: value}}})
	}
}

// indexed are the fields of jobs with an index of their own.
var indexed = []store.Field{store.FieldUser, store.FieldTarget, store.FieldType}

func (p *plan) condition(d *Dialect, c *store.Condition) {
	if inGo(c) {
		p.inGo = append(p.inGo, c)
	}
	if c.Field == store.FieldID && !c.Not && len(c.AnyOf) == 1 {
		low, high := c.AnyOf[0].Number(store.KindNumber)
		p.low, p.high = max(p.low, low), min(p.high, high)
		return
	}
	whole := d.clause(c)
	if whole.text == "" {
		return
	}
	if values := exactly(c); slices.Contains(indexed, c.Field) && len(values) > 0 && len(values) <= maxStreams {
		p.paths = append(p.paths, path{streamsOf(d, c.Field, values), len(p.clauses)})
	}
	p.clauses = append(p.clauses, whole)
}

// exactly are the values of which a condition demands one; nil if it says more.
func exactly(c *store.Condition) (values []string) {
	for _, t := range c.AnyOf {
		if c.Not || t.Op != store.Equal {
			return nil
		}
		if !slices.Contains(values, t.Value) {
			values = append(values, t.Value)
		}
	}
	return values
}

func streamsOf(d *Dialect, field store.Field, values []string) (streams []stream) {
	for _, value := range values {
		if !d.Storable(value) {
			continue
		}
		s := everything()
		s.where = []clause{{columns[field] + " = ?", []any{value}}}
		if field == store.FieldType {
			s.where = append(s.where, clause{text: "j.type <> ''"}) // what the index says: see the migration of PostgreSQL
		}
		streams = append(streams, s)
	}
	return streams
}

func (p *plan) times(d *Dialect, column string, after, before time.Time) {
	if !after.IsZero() {
		p.clauses = append(p.clauses, clause{column + " >= ?", []any{d.Time(store.Storable(after).UnixMicro())}})
	}
	if !before.IsZero() {
		p.clauses = append(p.clauses, clause{column + " < ?", []any{d.Time(store.Storable(before).UnixMicro())}})
	}
}

// rest are the conditions that a path does not answer by itself.
func (p *plan) rest(by path) []clause {
	if by.clause < 0 {
		return p.clauses
	}
	return slices.Delete(slices.Clone(p.clauses), by.clause, by.clause+1)
}
