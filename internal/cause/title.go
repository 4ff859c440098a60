package cause

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxTitle = 300     // bytes of a title
	maxRead  = 4 << 10 // bytes of a message that are looked at
	gap      = "…"     // stands for what differs
)

// Title is a message without what differs from one failure to the next: numbers, ids,
// addresses, times, paths of files and what is quoted become …. Numbers that say what went
// wrong stay: status 404, SQLSTATE 23505.
func Title(message string) string {
	w := writer{}
	rest := printable(message, maxRead)
	for rest != "" && w.out.Len() < 2*maxTitle {
		rest = w.take(rest)
	}
	return w.title()
}

// writer builds a title.
type writer struct {
	out      strings.Builder
	previous string // word, in lower case
	last     rune   // written
}

// take writes what the next piece of the message becomes, and returns the rest.
func (w *writer) take(rest string) string {
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case unicode.IsSpace(r) || unicode.IsControl(r):
		w.space()
		return rest[size:]
	case quoted(r) && !wordy(w.last):
		if end := closing(rest[size:], r); end >= 0 {
			w.write(string(r) + gap + string(r))
			w.previous = ""
			return rest[size+end+size:]
		}
		w.write(string(r))
		return rest[size:]
	case r == '[':
		if length := bracketed(rest); length > 0 {
			w.write(gap)
			return rest[length:]
		}
		w.write("[")
		return rest[size:]
	case !wordy(r) && r != '/' && r != '~' && r != '.' && r != '-' && r != '+' && r != '%' && r != '#' && r != '@':
		w.write(string(r))
		return rest[size:]
	}
	end := strings.IndexFunc(rest, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune("()[]{}<>,;=|\"'`", r)
	})
	if end < 0 {
		end = len(rest)
	}
	word := rest[:end]
	if trimmed := strings.TrimRight(word, ".:!?"); trimmed != "" {
		word = trimmed
	}
	w.write(general(word, w.previous))
	w.previous = strings.ToLower(word)
	return rest[len(word):]
}

// space writes one, however many there are.
func (w *writer) space() {
	if w.out.Len() > 0 && w.last != ' ' {
		w.write(" ")
	}
}

func (w *writer) write(s string) {
	w.out.WriteString(s)
	w.last, _ = utf8.DecodeLastRuneInString(s)
}

// title is what was written: lists of gaps, however long, are one.
func (w *writer) title() string {
	s := strings.TrimSpace(w.out.String())
	for _, list := range []string{gap + ", " + gap, gap + "," + gap, gap + " " + gap, gap + gap} {
		for strings.Contains(s, list) {
			s = strings.ReplaceAll(s, list, gap)
		}
	}
	return printable(s, maxTitle)
}

func wordy(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

func quoted(r rune) bool { return r == '"' || r == '\'' || r == '`' }

// closing is where the quotation ends; -1 if it does not. An apostrophe within a word
// ends nothing, nor does what a backslash stands before.
func closing(rest string, quote rune) int {
	for i, r := range rest {
		if r != quote || i > 0 && rest[i-1] == '\\' {
			continue
		}
		next, _ := utf8.DecodeRuneInString(rest[i+utf8.RuneLen(r):])
		if quote == '\'' && next != utf8.RuneError && wordy(next) {
			continue
		}
		return i
	}
	return -1
}
