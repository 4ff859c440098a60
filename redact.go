package later

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/redact"
	"github.com/laterjobs/later/store"
)

// Redact returns the jobs as they may be shown: the fields of arguments and results
// that are tagged `later:"redact"` are blanked, as the definitions registered here say
// or else those that other processes have published. Whoever shows jobs to people goes
// through it, as the command line does.
//
//	type PayArgs struct {
//		OrderID int64  `json:"order_id"`
//		Card    string `json:"card" later:"redact"`
//	}
//
// The tag is found in nested, embedded and listed structs, not in what an interface
// holds. Redacted values are stored as they are: see Encrypt.
func (q *JobQueue) Redact(ctx context.Context, jobs ...Job) ([]Job, error) {
	schemas, err := q.schemas(ctx, jobs)
	if err != nil {
		return nil, err
	}
	shown := slices.Clone(jobs)
	for i := range shown {
		schema := schemas[shown[i].Type]
		shown[i].Args = redact.JSON(schema, shown[i].Args)
		if result := readPublished(schema).Result; result != nil {
			shown[i].Result = redact.JSON(result, shown[i].Result)
		}
	}
	return shown, nil
}

// schemas are the published schemas of the jobs' types, by all their names.
func (q *JobQueue) schemas(ctx context.Context, jobs []Job) (map[string]json.RawMessage, error) {
	schemas, missing := map[string]json.RawMessage{}, false
	q.mu.Lock()
	for _, job := range jobs {
		if h, registered := q.handlers[job.Type]; registered {
			schemas[job.Type] = h.definition.published()
		} else {
			missing = true
		}
	}
	q.mu.Unlock()
	if !missing {
		return schemas, nil
	}
	types, err := q.store.Types(ctx)
	if err != nil {
		return nil, fmt.Errorf("look up what of the jobs is not to be shown: %w", err)
	}
	for _, t := range types {
		for _, name := range append(readPublished(t.Schema).Former, t.Name) {
			if _, known := schemas[name]; !known {
				schemas[name] = t.Schema
			}
		}
	}
	return schemas, nil
}

// Guard is a filter of people as it may be asked, so that nobody finds out by asking what
// Redact blanks: it looks for Filter.Text, and for text and words in Filter.Match, in the
// arguments of those types only that hold nothing redacted. Whoever lets people select jobs
// asks it first, as the dashboard, the command line and Operate do.
// ErrInvalidFilter: a condition is on arguments that are not to be shown, of the types that
// the filter names, or of any type if it names none.
func (q *JobQueue) Guard(ctx context.Context, f Filter) (Filter, error) {
	f.Redacted = nil
	asksArgs := func(c store.Condition) bool { return c.Field == store.FieldArgs }
	asksText := func(c store.Condition) bool { return c.Field == store.FieldText || c.Field == store.FieldWord }
	if f.Text == "" && !slices.ContainsFunc(f.Match, func(c store.Condition) bool { return asksArgs(c) || asksText(c) }) {
		return f, nil
	}
	known, err := q.schemasOf(ctx, namedTypes(f))
	if err != nil {
		return f, err
	}
	names := slices.Sorted(maps.Keys(known))
	for _, c := range f.Match {
		for _, name := range names {
			if asksArgs(c) && redact.Searched(known[name], c.Path) {
				return f, fmt.Errorf("%w: args.%s may not be searched for: it is redacted in jobs of type %s", ErrInvalidFilter, strings.Join(c.Path, "."), name)
			}
		}
	}
	if f.Text != "" || slices.ContainsFunc(f.Match, asksText) {
		f.Redacted = slices.DeleteFunc(names, func(name string) bool { return !redact.Marks(known[name]) })
	}
	return f, nil
}

// namedTypes are the types of which a filter demands one; nil if it does not name them.
func namedTypes(f Filter) (names []string) {
	if f.Type != "" {
		return []string{f.Type}
	}
	for _, c := range f.Match {
		inexact := func(t store.Test) bool { return t.Op != store.Equal }
		if c.Field != store.FieldType || c.Not || len(c.AnyOf) == 0 || slices.ContainsFunc(c.AnyOf, inexact) {
			continue
		}
		names = []string{}
		for _, t := range c.AnyOf {
			names = append(names, t.Value)
		}
		return names
	}
	return nil
}

// schemasOf are the published schemas of types by name; nil: of all that are known.
func (q *JobQueue) schemasOf(ctx context.Context, names []string) (map[string]json.RawMessage, error) {
	if names == nil {
		types, err := q.KnownTypes(ctx)
		if err != nil {
			return nil, err
		}
		for _, t := range types {
			names = append(append(names, t.Name), readPublished(t.Schema).Former...)
		}
		names = append(names, q.JobTypes()...)
	}
	jobs := make([]Job, len(names))
	for i, name := range names {
		jobs[i].Type = name
	}
	schemas, err := q.schemas(ctx, jobs)
	maps.DeleteFunc(schemas, func(name string, _ json.RawMessage) bool { return !slices.Contains(names, name) }) // it has looked up all
	return schemas, err
}

// nothingShown is the schema of a type that has fields which are not to be shown, but
// no schema that could say which, such as one that contains itself.
var nothingShown = json.RawMessage(fmt.Sprintf(`{"writeOnly":true,%q:true}`, redact.Mark))

// schemaOrNothing is the schema of a type; nil if it has none and shows everything.
func schemaOrNothing(t reflect.Type) json.RawMessage {
	schema, err := arguments.Schema(t)
	switch {
	case err == nil:
		return schema
	case redact.Has(t):
		return nothingShown
	}
	return nil
}

// secretive reports whether malformed arguments of a type may not be repeated in a
// message.
func (q *JobQueue) secretive(ctx context.Context, name string) bool {
	schemas, err := q.schemas(ctx, []Job{{Type: name}})
	schema := schemas[name]
	return err != nil || readPublished(schema).Encrypted || redact.Marks(schema)
}
