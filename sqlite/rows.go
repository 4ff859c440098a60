package sqlite

import (
	"encoding/json"
	"strconv"
	"time"
)

// rows builds the JSON text in which rows travel to a statement: an array of
// arrays, or of ids. Text is passed on byte for byte; JSON of the user's is text.
type rows struct {
	buffer []byte
	count  int
	inRow  bool
}

func (r *rows) next() {
	r.close()
	r.separate()
	r.buffer = append(r.buffer, '[')
	r.inRow = true
	r.count++
}

func (r *rows) close() {
	if r.inRow {
		r.buffer = append(r.buffer, ']')
		r.inRow = false
	}
}

func (r *rows) separate() {
	switch n := len(r.buffer); {
	case n == 0:
		r.buffer = append(r.buffer, '[')
	case r.buffer[n-1] != '[':
		r.buffer = append(r.buffer, ',')
	}
}

func (r *rows) int(n int64) *rows {
	r.separate()
	r.buffer = strconv.AppendInt(r.buffer, n, 10)
	return r
}

func (r *rows) null() *rows {
	r.separate()
	r.buffer = append(r.buffer, "null"...)
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

const hexDigits = "0123456789abcdef"

func (r *rows) text(s string) *rows {
	r.separate()
	r.buffer = append(r.buffer, '"')
	plain := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		r.buffer = append(r.buffer, s[plain:i]...)
		plain = i + 1
		if c >= ' ' {
			r.buffer = append(r.buffer, '\\', c)
		} else {
			r.buffer = append(r.buffer, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	r.buffer = append(append(r.buffer, s[plain:]...), '"')
	return r
}

// String is the JSON text.
func (r *rows) String() string {
	r.close()
	if len(r.buffer) == 0 {
		return "[]"
	}
	return string(append(r.buffer, ']'))
}

// ids is the JSON text of a list of ids.
func ids(list []int64) string {
	r := rows{buffer: make([]byte, 0, 8*len(list)+2)}
	for _, id := range list {
		r.int(id)
	}
	return r.String()
}

// texts is the JSON text of a list of strings.
func texts(list []string) string {
	var r rows
	for _, s := range list {
		r.text(s)
	}
	return r.String()
}
