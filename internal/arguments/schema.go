package arguments

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
	compiler "github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/laterjobs/later/internal/redact"
)

// Schema is the JSON Schema (draft 2020-12) of a type: its fields, which of them
// the `validate` tags require, and their limits and formats. Fields that it does
// not name are allowed.
func Schema(t reflect.Type) (json.RawMessage, error) {
	schema, err := jsonschema.ForType(t, &jsonschema.ForOptions{})
	if err != nil {
		return nil, err
	}
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	addTags(schema, t)
	if encodesItself(t) && redact.Has(t) {
		mark(schema)
	}
	return Encode(schema)
}

// addTags adds what the tags say to the schema of a type.
func addTags(schema *jsonschema.Schema, t reflect.Type) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		if schema.Items != nil {
			addTags(schema.Items, t.Elem())
		}
	case reflect.Map:
		if schema.AdditionalProperties != nil {
			addTags(schema.AdditionalProperties, t.Elem())
		}
	case reflect.Struct:
		if schema.Properties == nil {
			return // such as time.Time: a string
		}
		schema.Required, schema.AdditionalProperties = nil, nil
		addFields(schema, t, false)
		slices.Sort(schema.Required)
	}
}

// addFields adds the fields of a struct; hidden ones are not to be shown.
func addFields(schema *jsonschema.Schema, t reflect.Type, hidden bool) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		field := t.Field(i)
		if isEmbedded(field) {
			addFields(schema, field.Type, hidden || redact.Tagged(field))
			continue
		}
		name := jsonName(field)
		property := schema.Properties[name]
		if property == nil {
			continue
		}
		addTags(property, field.Type)
		if hidden || redact.Tagged(field) || encodesItself(field.Type) && redact.Has(field.Type) {
			mark(property)
		}
		own, elements, dives := strings.Cut(field.Tag.Get("validate"), "dive")
		rules := strings.Split(own, ",")
		if slices.Contains(rules, "required") {
			schema.Required = append(schema.Required, name)
		}
		addRules(property, field.Type, rules)
		if dives && property.Items != nil {
			addRules(property.Items, field.Type.Elem(), strings.Split(elements, ","))
		}
	}
}

// mark says that a value is not to be shown.
func mark(schema *jsonschema.Schema) {
	schema.WriteOnly = true
	schema.Extra = map[string]any{redact.Mark: true}
}

// encodesItself reports whether the JSON of a type may be anything: it need not have
// the fields of the type.
func encodesItself(t reflect.Type) bool {
	return slices.ContainsFunc([]reflect.Type{t, reflect.PointerTo(t)}, func(t reflect.Type) bool {
		return t.Implements(reflect.TypeFor[json.Marshaler]()) || t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
	})
}

// addRules adds the rules of a tag. With omitempty they hold only for values that
// are not empty, and empty text is fine.
func addRules(schema *jsonschema.Schema, t reflect.Type, rules []string) {
	if t.Kind() != reflect.String || !slices.Contains(rules, "omitempty") {
		for _, rule := range rules {
			addRule(schema, t, rule)
		}
		return
	}
	present := &jsonschema.Schema{}
	for _, rule := range rules {
		addRule(present, t, rule)
	}
	schema.AnyOf = []*jsonschema.Schema{{MaxLength: new(0)}, present}
}

// formats are the tags that JSON Schema has a format for.
var formats = map[string]string{
	"email": "email", "url": "uri", "http_url": "uri", "uri": "uri", "uuid": "uuid", "uuid4": "uuid",
	"hostname": "hostname", "fqdn": "hostname", "ipv4": "ipv4", "ipv6": "ipv6",
}

