package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestCommandsPage: docs/commands.md has the commands that package latercli does not know.
func TestCommandsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/commands.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, cmd := range further() {
		if cmd.Hidden {
			continue
		}
		if row := "| `later " + cmd.Use + "` | " + cmd.Short + " (standalone) |\n"; !strings.Contains(string(page), row) {
			t.Errorf("docs/commands.md, written by latercli, lacks %s", row)
		}
	}
}

// TestCommandLinesOfDocuments: what the pages and the README tell people to type is a
// command with flags that it has. Nothing is done: --help is added to each.
func TestCommandLinesOfDocuments(t *testing.T) {
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, page := range append(pages, "../../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			args := asked(line)
			if args == nil {
				continue
			}
			tried++
			var said bytes.Buffer
			if code := run(t.Context(), args, streams{strings.NewReader(""), &said, &said}); code != 0 || !isAbout(said.String(), args) {
				t.Errorf("%s: %q ends with %d: %s", filepath.Base(page), line, code, said.String())
			}
		}
	}
	if tried < 50 {
		t.Errorf("only %d command lines were found", tried)
	}
}

// isAbout reports whether a help is that of the command, and not of the one above it, as
// it is where there is no such command.
func isAbout(help string, args []string) bool {
	path := "  later " + args[0]
	if strings.Contains(help, path+" [command]") && !strings.HasPrefix(args[1], "-") {
		path += " " + args[1]
	}
	return strings.Contains(help, path)
}

var (
	blocks = regexp.MustCompile("(?s)```(?:sh|text)?\n(.*?)```")
	fences = regexp.MustCompile("(?s)```.*?```")
	inline = regexp.MustCompile("`((?:go tool )?later [a-z][^`]*)`")
)

// commandLines are the uses of the command later in a page: in blocks of a shell, and
// within sentences.
func commandLines(page string) (lines []string) {
	for _, block := range blocks.FindAllStringSubmatch(page, -1) {
		lines = append(lines, regexp.MustCompile("[\n|&]+").Split(block[1], -1)...)
	}
	for _, code := range inline.FindAllStringSubmatch(fences.ReplaceAllString(page, ""), -1) {
		lines = append(lines, regexp.MustCompile("[\n|&]+").Split(code[1], -1)...)
	}
	return lines
}

// mounted are the commands that need the handlers of a program of one's own.
var mounted = []string{"work", "run"}

// asked are the arguments of a command line of later, with --help; nil: it is none.
func asked(line string) (args []string) {
	line, _, _ = strings.Cut(line, " #")
	line = strings.TrimPrefix(strings.TrimSpace(line), "go tool ")
	line, ok := strings.CutPrefix(line, "later ")
	if !ok {
		return nil
	}
	for _, word := range regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(line, -1) {
		if word == "--" {
			break
		}
		if word = strings.Trim(word, `'"`); word != "…" {
			args = append(args, word)
		}
	}
	if len(args) == 0 || slices.Contains(mounted, args[0]) || args[0] == "help" {
		return nil
	}
	return append(args, "--help")
}
