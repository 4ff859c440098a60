package store

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
)

// HoldsIn reports whether a condition on JSON holds in a document, without regard to
// Not. What is not valid JSON has no values.
func (c *Condition) HoldsIn(document json.RawMessage) bool { return c.at(document, c.Path) }

// at follows the path. A list is entered by an index, or else in all its elements.
func (c *Condition) at(value json.RawMessage, path []string) bool {
	if len(value) == 0 {
		return false
	}
	switch firstOf(value) {
	case '{':
		var fields map[string]json.RawMessage
		if json.Unmarshal(value, &fields) != nil {
			return false
		}
		if len(path) == 0 {
			return c.present()
		}
		inner, found := fields[path[0]]
		return found && c.at(inner, path[1:])
	case '[':
		var elements []json.RawMessage
		if json.Unmarshal(value, &elements) != nil {
			return false
		}
		if len(path) == 0 && c.present() {
			return true
		}
		if len(path) > 0 {
			if i, err := strconv.ParseUint(path[0], 10, 32); err == nil {
				return i < uint64(len(elements)) && c.at(elements[i], path[1:])
			}
		}
		return slices.ContainsFunc(elements, func(e json.RawMessage) bool { return c.at(e, path) })
	}
	return len(path) == 0 && c.scalar(value)
}

// present reports whether it is enough that there is a value.
func (c *Condition) present() bool {
	return slices.ContainsFunc(c.AnyOf, func(t Test) bool { return t.Op == Prefix && t.Value == "" })
}

func (c *Condition) scalar(value json.RawMessage) bool {
	text := strings.TrimSpace(string(value))
	number := true
	switch firstOf(value) {
	case '"':
		number = false
		if json.Unmarshal(value, &text) != nil {
			return false
		}
	case 't', 'f', 'n':
		number = false
		if !json.Valid(value) {
			return false
		}
	}
	return slices.ContainsFunc(c.AnyOf, func(t Test) bool { return t.scalar(text, number) })
}

func (t Test) scalar(text string, number bool) bool {
	switch t.Op {
	case Prefix:
		return strings.HasPrefix(text, t.Value)
	case Equal:
		if text == t.Value {
			return true
		}
	}
	order, known := compare(text, t.Value)
	if !number || !known {
		return false
	}
	switch t.Op {
	case Equal:
		return order == 0
	case Below:
		return order < 0
	case AtMost:
		return order <= 0
	case Above:
		return order > 0
	case AtLeast:
		return order >= 0
	case Between:
		last, _ := compare(text, t.To)
		return order >= 0 && last <= 0
	}
	return false
}

func firstOf(value json.RawMessage) byte {
	for _, b := range value {
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			return b
		}
	}
	return 0
}

// Needles are texts of which one occurs in every document in which a condition on JSON
// holds, if the document has no backslash and, where plain is set, no number that is
// written with a point or an exponent: what a database can look for cheaply before
// anybody reads the document. None: it cannot be said.
func (c *Condition) Needles() (needles []string, plain bool) {
	if c.Not {
		return nil, false
	}
	for _, t := range c.AnyOf {
		if t.Op != Equal && t.Op != Prefix || t.Value == "" || strings.ContainsAny(t.Value, "\"\\\uFFFD") {
			return nil, false
		}
		if d, isNumber := parseDecimal(t.Value); isNumber && t.Op == Equal {
			if strings.ContainsAny(t.Value, ".eE") || d.sign == 0 {
				return nil, false
			}
			plain = true
		}
		needles = append(needles, t.Value)
	}
	return needles, plain
}
