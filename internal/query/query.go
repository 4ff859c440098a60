// Package query reads the language in which people select jobs, in the dashboard and
// on the command line:
//
//	status:failed,retrying type:Email* -tag:test args.user_id:42 queued:<2h "connection refused"
//
// All terms must match. Commas are between values of which one must match, a minus
// before a term selects the others, a star at the end of a value stands for whatever
// follows. A value with spaces, commas or a star of its own is quoted: type:"My Job".
// docs/query.md describes the fields.
package query

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// Fields lists the names that terms may have, in the order in which people are told.
var Fields = []string{
	"status", "type", "queue", "user", "target", "tag", "cause", "op", "args.NAME", "metadata.NAME", "error", "text", "id", "key", "schedule", "process",
	"attempt", "crashes", "priority", "took", "queued", "scheduled", "started", "finished", "runs",
}

// Parse reads a query. Days and ages count from now, in its zone. The error names
// every term that does not fit, and what would.
func Parse(text string, now time.Time) (store.Filter, error) {
	terms, err := split(text)
	if err != nil {
		return store.Filter{}, err
	}
	p := parser{now: now}
	for _, t := range terms {
		p.term(t)
	}
	if len(p.problems) == 0 {
		if err := p.filter.Check(); err != nil {
			p.refuse("%v", err)
		}
	}
	if len(p.problems) > 0 {
		return store.Filter{}, fmt.Errorf("%s", strings.Join(p.problems, "; "))
	}
	return p.filter, nil
}

type parser struct {
	now      time.Time
	filter   store.Filter
	problems []string
}

func (p *parser) refuse(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func (p *parser) term(t term) {
	field, path := store.Field(t.field), []string(nil)
	if name, inside, found := strings.Cut(t.field, "."); found {
		field, path = store.Field(name), strings.Split(inside, ".")
	}
	kind := field.Kind()
	switch {
	case t.field == "":
		field, kind = store.FieldWord, store.KindText
	case t.field == "status":
		p.statuses(t)
		return
	case t.field == "cause":
		p.cause(t)
		return
	case t.field == "op":
		p.operation(t)
		return
	case kind == store.KindUnknown || field == store.FieldWord || len(path) > 0 && kind != store.KindJSON:
		p.refuse("%s: there is no field %q%s", t.raw, t.field, choices(t.field, Fields))
		return
	case kind == store.KindJSON && (len(path) == 0 || slices.Contains(path, "")):
		p.refuse("%s: say what of them, as in %s.user_id:42", t.raw, field)
		return
	}
	condition := store.Condition{Field: field, Path: path, Not: t.not}
	for _, v := range t.values {
		test, ok := p.test(t, v, kind)
		if !ok {
			return
		}
		condition.AnyOf = append(condition.AnyOf, test)
	}
	p.add(t, condition)
}

// add puts a condition where the filter has a field for it, else among the others.
func (p *parser) add(t term, c store.Condition) {
	f := &p.filter
	if single := len(c.AnyOf) == 1 && !c.Not; single && c.AnyOf[0].Op == store.Equal {
		place := map[store.Field]*string{
			store.FieldType: &f.Type, store.FieldQueue: &f.Queue, store.FieldUser: &f.User, store.FieldTarget: &f.Target,
		}[c.Field]
		if value := c.AnyOf[0].Value; place != nil {
			if *place != "" && *place != value {
				p.refuse("%s: no job is both %q and %q: for either write %s", t.raw, *place, value, Term(t.field, *place)+","+written(value))
			}
			*place = value
			return
		}
		if c.Field == store.FieldTag && f.Tag == "" {
			f.Tag = c.AnyOf[0].Value
			return
		}
	}
	if c.Field == store.FieldID && !c.Not && f.IDs == nil {
		if ids := exactIDs(c); ids != nil {
			f.IDs = ids
			return
		}
	}
	f.Match = append(f.Match, c)
}

func exactIDs(c store.Condition) (ids []int64) {
	for _, t := range c.AnyOf {
		low, high := t.Number(store.KindNumber)
		if low != high {
			return nil
		}
		ids = append(ids, low)
	}
	return ids
}

func (p *parser) cause(t term) {
	id, err := store.ParseCauseID(t.values[0].text)
	switch {
	case t.not || len(t.values) > 1 || p.filter.Cause != 0 && p.filter.Cause != id:
		p.refuse("%s: a cause can be given once, and not be excluded", t.raw)
	case err != nil:
		p.refuse("%s: %q is no cause: it has 16 hexadecimal digits", t.raw, t.values[0].text)
	}
	p.filter.Cause = id
}

func (p *parser) operation(t term) {
	id, err := strconv.ParseInt(t.values[0].text, 10, 64)
	switch {
	case t.not || len(t.values) > 1 || p.filter.Operation != 0 && p.filter.Operation != id:
		p.refuse("%s: an operation can be given once, and not be excluded", t.raw)
	case err != nil || id < 1:
		p.refuse("%s: %q is no operation: write its number, as in op:31", t.raw, t.values[0].text)
	}
	p.filter.Operation = id
}

// statuses narrows the statuses: they are the only field whose values are all known.
func (p *parser) statuses(t term) {
	var named []store.JobStatus
	for _, v := range t.values {
		for name := range strings.SplitSeq(v.text, ",") { // quoted ones may hold several
			status := store.JobStatus(strings.ToLower(name))
			if !status.Valid() {
				p.refuse("%s: there is no status %q%s", t.raw, name, choices(name, statusNames()))
				return
			}
			named = append(named, status)
		}
	}
	before := p.filter.Status
	if len(before) == 0 {
		before = store.Statuses
		if !t.not {
			before = named
		}
	}
	var left []store.JobStatus
	for _, status := range before {
		if slices.Contains(named, status) != t.not && !slices.Contains(left, status) {
			left = append(left, status)
		}
	}
	if len(left) == 0 {
		p.refuse("%s: with the others it leaves no status", t.raw)
	}
	p.filter.Status = left
}

func statusNames() []string {
	names := make([]string, len(store.Statuses))
	for i, status := range store.Statuses {
		names[i] = string(status)
	}
	return names
}
