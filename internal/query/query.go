// Package query reads the language in which people select jobs, in the dashboard and
// on the command line:
//
//	status:failed,retrying type:EmailJob queue:mailers user:42 tag:vip queued:<2h "connection refused"
//
// All terms must match. A value with spaces is quoted: type:"My Job". A word without
// a field occurs in the arguments or the error; a number alone is also an id. Times
// are an age (2h, 3d: at most that old with <, at least with >), a day (2026-11-20),
// an RFC 3339 time, or a range of two joined by two dots, either of which may be
// missing.
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
var Fields = []string{"status", "type", "queue", "user", "target", "tag", "cause", "id", "queued", "finished", "text"}

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
	if len(p.words) > 0 {
		p.set(&p.filter.Text, "text", strings.Join(p.words, " "))
	}
	if len(p.problems) > 0 {
		return store.Filter{}, fmt.Errorf("%s", strings.Join(p.problems, "; "))
	}
	return p.filter, nil
}

type parser struct {
	now      time.Time
	filter   store.Filter
	words    []string
	problems []string
}

func (p *parser) refuse(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

func (p *parser) term(t term) {
	f := &p.filter
	switch t.field {
	case "":
		p.words = append(p.words, t.value)
	case "status":
		p.statuses(t.value)
	case "type":
		p.set(&f.Type, t.field, t.value)
	case "queue":
		p.set(&f.Queue, t.field, t.value)
	case "user":
		p.set(&f.User, t.field, t.value)
	case "target":
		p.set(&f.Target, t.field, t.value)
	case "tag":
		p.set(&f.Tag, t.field, t.value)
	case "cause":
		p.cause(t.value)
	case "text":
		p.words = append(p.words, t.value)
	case "id":
		p.ids(t.value)
	case "queued":
		p.times(t, &f.QueuedAfter, &f.QueuedBefore)
	case "finished":
		p.times(t, &f.FinishedAfter, &f.FinishedBefore)
	default:
		p.refuse("%q is no field: choose of %s", t.field, strings.Join(Fields, ", "))
	}
}

func (p *parser) set(field *string, name, value string) {
	switch {
	case value == "":
		p.refuse("%s: has no value", name)
	case *field != "" && *field != value:
		p.refuse("%s: can be given once; it is both %q and %q", name, *field, value)
	}
	*field = value
}

func (p *parser) cause(value string) {
	id, err := store.ParseCauseID(value)
	switch {
	case err != nil:
		p.refuse("%q is no cause: it has 16 hexadecimal digits", value)
	case p.filter.Cause != 0 && p.filter.Cause != id:
		p.refuse("cause: can be given once; it is both %q and %q", p.filter.Cause, id)
	}
	p.filter.Cause = id
}

func (p *parser) statuses(value string) {
	for name := range strings.SplitSeq(value, ",") {
		status := store.JobStatus(strings.ToLower(name))
		if !status.Valid() {
			p.refuse("%q is no status: choose of %s", name, statusNames())
			continue
		}
		if !slices.Contains(p.filter.Status, status) {
			p.filter.Status = append(p.filter.Status, status)
		}
	}
}

func statusNames() string {
	names := make([]string, len(store.Statuses))
	for i, status := range store.Statuses {
		names[i] = string(status)
	}
	return strings.Join(names, ", ")
}

func (p *parser) ids(value string) {
	for text := range strings.SplitSeq(value, ",") {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			p.refuse("%q is no id of a job", text)
			continue
		}
		p.filter.IDs = append(p.filter.IDs, id)
	}
}
