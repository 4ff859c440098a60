package dashboard

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// document is stored JSON for the eye. It is laid out anew from its bytes, never
// decoded into numbers, so that large integers and doubled keys stay what they are.
type document struct {
	Text  string
	Bytes int
	Cut   bool // only the beginning is shown
}

// shownBytes bounds what a page shows of one document.
const shownBytes = 64 << 10

func render(raw json.RawMessage) document {
	d := document{Bytes: len(raw)}
	if len(raw) == 0 {
		return d
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		out.Reset()
		out.Write(raw) // somebody has spoiled it by hand
	}
	d.Text = out.String()
	if len(d.Text) > shownBytes {
		d.Text, d.Cut = cut(d.Text, shownBytes), true
	}
	return d
}

// label is a line of arguments for a list.
func label(raw json.RawMessage) string {
	const length = 120
	text := cut(string(raw), 4*length)
	var out bytes.Buffer
	if json.Compact(&out, raw) == nil {
		text = cut(out.String(), 4*length)
	}
	text = strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
	if utf8.RuneCountInString(text) > length {
		text = string([]rune(text)[:length]) + "…"
	}
	return text
}

// cut shortens text to at most n bytes without splitting a character.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}
