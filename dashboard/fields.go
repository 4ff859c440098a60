package dashboard

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// field is one value of a type's arguments, as a form asks for it and a table explains
// it. Objects within objects are taken apart; what has no field of its own, such as a
// list, is written as JSON.
type field struct {
	Path     string // a JSON pointer
	Kind     string // text, number, integer, boolean, choice, time or json
	What     string // the kind in words
	Required bool
	Rules    string
	About    string
	Choices  []string

	Value   string // as typed
	Problem string // what is wrong with it

	within []string // the pointer, in parts
}

// Name is what a form calls it.
func (f *field) Name() string { return strings.Join(f.within, " › ") }

// schemaNode is what is read of a JSON Schema.
type schemaNode struct {
	Type        json.RawMessage   `json:"type"`
	Description string            `json:"description"`
	Format      string            `json:"format"`
	Enum        []json.RawMessage `json:"enum"`
	Properties  json.RawMessage   `json:"properties"`
	Required    []string          `json:"required"`
	Minimum     json.Number       `json:"minimum"`
	Maximum     json.Number       `json:"maximum"`
	MinLength   *int              `json:"minLength"`
	MaxLength   *int              `json:"maxLength"`
	Pattern     string            `json:"pattern"`
	Items       *schemaNode       `json:"items"`
}

// deepest bounds how far objects are taken apart.
const deepest = 4

// fieldsOf are the fields of an object that a schema describes, in its order; none if it
// describes something else.
func fieldsOf(schema json.RawMessage) []*field {
	var root schemaNode
	if json.Unmarshal(schema, &root) != nil {
		return nil
	}
	return root.fields(nil)
}

func (n *schemaNode) fields(within []string) (list []*field) {
	names, nodes := n.properties()
	for i, name := range names {
		path, node := append(slices.Clone(within), name), nodes[i]
		if inner := node.fields(path); len(inner) > 0 && len(path) < deepest && node.kind() == "object" {
			if !slices.Contains(n.Required, name) {
				for _, f := range inner {
					f.Required = false // the whole object may be missing
				}
			}
			list = append(list, inner...)
			continue
		}
		list = append(list, node.field(path, slices.Contains(n.Required, name)))
	}
	return list
}

// properties keeps the order in which they were written.
func (n *schemaNode) properties() (names []string, nodes []*schemaNode) {
	tokens := json.NewDecoder(bytes.NewReader(n.Properties))
	if begin, err := tokens.Token(); err != nil || begin != json.Delim('{') {
		return nil, nil
	}
	for tokens.More() {
		name, err := tokens.Token()
		node := &schemaNode{}
		if err != nil || tokens.Decode(node) != nil {
			return names, nodes
		}
		names, nodes = append(names, name.(string)), append(nodes, node)
	}
	return names, nodes
}

// kind is the type that a value must have besides null.
func (n *schemaNode) kind() string {
	var one string
	if json.Unmarshal(n.Type, &one) == nil {
		return one
	}
	var several []string
	if json.Unmarshal(n.Type, &several) == nil {
		several = slices.DeleteFunc(several, func(kind string) bool { return kind == "null" })
		if len(several) == 1 {
			return several[0]
		}
	}
	return ""
}

func (n *schemaNode) field(path []string, required bool) *field {
	f := &field{Path: pointer(path), within: path, Required: required, About: n.Description, Rules: n.rules(), Kind: "json", What: "JSON"}
	for _, choice := range n.Enum {
		var text string
		if json.Unmarshal(choice, &text) != nil {
			text = string(choice)
		}
		f.Choices = append(f.Choices, text)
	}
	switch kind := n.kind(); {
	case kind == "string" && len(n.Enum) > 0:
		f.Kind, f.What = "choice", "one of "+strings.Join(f.Choices, ", ")
	case kind == "string" && n.Format == "date-time":
		f.Kind, f.What = "time", "time"
	case kind == "string":
		f.Kind, f.What = "text", "text"
	case kind == "integer":
		f.Kind, f.What = "integer", "whole number"
	case kind == "number":
		f.Kind, f.What = "number", "number"
	case kind == "boolean":
		f.Kind, f.What = "boolean", "yes or no"
	case kind == "array":
		f.What = "list"
		if n.Items != nil && n.Items.kind() != "" {
			f.What = "list of " + n.Items.kind()
		}
	case kind == "object":
		f.What = "object"
	}
	return f
}

