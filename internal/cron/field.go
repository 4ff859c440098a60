package cron

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
)

// set holds the numbers that a field allows, one bit each.
type set uint64

func (s set) has(n int) bool { return s>>n&1 == 1 }

// from is the smallest member that is not below n.
func (s set) from(n int) (int, bool) {
	rest := s >> n << n
	return bits.TrailingZeros64(uint64(rest)), rest != 0
}

// field is one of an expression.
type field struct {
	name     string
	min, max int
	names    []string // of the numbers from min, in upper case
}

var (
	seconds     = field{name: "second", max: 59}
	minutes     = field{name: "minute", max: 59}
	hours       = field{name: "hour", max: 23}
	daysOfMonth = field{name: "day of month", min: 1, max: 31}
	months      = field{name: "month", min: 1, max: 12, names: strings.Fields("JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC")}
	weekdays    = field{name: "day of week", max: 7, names: strings.Fields("SUN MON TUE WED THU FRI SAT")}
)

func full(f field) set { return f.span(f.min, f.max, 1) }

func (f field) span(from, to, step int) (s set) {
	for n := from; n <= to; n += step {
		s |= 1 << n
	}
	return s
}

// hasStar is what Vixie's cron asks of a field: whether it is written with a star.
func hasStar(text string) bool {
	for part := range strings.SplitSeq(text, ",") {
		if strings.HasPrefix(part, "*") || part == "?" {
			return true
		}
	}
	return false
}

// read reads a list such as 1,5-9,30/10,*/2.
func (f field) read(text string) (s set, err error) {
	for part := range strings.SplitSeq(text, ",") {
		members, err := f.readPart(part)
		if err != nil {
			return 0, err
		}
		s |= members
	}
	return s, nil
}

// readPart reads *, 5, 5-9, and each of them with a step; 5/15 means 5-59/15.
func (f field) readPart(text string) (set, error) {
	bounds, stepText, stepped := strings.Cut(text, "/")
	step := 1
	if stepped {
		n, err := strconv.ParseUint(stepText, 10, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%s %q: the step %q is not a number above 0", f.name, text, stepText)
		}
		if most := f.last() - f.min + 1; int(n) > most {
			return 0, fmt.Errorf("%s %q: a step of %d reaches beyond %d–%d; an interval as long as that is a rule of its own, see Every", f.name, text, n, f.min, f.last())
		}
		step = int(n)
	}
	if bounds == "*" {
		return f.span(f.min, f.last(), step), nil
	}
	fromText, toText, ranged := strings.Cut(bounds, "-")
	from, err := f.number(fromText)
	if err != nil {
		return 0, err
	}
	to := from
	if ranged {
		if to, err = f.number(toText); err != nil {
			return 0, err
		}
		if to == 0 && f.max == weekdays.max {
			to = 7 // as in SAT-SUN
		}
	} else if stepped {
		to = f.last()
	}
	if from > to {
		return 0, fmt.Errorf("%s %q runs backwards: write it as two ranges, %s-%d,%d-%s", f.name, bounds, fromText, f.last(), f.min, toText)
	}
	return f.span(from, to, step), nil
}

// last is the largest number that stands for something of its own: 7 is Sunday again.
func (f field) last() int {
	if f.max == weekdays.max {
		return 6
	}
	return f.max
}

func (f field) number(text string) (int, error) {
	for i, name := range f.names {
		if strings.EqualFold(text, name) {
			return f.min + i, nil
		}
	}
	n, err := strconv.ParseUint(text, 10, 32)
	switch {
	case err != nil && len(f.names) > 0:
		return 0, fmt.Errorf("%s %q is neither a number nor one of %s", f.name, text, strings.Join(f.names, " "))
	case err != nil:
		return 0, fmt.Errorf("%s %q is not a number", f.name, text)
	case n < uint64(f.min) || n > uint64(f.max):
		return 0, fmt.Errorf("%s %d is outside %d–%d", f.name, n, f.min, f.max)
	}
	return int(n), nil
}
