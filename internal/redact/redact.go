// Package redact keeps the fields that are tagged `later:"redact"` from being shown: it
// finds them in types, and blanks them out of JSON by a schema that marks them.
package redact

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Placeholder stands where a value is not shown.
const Placeholder = "[redacted]"

// Mark is the keyword of a JSON Schema that marks a value that is not to be shown,
// beside the standard's "writeOnly".
const Mark = "x-redact"

// Tagged reports whether a field is not to be shown.
func Tagged(field reflect.StructField) bool {
	return slices.Contains(strings.Split(field.Tag.Get("later"), ","), "redact")
}

// tagged remembers which types hold tagged fields.
var tagged sync.Map // reflect.Type → bool

// Has reports whether values of a type hold fields that are not to be shown, at any
// depth. What an interface holds is not known.
func Has(t reflect.Type) bool {
	if t == nil {
		return false
	}
	if known, ok := tagged.Load(t); ok {
		return known.(bool)
	}
	found := find(t, map[reflect.Type]bool{})
	tagged.Store(t, found)
	return found
}

func find(t reflect.Type, seen map[reflect.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array:
		return find(t.Elem(), seen)
	case reflect.Map:
		return find(t.Key(), seen) || find(t.Elem(), seen)
	case reflect.Struct:
		for i := range t.NumField() {
			if field := t.Field(i); Tagged(field) || find(field.Type, seen) {
				return true
			}
		}
	}
	return false
}

// At reports whether the value at a path of Go field names, indexes and keys is not to
// be shown, or holds something that is not.
func At(t reflect.Type, path []string) bool {
	if !Has(t) {
		return false
	}
	for _, step := range path {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch t.Kind() {
		case reflect.Slice, reflect.Array, reflect.Map:
			t = t.Elem()
		case reflect.Struct:
			field, ok := t.FieldByName(step)
			if !ok || Tagged(field) {
				return true // a path that is not understood shows nothing
			}
			t = field.Type
		default:
			return true
		}
	}
	return Has(t)
}

// JSON is a value of the schema without what the schema marks. What does not have the
// shape that the schema gives to the holder of a marked value is left out as a whole.
func JSON(schema, raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return raw
	}
	r := ruleOf(schema)
	if r == nil {
		return raw
	}
	return r.blank(raw)
}

// Marks reports whether the schema marks anything.
func Marks(schema json.RawMessage) bool { return ruleOf(schema) != nil }

// Pointed reports whether the schema marks the value at a path of JSON names, or one
// inside of it.
func Pointed(schema json.RawMessage, path []string) bool {
	r := ruleOf(schema)
	for _, step := range path {
		if r == nil || r.hide {
			break
		}
		r = r.at(step)
	}
	return r != nil
}

// Searched reports whether whoever looks for a value at a path of JSON names might meet
// one that the schema marks. Lists are looked through by position, and without one.
func Searched(schema json.RawMessage, path []string) bool { return ruleOf(schema).met(path) }

func (r *rule) met(path []string) bool {
	if r == nil || r.hide || len(path) == 0 {
		return r != nil
	}
	below := rule{fields: r.fields, others: r.others}
	_, err := strconv.ParseUint(path[0], 10, 64)
	return below.at(path[0]).met(path[1:]) || r.items.met(path) || err == nil && r.items.met(path[1:])
}

// rule says what of a value is not shown; nil: all is.
type rule struct {
	hide   bool             // nothing is
	fields map[string]*rule // by name
	others *rule            // of the fields that are not named
	items  *rule            // of a list
}

// rules remembers the rules of schemas, by their text.
var rules sync.Map // string → *rule

func ruleOf(schema json.RawMessage) *rule {
	if !bytes.Contains(schema, []byte(`"`+Mark+`"`)) {
		return nil
	}
	if known, ok := rules.Load(string(schema)); ok {
		return known.(*rule)
	}
	r := read(schema)
	rules.Store(string(schema), r)
	return r
}

// node is what a schema says here.
type node struct {
	Mark       any                        `json:"x-redact"`
	Ref        string                     `json:"$ref"`
	Properties map[string]json.RawMessage `json:"properties"`
	Others     json.RawMessage            `json:"additionalProperties"`
	Items      json.RawMessage            `json:"items"`
}

func read(schema json.RawMessage) *rule {
	var n node
	if len(schema) == 0 || schema[0] != '{' || json.Unmarshal(schema, &n) != nil {
		return nil // such as true, which allows everything
	}
	if marked, _ := n.Mark.(bool); marked || n.Ref != "" { // what is referred to is not followed, so nothing is shown
		return &rule{hide: true}
	}
	r := &rule{others: read(n.Others), items: read(n.Items)}
	for name, property := range n.Properties {
		if below := read(property); below != nil {
			if r.fields == nil {
				r.fields = map[string]*rule{}
			}
			r.fields[name] = below
		}
	}
	if r.fields == nil && r.others == nil && r.items == nil {
		return nil
	}
	return r
}

// at is the rule of a field or an element. Names are compared as encoding/json does when it decodes: case does
// not matter.
func (r *rule) at(name string) *rule {
	if exact := r.fields[name]; exact != nil {
		return exact
	}
	for known, below := range r.fields {
		if strings.EqualFold(known, name) {
			return below
		}
	}
	if r.items != nil {
		return r.items
	}
	return r.others
}

var blanked = json.RawMessage(`"` + Placeholder + `"`)

func (r *rule) blank(raw json.RawMessage) json.RawMessage {
	raw = bytes.TrimSpace(raw)
	switch {
	case r == nil:
		return raw
	case r.hide:
		return blanked
	case len(raw) > 0 && raw[0] == '{' && (r.fields != nil || r.others != nil):
		return r.blankEach(raw, '}')
	case len(raw) > 0 && raw[0] == '[' && r.items != nil:
		return r.blankEach(raw, ']')
	case string(raw) == "null":
		return raw
	}
	return blanked
}

// blankEach goes through the members of an object or a list.
func (r *rule) blankEach(raw json.RawMessage, end byte) json.RawMessage {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return blanked
	}
	out := []byte{raw[0]}
	for decoder.More() {
		if len(out) > 1 {
			out = append(out, ',')
		}
		below := r.items
		if end == '}' {
			name, err := decoder.Token()
			if err != nil {
				return blanked
			}
			text, _ := json.Marshal(name)
			out = append(append(out, text...), ':')
			fields := rule{fields: r.fields, others: r.others}
			below = fields.at(name.(string))
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return blanked
		}
		out = append(out, below.blank(value)...)
	}
	if _, err := decoder.Token(); err != nil {
		return blanked
	}
	return append(out, end)
}
