package selection

import (
	"math"
	"strconv"
	"strings"

	"github.com/laterjobs/later/store"
)

// clause is a condition of a query: a text in which ? stands for the values.
type clause struct {
	text string
	args []any
}

// never holds for no job. No database has a type for a value that is nowhere.
var never = clause{text: "FALSE"}

func either(clauses []clause) clause {
	if len(clauses) == 0 {
		return never
	}
	var whole clause
	texts := make([]string, len(clauses))
	for i, c := range clauses {
		texts[i] = c.text
		whole.args = append(whole.args, c.args...)
	}
	whole.text = "(" + strings.Join(texts, " OR ") + ")"
	return whole
}

func (c clause) negated() clause {
	return clause{"NOT COALESCE(" + c.text + ", FALSE)", c.args}
}

// Where the parts of a job stand. Each is a search by primary key, for each job that is
// looked at: a join might walk another table as a whole.
const (
	inFinished  = "(SELECT %s FROM later.finished AS f WHERE f.job_id = j.id)"
	inWaiting   = "(SELECT %s FROM later.waiting AS w WHERE w.job_id = j.id)"
	inClaimed   = "(SELECT %s FROM later.claimed AS c WHERE c.job_id = j.id)"
	inReady     = "(SELECT %s FROM later.ready AS r WHERE r.job_id = j.id)"
	lastAttempt = "(SELECT %s FROM later.attempt AS a WHERE a.job_id = j.id ORDER BY a.id DESC LIMIT 1)"
	lastError   = "(SELECT a.error FROM later.attempt AS a WHERE a.job_id = j.id AND a.outcome IN ('retried', 'progressed') ORDER BY a.id DESC LIMIT 1)"
)

func of(place, column string) string { return strings.Replace(place, "%s", column, 1) }

// ended chooses by whether the job has finished.
func ended(finished, otherwise string) string {
	return "CASE WHEN " + of(inFinished, "1") + " IS NOT NULL THEN " + of(inFinished, finished) + " ELSE " + otherwise + " END"
}

// columns are the fields that are compared as they are.
var columns = map[store.Field]string{
	store.FieldType: "j.type", store.FieldQueue: "j.queue", store.FieldUser: "j.user_id", store.FieldTarget: "j.target_id",
	store.FieldID: "j.id", store.FieldPriority: "j.priority",
	store.FieldAttempt: "COALESCE(" + of(inFinished, "f.attempt") + ", " + of(inWaiting, "w.attempt") + ", " +
		of(inClaimed, "c.attempt + 1") + ", " + of(inReady, "r.attempt") + ", 0)",
	store.FieldCrashes: "COALESCE(" + of(inFinished, "f.crashes") + ", " + of(inWaiting, "w.crashes") + ", " +
		of(inClaimed, "c.crashes") + ", " + of(inReady, "r.crashes") + ", 0)",
	store.FieldProcess: "NULLIF(" + ended("COALESCE(f.process_id, 0)", "COALESCE("+of(inClaimed, "c.process_id")+", "+of(lastAttempt, "a.process_id")+")") + ", 0)",
	store.FieldQueued:  "j.queued_at", store.FieldScheduled: "j.scheduled_at",
	store.FieldFinished: of(inFinished, "f.finished_at"), store.FieldRuns: of(inWaiting, "w.run_at"),
	store.FieldStarted: ended("f.started_at", "COALESCE("+of(inClaimed, "c.claimed_at")+", "+of(lastAttempt, "a.started_at")+")"),
	store.FieldError:   ended("f.error", lastError),
}

// inGo reports whether a condition is on what is stored as JSON. Databases read JSON
// each in its own way, and give up a whole query over one document that they do not like.
func inGo(c *store.Condition) bool {
	return c.Field.Kind() == store.KindJSON || c.Field == store.FieldKey || c.Field == store.FieldSchedule
}

// clause is a condition as the database checks it; of one that is checked in Go, only
// what can be said without reading the document.
func (d *Dialect) clause(c *store.Condition) clause {
	if inGo(c) {
		return d.hint(c)
	}
	var tests []clause
	for _, t := range c.AnyOf {
		tests = append(tests, d.test(c.Field, t))
	}
	whole := either(tests)
	if c.Field == store.FieldTag {
		whole.text = "EXISTS (SELECT 1 FROM " + d.Tags + " WHERE " + whole.text + ")"
	}
	if c.Not {
		return whole.negated()
	}
	return whole
}

func (d *Dialect) test(field store.Field, t store.Test) clause {
	switch kind := field.Kind(); kind {
	case store.KindName:
		return d.nameTest(field, t)
	case store.KindText:
		return d.textTest(field, t)
	case store.KindDuration:
		low, high := t.Number(kind)
		return d.tookTest(low, high)
	default:
		low, high := t.Number(kind)
		return d.numberTest(columns[field], low, high, kind == store.KindTime)
	}
}

