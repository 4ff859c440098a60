package query

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// Written is a filter in words that Parse reads, and the rest of it that they cannot say.
func Written(f store.Filter) (text string, rest store.Filter) {
	rest = f
	var words []string
	add := func(field, value string) {
		if value != "" {
			words = append(words, Term(field, value))
		}
	}
	addPlain := func(field, value string) { // without quotes: commas and dots say something
		if value != "" {
			words = append(words, field+":"+value)
		}
	}
	list := make([]string, len(f.IDs))
	for i, id := range f.IDs {
		list[i] = strconv.FormatInt(id, 10)
	}
	statuses := make([]string, len(f.Status))
	for i, status := range f.Status {
		statuses[i] = string(status)
	}
	addPlain("id", strings.Join(list, ","))
	addPlain("status", strings.Join(statuses, ","))
	add("type", f.Type)
	add("queue", f.Queue)
	add("user", f.User)
	add("target", f.Target)
	add("tag", f.Tag)
	add("cause", f.Cause.String())
	if f.Operation != 0 {
		addPlain("op", strconv.FormatInt(f.Operation, 10))
	}
	add("text", f.Text)
	addPlain("queued", span(f.QueuedAfter, f.QueuedBefore))
	addPlain("finished", span(f.FinishedAfter, f.FinishedBefore))
	if len(f.IDs) > 0 || f.IDs == nil { // no word says "none"
		rest.IDs = nil
	}
	rest.Status, rest.Type, rest.Queue, rest.User, rest.Target, rest.Tag, rest.Cause, rest.Operation, rest.Text = nil, "", "", "", "", "", 0, 0, ""
	rest.Redacted = nil // whoever reads it may see as little
	rest.QueuedAfter, rest.QueuedBefore, rest.FinishedAfter, rest.FinishedBefore, rest.Match = time.Time{}, time.Time{}, time.Time{}, time.Time{}, nil
	for _, c := range f.Match {
		if word, ok := condition(c); ok {
			words = append(words, word)
		} else {
			rest.Match = append(rest.Match, c)
		}
	}
	return strings.Join(words, " "), rest
}

// OfOperation is the query for the jobs that an operation has changed; empty: none of them
// is left.
func OfOperation(o store.Operation) string {
	left := o.Changed
	if o.Action == store.OperationDelete {
		left = o.Restored
	}
	if left == 0 {
		return ""
	}
	return "op:" + strconv.FormatInt(o.ID, 10)
}

func span(after, before time.Time) string {
	if after.IsZero() && before.IsZero() {
		return ""
	}
	text := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return stamp(t)
	}
	return text(after) + ".." + text(before)
}

// condition is a term that Parse reads as the same condition.
func condition(c store.Condition) (text string, ok bool) {
	var values []string
	for _, test := range c.AnyOf {
		value, ok := testWritten(c.Field, test)
		if !ok {
			return "", false
		}
		values = append(values, value)
	}
	field := strings.Join(append([]string{string(c.Field)}, c.Path...), ".")
	switch {
	case c.Field == store.FieldWord && len(values) == 1:
		text = Term("", c.AnyOf[0].Value)
	case c.Field == store.FieldWord, len(values) == 0, slices.ContainsFunc(c.Path, func(name string) bool { return strings.Contains(name, ".") }):
		return "", false
	default:
		text = field + ":" + strings.Join(values, ",")
	}
	if c.Not {
		text = "-" + text
	}
	terms, err := split(text) // a name may hold what ends one
	read := err == nil && len(terms) == 1 && terms[0].not == c.Not && (c.Field == store.FieldWord || terms[0].field == field)
	return text, read
}

func testWritten(field store.Field, t store.Test) (text string, ok bool) {
	kind := field.Kind()
	switch {
	case kind == store.KindTime:
		return timeWritten(t)
	case t.Op == store.Between:
		return t.Value + ".." + t.To, true
	case t.Op == store.Prefix:
		return t.Value + "*", t.Value == "" || written(t.Value) == t.Value
	case t.Op == store.Equal && (kind == store.KindNumber || kind == store.KindDuration):
		return t.Value, true
	case t.Op == store.Equal, t.Op == store.Contain:
		return written(t.Value), true
	}
	return string(t.Op) + t.Value, slices.Contains([]store.Op{store.Below, store.AtMost, store.Above, store.AtLeast}, t.Op)
}

// timeWritten is a range: its end is not in it, so what is moves by the smallest step.
func timeWritten(t store.Test) (text string, ok bool) {
	at, err := time.Parse(time.RFC3339Nano, t.Value)
	if err != nil {
		return "", false
	}
	switch t.Op {
	case store.Between:
		to, err := time.Parse(time.RFC3339Nano, t.To)
		return stamp(at) + ".." + stamp(to.Add(time.Microsecond)), err == nil
	case store.AtLeast:
		return stamp(at) + "..", true
	case store.Above:
		return stamp(at.Add(time.Microsecond)) + "..", true
	case store.Below:
		return ".." + stamp(at), true
	case store.AtMost:
		return ".." + stamp(at.Add(time.Microsecond)), true
	}
	return stamp(at) + ".." + stamp(at.Add(time.Microsecond)), true
}
