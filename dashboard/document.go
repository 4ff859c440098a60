package dashboard

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// document is stored JSON for the eye. It is laid out anew from its bytes, never
// decoded into numbers, so that large integers and doubled keys stay what they are.
type document struct {
	Text  string
	Parts []jsonPart // of Text: what is deep inside is folded
	Bytes int
	Cut   bool   // only the beginning is shown
	Whole string // the address of all of it, from the root; empty: there is none
}

// jsonPart is a piece of a document as it is, or what is folded.
type jsonPart struct {
	Text string
	Fold *fold
}

// fold is an object or a list within a document, without what begins and ends it.
type fold struct {
	Words string // how much is in it
	Text  string
}

// foldedAt is how deep the objects and lists are that are folded.
const foldedAt = 3

// shownBytes bounds what a page shows of one document.
const shownBytes = 64 << 10

func render(raw json.RawMessage) document {
	d := document{Bytes: len(raw)}
	if len(raw) == 0 {
		return d
	}
	if d.Text = indented(raw); len(d.Text) > shownBytes {
		d.Text, d.Cut = cut(d.Text, shownBytes), true
	}
	d.Parts = folded(d.Text)
	return d
}

// indented is the whole of it. What somebody has spoiled by hand stays as it is.
func indented(raw json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, raw, "", "  ") != nil {
		return string(raw)
	}
	return out.String()
}

// folded takes indented JSON apart by its lines: one that begins something foldedAt levels
// deep is followed by what is further in, until the line that ends it.
func folded(text string) (parts []jsonPart) {
	indent := strings.Repeat("  ", foldedAt)
	lines := strings.SplitAfter(text, "\n")
	plain, deep := 0, -1 // where the piece begins; the first line of the fold
	piece := func(from, until int) string { return strings.Join(lines[from:until], "") }
	for i, line := range lines {
		inner := strings.HasPrefix(line, indent+"  ")
		switch {
		case inner && deep < 0:
			deep = i
		case !inner && deep >= 0:
			inside := piece(deep, i)
			n := 0
			for _, l := range lines[deep:i] {
				if own := l[len(indent)+2:]; own != "" && !strings.ContainsRune(" ]}", rune(own[0])) {
					n++
				}
			}
			parts = append(parts, jsonPart{Text: strings.TrimSuffix(piece(plain, deep), "\n")}, jsonPart{Fold: &fold{plural(int64(n), "value", "values"), strings.TrimSuffix(inside, "\n")}})
			plain, deep = i, -1
		}
	}
	return append(parts, jsonPart{Text: piece(plain, len(lines))})
}

// label is a line of arguments for a list.
func label(raw json.RawMessage) string {
	const length = 120
	text, fits := fields(raw, 4*length)
	if !fits {
		text = cut(string(raw), 4*length)
	}
	if utf8.RuneCountInString(text) > length {
		text = string([]rune(text)[:length]) + "…"
	}
	return text
}

// fields are those of a JSON object for people, "name: Ada, width: 320", at most about n
// bytes of them. It says whether raw is an object.
func fields(raw json.RawMessage, n int) (string, bool) {
	read := json.NewDecoder(bytes.NewReader(raw))
	if open, err := read.Token(); err != nil || open != json.Delim('{') {
		return "", false
	}
	var list []string
	for size := 0; read.More() && size < n; {
		name, err := read.Token()
		if err != nil {
			return "", false
		}
		var value json.RawMessage
		if err := read.Decode(&value); err != nil {
			return "", false
		}
		text, _ := name.(string) // that is what stands before a colon
		if !printable(text) {
			text = strconv.Quote(text)
		}
		one := text + ": " + plainly(value)
		list, size = append(list, one), size+len(one)
	}
	return strings.Join(list, ", "), true
}

func printable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// plainly is a JSON value without the quotes of a text, unless they are needed to see it.
func plainly(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && text != "" && printable(text) {
		return text
	}
	var out bytes.Buffer
	if json.Compact(&out, value) != nil {
		return string(value)
	}
	return out.String()
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
