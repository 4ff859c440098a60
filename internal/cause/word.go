package cause

import (
	"net/netip"
	"strings"
	"unicode"
)

// general is what stays of a word.
func general(word, previous string) string {
	digits := strings.IndexFunc(word, unicode.IsDigit) >= 0
	switch {
	case path(word), strings.Contains(word, "://"), address(word, digits):
		return gap
	case !digits && !hexadecimal(word):
		return word
	case code(word, previous):
		return word
	case uuid(word), hexadecimal(word), random(word):
		return gap
	}
	return withoutNumbers(word)
}

// named are words after which a number says what went wrong.
var named = map[string]bool{"status": true, "code": true, "sqlstate": true, "http": true, "errno": true, "error": true, "http/1.1": true, "http/2.0": true}

// maxCode is the length of the longest: SQLSTATE has five.
const maxCode = 5

func code(word, previous string) bool { return named[previous] && len(word) <= maxCode }

// path reports whether the word names a file, on any system.
func path(word string) bool {
	for _, start := range []string{"/", "./", "../", "~/", `\\`} {
		if strings.HasPrefix(word, start) && len(word) > len(start) {
			return true
		}
	}
	return len(word) > 3 && word[1] == ':' && (word[2] == '\\' || word[2] == '/') && unicode.IsLetter(rune(word[0]))
}

// address reports whether the word is one of a host, with or without a port, or of mail.
func address(word string, digits bool) bool {
	if at := strings.LastIndexByte(word, '@'); at > 0 && strings.IndexByte(word[at:], '.') > 0 {
		return true
	}
	if !digits {
		return false
	}
	if host, port, ok := cutLast(word, ':'); ok && host != "" && numeric(port) && len(port) <= 5 && !numeric(host) {
		return true
	}
	if _, err := netip.ParseAddr(word); err == nil {
		return true
	}
	_, err := netip.ParseAddrPort(word)
	return err == nil
}

// bracketed is the length of an address in brackets at the start, with its port if it has
// one; 0: there is none.
func bracketed(rest string) int {
	end := strings.IndexByte(rest, ']')
	if end < 0 {
		return 0
	}
	if _, err := netip.ParseAddr(rest[1:end]); err != nil {
		return 0
	}
	end++
	if port, found := strings.CutPrefix(rest[end:], ":"); found {
		digits := len(port) - len(strings.TrimLeft(port, "0123456789"))
		if digits > 0 {
			end += 1 + digits
		}
	}
	return end
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, sep); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}

func numeric(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// uuid reports whether the word is one: 8-4-4-4-12.
func uuid(word string) bool {
	return len(word) == 36 && word[8] == '-' && word[13] == '-' && word[18] == '-' && word[23] == '-'
}

// hexadecimal: a pointer, a hash, an id. Words of letters alone are none, but for long ones.
func hexadecimal(word string) bool {
	const short, long = 8, 32
	digits := word
	if len(word) > 2 && (strings.HasPrefix(word, "0x") || strings.HasPrefix(word, "0X")) {
		digits = word[2:]
	} else if len(word) < short || len(word) < long && !strings.ContainsAny(word, "0123456789") {
		return false
	}
	return strings.Trim(digits, "0123456789abcdefABCDEF") == ""
}

// random: letters and digits in a long row, as ids of other systems have.
func random(word string) bool {
	const long, turns = 16, 4
	if len(word) < long {
		return false
	}
	changes, was := 0, false
	for i, r := range word {
		is := unicode.IsDigit(r)
		if i > 0 && is != was {
			changes++
		}
		was = is
	}
	return changes >= turns
}

// withoutNumbers replaces each number in a word, with its sign, fraction and the colons
// and dashes of times.
func withoutNumbers(word string) string {
	var out strings.Builder
	inNumber := false
	for _, r := range word {
		switch {
		case unicode.IsDigit(r):
			if !inNumber {
				out.WriteString(gap)
			}
			inNumber = true
		case inNumber && strings.ContainsRune(".:-+/", r), inNumber && (r == 'T' || r == 'Z'):
			// part of a number, a day or a time
		default:
			inNumber = false
			out.WriteRune(r)
		}
	}
	s := strings.TrimPrefix(out.String(), "-")
	for _, unit := range []string{"ns", "µs", "us", "ms", "s", "m", "h", "m" + gap + "s", "h" + gap + "m" + gap + "s", "%"} {
		if s == gap+unit {
			return gap // a duration may come in another unit
		}
	}
	return s
}
