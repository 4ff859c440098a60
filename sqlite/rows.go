package sqlite

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// rows are the rows of one statement, all as wide as the first.
type rows struct {
	cells    []cell
	count    int
	borrowed *[]cell // of cellsOfRows; nil: the cells are its own
}

// Rows for many jobs are borrowed: their memory is most of what a batch needs.
var cellsOfRows = sync.Pool{New: func() any { return new([]cell) }}

// borrowRows returns rows that have room for so many cells.
func borrowRows(room int) rows {
	cells := cellsOfRows.Get().(*[]cell)
	return rows{cells: slices.Grow(*cells, room), borrowed: cells}
}

// giveBack ends the use of rows that were borrowed.
func (r *rows) giveBack() {
	clear(r.cells) // what their text belongs to may go
	*r.borrowed = r.cells[:0]
	cellsOfRows.Put(r.borrowed)
}

// cell is one value of a row.
type cell struct {
	kind   cellKind
	number int64
	text   string
}

type cellKind uint8

const (
	isNull cellKind = iota
	isNumber
	isText
)

func (c cell) value() any {
	switch c.kind {
	case isNumber:
		return c.number
	case isText:
		return c.text
	}
	return nil
}

func (r *rows) next() { r.count++ }

func (r *rows) int(n int64) *rows {
	r.cells = append(r.cells, cell{kind: isNumber, number: n})
	return r
}

func (r *rows) null() *rows {
	r.cells = append(r.cells, cell{})
	return r
}

func (r *rows) text(s string) *rows {
	r.cells = append(r.cells, cell{kind: isText, text: s})
	return r
}

// orNull adds a number; null for 0, which stands for none.
func (r *rows) orNull(n int64) *rows {
	if n == 0 {
		return r.null()
	}
	return r.int(n)
}

// time adds microseconds since 1970; null for the zero time.
func (r *rows) time(t time.Time) *rows {
	if t.IsZero() {
		return r.null()
	}
	return r.int(t.UnixMicro())
}

// optional adds text; null if it is empty.
func (r *rows) optional(s string) *rows {
	if s == "" {
		return r.null()
	}
	return r.text(s)
}

// raw adds JSON as text; null if there is none.
func (r *rows) raw(raw json.RawMessage) *rows {
	if len(raw) == 0 {
		return r.null()
	}
	return r.text(string(raw))
}

// width is the number of columns.
func (r *rows) width() int {
	if r.count == 0 {
		return 0
	}
	return len(r.cells) / r.count
}

// String is the JSON text of all rows, an array of arrays.
func (r *rows) String() string {
	travel := make([]travel, r.width())
	return r.json(travel)
}

// json is the JSON text of the columns that differ: an array of arrays; an array of
// values if it is one column, of zeros if it is none.
func (r *rows) json(how []travel) string {
	several := 0
	for _, t := range how {
		if t == differs {
			several++
		}
	}
	out := jsonText{buffer: make([]byte, 0, 2+r.count*(2+12*several))}
	out.open()
	for first := 0; first < len(r.cells); first += len(how) {
		if several == 0 {
			out.int(0)
			continue
		}
		if several > 1 || len(how) == 1 {
			out.open()
		}
		for i, t := range how {
			if t == differs {
				out.cell(r.cells[first+i])
			}
		}
		if several > 1 || len(how) == 1 {
			out.close()
		}
	}
	out.close()
	return string(out.buffer)
}
