package sqlite

import (
	"database/sql"
	"math"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// Rows of one statement are much alike: the jobs of a call have the type and the
// queue, the settings and mostly even the time in common. To take a value out of JSON
// costs SQLite more than to store it. So only what differs travels as JSON, and a
// column in which all rows have the same is one parameter.

// travel is how a column gets to its statement.
type travel uint8

const (
	differs travel = iota // in the JSON
	same                  // one parameter for all rows
	rises                 // by one from row to row: a parameter, and the place of the row
)

// travels looks at the columns.
func (r *rows) travels(how []travel) {
	width := len(how)
	for i := range how {
		first := r.cells[i]
		alike, rising := true, first.kind == isNumber && first.number <= math.MaxInt64-int64(r.count)
		for at, n := i+width, int64(1); at < len(r.cells) && (alike || rising); at, n = at+width, n+1 {
			c := r.cells[at]
			alike = alike && c == first
			rising = rising && c.kind == isNumber && c.number == first.number+n
		}
		switch {
		case alike:
			how[i] = same
		case rising:
			how[i] = rises
		}
	}
}

// execRows runs a statement for the rows, if there are any.
func (s *session) execRows(name string, r *rows, args ...any) error {
	_, err := s.changeRows(name, r, args...)
	return err
}

// changeRows runs a statement for the rows, if there are any, and returns how many it
// has changed.
func (s *session) changeRows(name string, r *rows, args ...any) (changed int64, err error) {
	if r.count == 0 {
		return 0, nil
	}
	result, err := s.resultOfRows(name, r, args)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// insertRows runs a statement that inserts the rows, of which there are some, and returns
// the rowid of the last.
func (s *session) insertRows(name string, r *rows, args ...any) (last int64, err error) {
	result, err := s.resultOfRows(name, r, args)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

// resultOfRows runs a statement for rows. It takes the values of a row as value->>0,
// value->>1 and so on from the JSON of parameter 1; args are parameter 2 and on.
func (s *session) resultOfRows(name string, r *rows, args []any) (sql.Result, error) {
	var space [16]travel
	how := append(space[:0], make([]travel, r.width())...)
	r.travels(how)
	text, ok := tailored.find(name, how, 2+len(args))
	if !ok {
		clear(how)
		text = name
	}
	bound := make([]any, 0, 1+len(args)+len(how))
	bound = append(append(bound, r.json(how)), args...)
	for i, t := range how {
		if t != differs {
			bound = append(bound, r.cells[i].value())
		}
	}
	return s.result(name, text, bound)
}

// tailored are statements made for the ways in which their columns travel.
var tailored = tailor{texts: map[string]string{}, made: map[string]int{}}

type tailor struct {
	mu    sync.RWMutex
	texts map[string]string // by name and travels
	made  map[string]int    // how many, by name
}

// maxTailored bounds how many are made of one statement: a program has a few kinds of
// rows, and each of its connections keeps what it has prepared.
const maxTailored = 16

// find returns the text of a named statement for rows that travel so, with parameters
// from first on for what does not differ. If there are too many, it is the statement
// itself that serves, for rows of which everything differs.
func (t *tailor) find(name string, how []travel, first int) (string, bool) {
	var space [64]byte
	key := append(space[:0], name...)
	key = append(key, '/', byte(first))
	for _, way := range how {
		key = append(key, byte(way))
	}
	t.mu.RLock()
	text, ok := t.texts[string(key)]
	t.mu.RUnlock()
	if ok {
		return text, true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.made[name] >= maxTailored {
		return "", false
	}
	t.made[name]++
	text = tailoredText(query(name), how, first)
	t.texts[string(key)] = text
	return text, true
}

var columnOfRow = regexp.MustCompile(`(\w+\.)?value->>(\d+)`)

func tailoredText(text string, how []travel, parameter int) string {
	places := make([]string, len(how))
	differing := 0
	for i, way := range how {
		switch way {
		case differs:
			places[i] = "value->>" + strconv.Itoa(differing)
			differing++
		default:
			places[i] = "?" + strconv.Itoa(parameter)
			parameter++
		}
	}
	return columnOfRow.ReplaceAllStringFunc(text, func(found string) string {
		of, number, _ := strings.Cut(found, "value->>")
		i, err := strconv.Atoi(number)
		if err != nil || i >= len(how) {
			return found
		}
		switch {
		case how[i] == same:
			return places[i]
		case how[i] == rises:
			return "(" + places[i] + "+" + of + "key)"
		case differing == 1:
			return of + "value"
		}
		return of + places[i]
	})
}