func (d *Dialect) nameTest(field store.Field, t store.Test) clause {
	column := columns[field]
	if field == store.FieldTag {
		column = "e.value"
	}
	switch {
	case !d.Storable(t.Value):
		return never
	case t.Op == store.Prefix && t.Value == "":
		return clause{text: column + " <> ''"}
	case t.Op == store.Prefix:
		return clause{of(d.Begins, column), []any{t.Value}}
	}
	return clause{column + " = ?", []any{t.Value}}
}

func (d *Dialect) textTest(field store.Field, t store.Test) clause {
	switch {
	case t.Op == store.Prefix && field == store.FieldError:
		return clause{text: columns[store.FieldError] + " <> ''"}
	case t.Op == store.Prefix:
		return clause{text: "TRUE"}
	case !d.Storable(t.Value):
		return never
	}
	contains := func(place string) clause { return clause{of(d.Contains, place), []any{t.Value}} }
	var tests []clause // the cheapest first
	if n, err := strconv.ParseInt(t.Value, 10, 64); err == nil && field == store.FieldWord && strconv.FormatInt(n, 10) == t.Value {
		tests = append(tests, clause{"j.id = ?", []any{n}})
	}
	if field == store.FieldWord {
		tests = append(tests, contains("j.type"))
	}
	if field != store.FieldError && len(d.redacted) <= maxRedacted {
		tests = append(tests, d.unlessRedacted(contains(of(d.Text, "j.args"))))
	}
	return either(append(tests, contains(columns[store.FieldError])))
}

// maxRedacted bounds the types that a query names: with more, no arguments are looked at.
const maxRedacted = 500

// unlessRedacted is a condition on arguments that holds of no job of a redacted type.
func (d *Dialect) unlessRedacted(c clause) clause {
	var names []string
	var args []any
	for _, name := range d.redacted {
		if d.Storable(name) {
			names, args = append(names, "?"), append(args, name)
		}
	}
	if len(names) == 0 {
		return c
	}
	return clause{"(j.type NOT IN (" + strings.Join(names, ", ") + ") AND " + c.text + ")", append(args, c.args...)}
}

func (d *Dialect) numberTest(column string, low, high int64, isTime bool) clause {
	place, value := d.Integer, func(n int64) any { return n }
	if isTime {
		place, value = "?", d.Time
	}
	switch {
	case low > high:
		return never
	case low == high:
		return clause{column + " = " + place, []any{value(low)}}
	case high == math.MaxInt64:
		return clause{column + " >= " + place, []any{value(low)}}
	case low == math.MinInt64:
		return clause{column + " <= " + place, []any{value(high)}}
	}
	return clause{column + " BETWEEN " + place + " AND " + place, []any{value(low), value(high)}}
}

func (d *Dialect) tookTest(low, high int64) clause {
	if low > high {
		return never
	}
	var c clause
	var bounds []string
	if low != math.MinInt64 {
		bounds, c.args = append(bounds, d.After), append(c.args, low)
	}
	if high != math.MaxInt64 {
		bounds, c.args = append(bounds, d.Within), append(c.args, high)
	}
	if len(bounds) == 0 {
		bounds = []string{"f.started_at IS NOT NULL"}
	}
	c.text = of(inFinished, strings.Join(bounds, " AND "))
	return c
}

// hint is what of a condition that is checked in Go the database can check.
func (d *Dialect) hint(c *store.Condition) clause {
	if c.Not {
		return clause{}
	}
	column := "j.args"
	switch c.Field {
	case store.FieldKey, store.FieldSchedule:
		return clause{text: "j.options IS NOT NULL"}
	case store.FieldMetadata:
		column = "j.metadata"
	}
	document := of(d.Text, column)
	needles, plain := c.Needles()
	if len(needles) == 0 {
		return clause{text: column + " IS NOT NULL"}
	}
	// A text that is escaped, or a number that is written otherwise, hides the needle.
	tests := []clause{{of(d.Occurs, document), []any{`\`}}}
	if plain {
		tests = append(tests, clause{text: of(d.Decimals, document)})
	}
	for _, needle := range needles {
		if d.Storable(needle) {
			tests = append(tests, clause{of(d.Occurs, document), []any{needle}})
		}
	}
	return either(tests)
}

// holds checks what the database has not: the documents are those of jsonColumns.
func holds(conditions []*store.Condition, args, metadata, options []byte) bool {
	for _, c := range conditions {
		var held bool
		switch c.Field {
		case store.FieldArgs:
			held = c.HoldsIn(args) != c.Not
		case store.FieldMetadata:
			held = c.HoldsIn(metadata) != c.Not
		default:
			held = c.HoldsOf(store.OptionsOf(options))
		}
		if !held {
			return false
		}
	}
	return true
}
