package sqlite

import "strconv"

// jsonText builds JSON of arrays. Text is passed on byte for byte; JSON of the user's is
// text.
type jsonText struct{ buffer []byte }

func (j *jsonText) open() {
	j.separate()
	j.buffer = append(j.buffer, '[')
}

func (j *jsonText) close() { j.buffer = append(j.buffer, ']') }

func (j *jsonText) separate() {
	if n := len(j.buffer); n > 0 && j.buffer[n-1] != '[' {
		j.buffer = append(j.buffer, ',')
	}
}

func (j *jsonText) int(n int64) {
	j.separate()
	j.buffer = strconv.AppendInt(j.buffer, n, 10)
}

func (j *jsonText) cell(c cell) {
	switch c.kind {
	case isNumber:
		j.int(c.number)
	case isText:
		j.text(c.text)
	default:
		j.separate()
		j.buffer = append(j.buffer, "null"...)
	}
}

const hexDigits = "0123456789abcdef"

func (j *jsonText) text(s string) {
	j.separate()
	j.buffer = append(j.buffer, '"')
	plain := 0
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		j.buffer = append(j.buffer, s[plain:i]...)
		plain = i + 1
		if c >= ' ' {
			j.buffer = append(j.buffer, '\\', c)
		} else {
			j.buffer = append(j.buffer, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	j.buffer = append(append(j.buffer, s[plain:]...), '"')
}

// ids is the JSON text of a list of ids.
func ids(list []int64) string {
	j := jsonText{buffer: make([]byte, 0, 8*len(list)+2)}
	j.open()
	for _, id := range list {
		j.int(id)
	}
	j.close()
	return string(j.buffer)
}

// texts is the JSON text of a list of strings.
func texts(list []string) string {
	var j jsonText
	j.open()
	for _, s := range list {
		j.text(s)
	}
	j.close()
	return string(j.buffer)
}
