package query

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// test reads one value of a term.
func (p *parser) test(t term, v value, kind store.Kind) (store.Test, bool) {
	if v.text == "" && !(v.quoted && kind == store.KindJSON) {
		p.refuse("%s: a value is missing", t.raw)
		return store.Test{}, false
	}
	switch kind {
	case store.KindText:
		if v.text == "*" && !v.quoted && t.field != "" {
			return store.Test{Op: store.Prefix}, true
		}
		return store.Test{Op: store.Contain, Value: v.text}, true
	case store.KindName:
		return named(v), true
	case store.KindJSON:
		return p.inJSON(t, v)
	case store.KindTime:
		return p.time(t, v.text)
	}
	return p.compared(v.text, func(text string) (string, bool) {
		if kind == store.KindDuration {
			d, ok := p.duration(t, text)
			return d.String(), ok
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || t.field == "id" && n < 1 {
			p.refuse("%s: %q is no number; write as in %s:3, %s:>=3 or %s:3..9", t.raw, text, t.field, t.field, t.field)
		}
		return strconv.FormatInt(n, 10), err == nil
	})
}

// named is a value that is compared as a whole, or by its beginning.
func named(v value) store.Test {
	if beginning, star := strings.CutSuffix(v.text, "*"); star && !v.quoted {
		return store.Test{Op: store.Prefix, Value: beginning}
	}
	return store.Test{Value: v.text}
}

// compared reads >=3, 3..9, 3.. or 3.
func (p *parser) compared(text string, read func(string) (string, bool)) (store.Test, bool) {
	for _, op := range []store.Op{store.AtLeast, store.AtMost, store.Above, store.Below} { // the longer ones first
		if after, found := strings.CutPrefix(text, string(op)); found {
			value, ok := read(after)
			return store.Test{Op: op, Value: value}, ok
		}
	}
	from, to, isRange := strings.Cut(text, "..")
	switch {
	case !isRange:
		value, ok := read(text)
		return store.Test{Value: value}, ok
	case to == "":
		value, ok := read(from)
		return store.Test{Op: store.AtLeast, Value: value}, ok
	case from == "":
		value, ok := read(to)
		return store.Test{Op: store.AtMost, Value: value}, ok
	}
	first, ok := read(from)
	last, okToo := read(to)
	return store.Test{Op: store.Between, Value: first, To: last}, ok && okToo
}

func isNumber(text string) bool {
	return json.Valid([]byte(text)) && strings.IndexAny(text, "-0123456789") == 0
}

// inJSON compares numbers where numbers are given, and texts otherwise.
func (p *parser) inJSON(t term, v value) (store.Test, bool) {
	if v.quoted {
		return store.Test{Value: v.text}, true
	}
	number := func(text string) (string, bool) { return text, isNumber(text) }
	if from, to, isRange := strings.Cut(v.text, ".."); isRange && (from == "" || isNumber(from)) && (to == "" || isNumber(to)) && from+to != "" {
		return p.compared(v.text, number)
	}
	if v.text[0] == '<' || v.text[0] == '>' {
		test, ok := p.compared(v.text, number)
		if !ok {
			p.refuse("%s: only numbers can be compared; quote what is a text", t.raw)
		}
		return test, ok
	}
	return named(v), true
}

const day = 24 * time.Hour

// duration reads 90s, 1m30s, 2h, 3d or 1w.
func (p *parser) duration(t term, text string) (time.Duration, bool) {
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, true
	}
	if text != "" {
		unit := map[byte]time.Duration{'d': day, 'w': 7 * day}[text[len(text)-1]]
		n, err := strconv.ParseFloat(text[:len(text)-1], 64)
		if err == nil && unit > 0 && n >= 0 && n < 1e4 {
			return time.Duration(n * float64(unit)), true
		}
	}
	p.refuse("%s: %q is no time; write a number and ms, s, m, h, d or w, as in %s:<2h", t.raw, text, t.field)
	return 0, false
}

// time reads a day, a moment, an age or a range. Ages lie in the past, but for what is
// still to come.
func (p *parser) time(t term, text string) (test store.Test, ok bool) {
	if text[0] == '<' || text[0] == '>' {
		age, ok := p.duration(t, strings.TrimPrefix(text[1:], "="))
		if t.field == string(store.FieldRuns) {
			return store.Test{Op: map[byte]store.Op{'<': store.AtMost, '>': store.AtLeast}[text[0]], Value: stamp(p.now.Add(age))}, ok
		}
		return store.Test{Op: map[byte]store.Op{'<': store.AtLeast, '>': store.Below}[text[0]], Value: stamp(p.now.Add(-age))}, ok
	}
	from, to, isRange := strings.Cut(text, "..")
	begins, lasts, ok := p.moment(t, from)
	if !ok {
		return test, false
	}
	if !isRange {
		ends := begins.Add(lasts)
		if lasts == day {
			ends = begins.AddDate(0, 0, 1) // as a whole, also one of 23 hours
		}
		return store.Test{Op: store.Between, Value: stamp(begins), To: stamp(ends.Add(-time.Microsecond))}, true
	}
	last, lasts, ok := p.moment(t, to)
	if lasts == day {
		last = last.AddDate(0, 0, 1)
	}
	switch {
	case !ok:
		return test, false
	case from == "" && to == "":
		p.refuse("%s: a range needs an end", t.raw)
		return test, false
	case to == "":
		return store.Test{Op: store.AtLeast, Value: stamp(begins)}, true
	case from == "":
		return store.Test{Op: store.Below, Value: stamp(last)}, true
	}
	return store.Test{Op: store.Between, Value: stamp(begins), To: stamp(last.Add(-time.Microsecond))}, true
}

// moment reads a day, a minute, a second or an instant, and says how long it lasts.
func (p *parser) moment(t term, text string) (begins time.Time, lasts time.Duration, ok bool) {
	if text == "" {
		return begins, 0, true
	}
	if begins, err := time.ParseInLocation(time.DateOnly, text, p.now.Location()); err == nil {
		return begins, day, true
	}
	for layout, lasts := range map[string]time.Duration{time.RFC3339: time.Second, "2006-01-02T15:04": time.Minute, "2006-01-02T15:04:05": time.Second} {
		if moment, err := time.ParseInLocation(layout, text, p.now.Location()); err == nil {
			return moment, lasts, true
		}
	}
	p.refuse("%s: %q is no time; write an age (%s:<2h), a day (%s:2026-11-20), a time (2026-11-20T14:00) or a range of two (a..b)", t.raw, text, t.field, t.field)
	return begins, 0, false
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
