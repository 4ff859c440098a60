package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzCommandLine: whatever stands on the command line, it ends with an exit code that
// is documented, says why on the standard error, prints JSON that is JSON, and nothing
// that steers a terminal.
func FuzzCommandLine(f *testing.F) {
	db := stocked(f, filepath.Join(f.TempDir(), "jobs.db"))
	commands := []string{"list", "show", "stats", "enqueue", "cancel", "retry", "delete", "queue", "stats", "version", "nonsense", "logs", "count", "reschedule", "edit", "schedule", "types", "schema"}
	for _, seed := range []string{
		"0", "0\n--status\nfailed,retrying\n-o\njson", "0\n--limit\n-1", "0\n--before\n9223372036854775808", "0\n--text\n%\n--tag\n\x00", "0\n--user\n\xff\n-o\njson",
		"1\n1\n-o\njson", "1\n2", "1\n-1", "1\n99999999999999999999", "2\n-o\njson", "2\n-o\nyaml",
		"3\nGreetJob\n--args\n{\"n\":5}\n--in\n1h\n-o\njson", "3\nGreetJob\n--args\n{\"n\":5}\n--in\n-1ns", "3\nGreetJob\n--args\n{\"n\":5}\n--in\n9223372036s", "3\nGreetJob\n--args\n{\"n\":5}\n--at\n9999-12-31",
		"3\nGreetJob\n--args\n-\n--priority\n32768", "3\n\x1b]0;owned\a", "3\nGreetJob\n--args\n\x1b[2J", "3\nGreetJob\n--queue\n\u202e\n--args\n{\"n\":1}",
		"4\n4\n--reason\n\x00", "4\n--type\nGreetJob\n--reason\n\xff", "5\n--status\nfailed", "6\n3\n3", "7\npause\n\x1b[2J", "7\nresume\n\x1b[2J", "8\nx\ny", "9", "10", "0\n--help", "0\n-\x84", "0\n\x9b31m", "0\n--status", "0\n--\n--",
		"11\n1\n-o\njsonl", "12\n--by\nstatus,\x1b", "13\n4\n--in\n-1d", "13\n4\n--at\n\u202e", "14\n4\n--args\n{\"n\":6}", "14\n4\n--args\n\x1b", "15\ncheck\n* * \x1b * *", "15\nnext\nx", "16\n-o\ncsv",
		"17\nGreetJob", "17\n\x1b[2J", "0\n-o\ncsv", "0\n-q", "0\n--tz\nEurope/Berlin", "0\n-w\nstatus:failed queued:<1h", "0\n-w\n\"",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed string) {
		words := strings.Split(seed, "\n")
		command := 0
		for _, c := range []byte(words[0]) {
			command = (10*command + int(c-'0')) % len(commands)
		}
		line := append([]string{commands[(command+len(commands))%len(commands)], "--db", db}, words[1:]...)
		for _, word := range line[3:] {
			if strings.HasPrefix(word, "--color") || strings.HasPrefix(word, "--db") || strings.HasPrefix(word, "--schema") || strings.HasPrefix(word, "@") || strings.Contains(word, "=@") {
				t.Skip("another store, another file, or colours")
			}
		}
		code, out, problems := laterCmd(t, line...)
		if code < 0 || code > 8 || code == 4 || code != 0 && problems == "" {
			t.Errorf("%q ends with %d: %q", line, code, problems)
		}
		for _, printed := range []string{out, problems} {
			if !json.Valid([]byte(printed)) && (!utf8.ValidString(printed) || strings.ContainsFunc(printed, unprintable)) {
				t.Errorf("%q prints %q", line, printed)
			}
		}
	})
}

func unprintable(r rune) bool {
	return r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r))
}
