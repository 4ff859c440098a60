package query

import (
	"strconv"
	"strings"
	"time"
)

// times reads a moment, an age or a range into the bounds after ≤ t < before.
func (p *parser) times(t term, after, before *time.Time) {
	if !after.IsZero() || !before.IsZero() {
		p.refuse("%s: can be given once; a range is written %s:2026-11-20..2026-11-22", t.field, t.field)
		return
	}
	from, to, isRange := strings.Cut(t.value, "..")
	switch {
	case isRange:
		p.bound(t, from, after, nil)
		p.bound(t, to, nil, before)
	case strings.HasPrefix(t.value, "<"):
		p.age(t, t.value[1:], after)
	case strings.HasPrefix(t.value, ">"):
		p.age(t, t.value[1:], before)
	default:
		p.bound(t, t.value, after, before)
	}
}

// bound reads a day or a time; a day begins and ends.
func (p *parser) bound(t term, text string, begins, ends *time.Time) {
	if text == "" {
		return
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, p.now.Location()); err == nil {
		set(begins, day)
		set(ends, day.AddDate(0, 0, 1))
		return
	}
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		p.refuse("%s:%s is no time: write an age (%s:<2h), a day (%s:2026-11-20), a time (2026-11-20T14:00:00Z) or a range of two (a..b)",
			t.field, text, t.field, t.field)
		return
	}
	set(begins, moment)
	set(ends, moment)
}

func set(at *time.Time, t time.Time) {
	if at != nil {
		*at = t
	}
}

// age reads 90s, 5m, 2h, 3d or 1w.
func (p *parser) age(t term, text string, bound *time.Time) {
	unit := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}
	if text != "" {
		n, err := strconv.ParseFloat(text[:len(text)-1], 64)
		if size := unit[text[len(text)-1]]; err == nil && size > 0 && n >= 0 && n < 1e6 {
			*bound = p.now.Add(-time.Duration(n * float64(size)))
			return
		}
	}
	p.refuse("%s: %q is no age: write a number and s, m, h, d or w, such as %s:<2h", t.field, text, t.field)
}