func (n *schemaNode) rules() string {
	var rules []string
	add := func(format string, value any) { rules = append(rules, fmt.Sprintf(format, value)) }
	if n.Minimum != "" {
		add("at least %s", n.Minimum)
	}
	if n.Maximum != "" {
		add("at most %s", n.Maximum)
	}
	if n.MinLength != nil {
		add("at least %d characters", *n.MinLength)
	}
	if n.MaxLength != nil {
		add("at most %d characters", *n.MaxLength)
	}
	if n.Format != "" && n.Format != "date-time" {
		add("%s", n.Format)
	}
	if n.Pattern != "" {
		add("matches %s", n.Pattern)
	}
	return strings.Join(rules, ", ")
}

// pointer is RFC 6901.
func pointer(path []string) string {
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	text := ""
	for _, part := range path {
		text += "/" + escape.Replace(part)
	}
	return text
}

// encoded is the value as JSON; "": it is left out.
func (f *field) encoded() string {
	text := f.Value
	switch f.Kind {
	case "text":
		if text == "" && !f.Required {
			return ""
		}
		return quoteJSON(text)
	case "choice", "time":
		if text == "" {
			return ""
		}
		return quoteJSON(text)
	case "boolean":
		return text // true, false or nothing: see the form
	}
	text = strings.TrimSpace(text)
	if text == "" {
		return ""
	}
	if !json.Valid([]byte(text)) {
		f.Problem = "is not " + map[string]string{"integer": "a whole number", "number": "a number", "json": "JSON"}[f.Kind]
		return "null"
	}
	return text
}

func quoteJSON(text string) string {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // text always encodes
	return strings.TrimSpace(out.String())
}

// assemble makes the object of the fields' values, with every number as it was typed.
func assemble(fields []*field) json.RawMessage {
	return json.RawMessage(object(fields, 0))
}

func object(fields []*field, depth int) string {
	var parts []string
	for i := 0; i < len(fields); {
		f, n := fields[i], 1
		name := f.within[depth]
		if len(f.within) == depth+1 {
			if text := f.encoded(); text != "" {
				parts = append(parts, quoteJSON(name)+":"+text)
			}
		} else {
			for i+n < len(fields) && len(fields[i+n].within) > depth+1 && fields[i+n].within[depth] == name {
				n++
			}
			if inner := object(fields[i:i+n], depth+1); inner != "{}" {
				parts = append(parts, quoteJSON(name)+":"+inner)
			}
		}
		i += n
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// fill puts the values of JSON into the fields. It reports whether they can hold all of
// it: what has no field would be lost.
func fill(fields []*field, raw json.RawMessage) bool {
	var members map[string]json.RawMessage
	if json.Unmarshal(raw, &members) != nil {
		return false
	}
	return fillObject(fields, members, 0)
}

func fillObject(fields []*field, members map[string]json.RawMessage, depth int) bool {
	whole, used := true, map[string]bool{}
	for i := 0; i < len(fields); {
		f, n := fields[i], 1
		name := f.within[depth]
		value, given := members[name]
		used[name] = true
		if len(f.within) == depth+1 {
			if given {
				whole = f.decode(value) && whole
			}
		} else {
			for i+n < len(fields) && len(fields[i+n].within) > depth+1 && fields[i+n].within[depth] == name {
				n++
			}
			var inner map[string]json.RawMessage
			if given && (json.Unmarshal(value, &inner) != nil || !fillObject(fields[i:i+n], inner, depth+1)) {
				whole = false
			}
		}
		i += n
	}
	for name := range members {
		whole = whole && used[name]
	}
	return whole
}

// decode reports whether a form gives the value back as it is. Browsers change the ends of
// lines in a text and leave out the first if it is empty; a list of choices has those alone.
func (f *field) decode(value json.RawMessage) bool {
	switch f.Kind {
	case "text", "choice", "time":
		if json.Unmarshal(value, &f.Value) != nil || string(value) == "null" {
			return false
		}
		return !strings.ContainsAny(f.Value, "\r\x00") && !strings.HasPrefix(f.Value, "\n") && (f.Kind != "choice" || slices.Contains(f.Choices, f.Value))
	}
	f.Value = string(value)
	return f.Kind == "json" || f.Value == "true" || f.Value == "false" || f.Kind != "boolean" && f.Value != "null"
}