// addRule adds one rule of a tag. JSON Schema cannot say all of them; the typed
// check does.
func addRule(schema *jsonschema.Schema, t reflect.Type, rule string) {
	name, param, _ := strings.Cut(rule, "=")
	if format, ok := formats[name]; ok {
		schema.Format = format
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch name {
	case "oneof":
		schema.Enum = enum(t, param)
	case "unique":
		schema.UniqueItems = true
	case "required":
		if t.Kind() == reflect.String && schema.MinLength == nil {
			schema.MinLength = new(1)
		}
	case "min", "gte", "max", "lte", "gt", "lt", "len":
		if limit, err := strconv.ParseFloat(param, 64); err == nil {
			addLimit(schema, t, name, limit)
		}
	}
}

func enum(t reflect.Type, param string) (values []any) {
	for _, word := range strings.Fields(param) {
		word = strings.Trim(word, "'")
		if number, err := strconv.ParseFloat(word, 64); err == nil && t.Kind() != reflect.String {
			values = append(values, number)
		} else {
			values = append(values, word)
		}
	}
	return values
}

func addLimit(schema *jsonschema.Schema, t reflect.Type, name string, limit float64) {
	lower, upper := &schema.Minimum, &schema.Maximum
	switch t.Kind() {
	case reflect.String:
		addLength(&schema.MinLength, &schema.MaxLength, name, int(limit))
		return
	case reflect.Slice, reflect.Array:
		addLength(&schema.MinItems, &schema.MaxItems, name, int(limit))
		return
	case reflect.Map:
		addLength(&schema.MinProperties, &schema.MaxProperties, name, int(limit))
		return
	}
	switch name {
	case "min", "gte":
		*lower = &limit
	case "max", "lte":
		*upper = &limit
	case "gt":
		schema.ExclusiveMinimum = &limit
	case "lt":
		schema.ExclusiveMaximum = &limit
	case "len":
		*lower, *upper = &limit, &limit
	}
}

func addLength(least, most **int, name string, limit int) {
	switch name {
	case "min", "gte":
		*least = new(limit)
	case "max", "lte":
		*most = new(limit)
	case "gt":
		*least = new(limit + 1)
	case "lt":
		*most = new(limit - 1)
	case "len":
		*least, *most = new(limit), new(limit)
	}
}

// compiled remembers schemas by their text.
var compiled sync.Map // string → *compiler.Schema

// CheckSchema returns all problems that a JSON Schema finds in arguments. A
// schema that does not compile is a problem, too.
func CheckSchema(schema, raw json.RawMessage) []Problem {
	rules, err := compile(string(schema))
	if err != nil {
		return []Problem{{Message: fmt.Sprintf("cannot be checked: the published schema is broken: %v", err)}}
	}
	value, err := compiler.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		return []Problem{{Message: fmt.Sprintf("is not JSON: %v", err)}}
	}
	var failure *compiler.ValidationError
	if err := rules.Validate(value); errors.As(err, &failure) {
		return leaves(schema, failure)
	}
	return nil
}

func compile(schema string) (*compiler.Schema, error) {
	if known, ok := compiled.Load(schema); ok {
		return known.(*compiler.Schema), nil
	}
	document, err := compiler.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		return nil, err
	}
	c := compiler.NewCompiler()
	c.AssertFormat()
	c.UseLoader(noLoader{})
	if err := c.AddResource("arguments.json", document); err != nil {
		return nil, err
	}
	rules, err := c.Compile("arguments.json")
	if err == nil {
		compiled.Store(schema, rules)
	}
	return rules, err
}

// noLoader keeps schemas from reading files or the network.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %s", url)
}

var english = message.NewPrinter(language.English)

// leaves are the problems at the ends of the tree that the validator returns. What it
// says of a value that is not to be shown may show it.
func leaves(schema json.RawMessage, failure *compiler.ValidationError) (problems []Problem) {
	if len(failure.Causes) == 0 {
		return leaf(schema, failure)
	}
	for _, cause := range failure.Causes {
		problems = append(problems, leaves(schema, cause)...)
	}
	return problems
}

// leaf is a problem in the words in which a definition says the same.
func leaf(schema json.RawMessage, failure *compiler.ValidationError) []Problem {
	where := pointerOf(failure.InstanceLocation)
	if redact.Pointed(schema, failure.InstanceLocation) {
		return []Problem{{where, redact.Placeholder + " fails the check " + strings.Join(failure.ErrorKind.KeywordPath(), "/")}}
	}
	switch what := failure.ErrorKind.(type) {
	case *kind.Required:
		problems := make([]Problem, len(what.Missing))
		for i, name := range what.Missing {
			problems[i] = Problem{where + pointerOf([]string{name}), "is required"}
		}
		return problems
	case *kind.Type:
		return []Problem{{where, fmt.Sprintf("is %s, but %s is needed", article(what.Got), strings.Join(what.Want, " or "))}}
	}
	return []Problem{{where, failure.ErrorKind.LocalizedString(english)}}
}

// article puts one before the name of a JSON type.
func article(name string) string {
	switch name {
	case "null":
		return name
	case "integer", "object", "array":
		return "an " + name
	}
	return "a " + name
}
