package query

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// term is one condition: a field and its value, or a word alone.
type term struct{ field, value string }

// split takes a query apart at its spaces, but for those between quotes. Within
// quotes a backslash stands before a quote or a backslash that is meant as such.
func split(text string) ([]term, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%q is not valid UTF-8", text)
	}
	var terms []term
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimLeftFunc(rest, unicode.IsSpace) {
		var t term
		if name, after, found := strings.Cut(rest, ":"); found && isName(name) && !strings.HasPrefix(after, "//") {
			t.field, rest = strings.ToLower(name), after
		}
		var err error
		if t.value, rest, err = value(rest); err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return terms, nil
}

func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r != '_' && r != '.' && !unicode.IsLetter(r) })
}

func value(text string) (value, rest string, err error) {
	if !strings.HasPrefix(text, `"`) {
		end := strings.IndexFunc(text, unicode.IsSpace)
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:], nil
	}
	var b strings.Builder
	escaped := false
	for i, r := range text[1:] {
		switch {
		case escaped:
			b.WriteRune(r)
			escaped = false
		case r == '\\':
			escaped = true
		case r == '"':
			return b.String(), text[i+2:], nil
		default:
			b.WriteRune(r)
		}
	}
	return "", "", fmt.Errorf("the quote at %.20q does not end", text)
}

// Term writes a condition as Parse reads it.
func Term(field, value string) string {
	if value == "" || strings.ContainsFunc(value, unicode.IsSpace) || strings.ContainsAny(value, `"\`) || field == "" && strings.Contains(value, ":") {
		value = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
	}
	if field == "" {
		return value
	}
	return field + ":" + value
}

// With returns the query with a field set to a value in the place of what it had;
// without the field if value is empty. A query that cannot be read stays as it is.
func With(query, field, value string) string {
	terms, err := split(query)
	if err != nil {
		return query
	}
	var kept []string
	for _, t := range terms {
		if t.field != field {
			kept = append(kept, Term(t.field, t.value))
		}
	}
	if value != "" {
		kept = append([]string{Term(field, value)}, kept...)
	}
	return strings.Join(kept, " ")
}
