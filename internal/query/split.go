package query

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// term is one condition: a field and its values, or a word alone.
type term struct {
	raw    string // as written
	not    bool
	field  string
	values []value
}

// value is one of the values of a term. What is quoted means what it says.
type value struct {
	text   string
	quoted bool
}

// split takes a query apart at its spaces, but for those between quotes. Within
// quotes a backslash stands before a quote or a backslash that is meant as such.
func split(text string) ([]term, error) {
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("%q is not valid UTF-8", text)
	}
	var terms []term
	for rest := strings.TrimSpace(text); rest != ""; {
		t := term{}
		whole := rest
		if len(rest) > 1 && rest[0] == '-' && !unicode.IsSpace(rune(rest[1])) {
			t.not, rest = true, rest[1:]
		}
		if name, after, found := strings.Cut(rest, ":"); found && isName(name) && !strings.HasPrefix(after, "//") {
			first, inside, _ := strings.Cut(name, ".")
			t.field, rest = strings.ToLower(first), after
			if len(name) > len(first) {
				t.field += "." + inside // names in JSON keep their case
			}
		}
		var err error
		if t.values, rest, err = values(rest, t.field != ""); err != nil {
			return nil, err
		}
		t.raw = strings.TrimSpace(whole[:len(whole)-len(rest)])
		terms = append(terms, t)
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
	}
	return terms, nil
}

// isName reports whether what stands before a colon names a field. Words in which a
// colon follows a number, such as 12:30, are words.
func isName(text string) bool {
	first, inside, _ := strings.Cut(text, ".")
	strange := func(digits bool) func(rune) bool {
		return func(r rune) bool {
			return r != '_' && !unicode.IsLetter(r) && !(digits && (unicode.IsDigit(r) || r == '-' || r == '.'))
		}
	}
	return first != "" && !strings.ContainsFunc(first, strange(false)) && !strings.ContainsFunc(inside, strange(true))
}

// values reads what follows a field: values between commas. A word alone has one.
func values(text string, list bool) (found []value, rest string, err error) {
	for rest = text; ; rest = rest[1:] {
		var v value
		if strings.HasPrefix(rest, `"`) {
			v.quoted = true
			if v.text, rest, err = quoted(rest); err != nil {
				return nil, "", err
			}
		} else {
			end := strings.IndexFunc(rest, func(r rune) bool { return unicode.IsSpace(r) || list && r == ',' })
			if end < 0 {
				end = len(rest)
			}
			v.text, rest = rest[:end], rest[end:]
		}
		found = append(found, v)
		if !list || !strings.HasPrefix(rest, ",") {
			return found, rest, nil
		}
	}
}

func quoted(text string) (value, rest string, err error) {
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
	if field == "" {
		if strings.ContainsAny(value, ":") || strings.HasPrefix(value, "-") {
			return quote(value)
		}
		return written(value)
	}
	return field + ":" + written(value)
}

// written is a value that means what it says.
func written(value string) string {
	special := value == "" || strings.ContainsFunc(value, unicode.IsSpace) || strings.ContainsAny(value, `"\,`) ||
		strings.HasSuffix(value, "*") || strings.HasPrefix(value, "<") || strings.HasPrefix(value, ">") || strings.Contains(value, "..")
	if special {
		return quote(value)
	}
	return value
}

func quote(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// Terms are the terms of a query as they are written; none, if it cannot be read.
func Terms(query string) []string {
	terms, _ := split(query)
	var texts []string
	for _, t := range terms {
		texts = append(texts, t.raw)
	}
	return texts
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
			kept = append(kept, t.raw)
		}
	}
	if value != "" {
		kept = slices.Insert(kept, 0, Term(field, value))
	}
	return strings.Join(kept, " ")
}
