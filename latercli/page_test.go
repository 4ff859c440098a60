package latercli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

var update = flag.Bool("update", false, "write what the pages of docs say of the commands")

// TestCommandsPage: docs/commands.md lists every command, and every exit code.
func TestCommandsPage(t *testing.T) {
	const path = "../docs/commands.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	text = between(t, text, "<!-- commands: ", commandsTable())
	text = between(t, text, "<!-- exit codes: ", exitTable())
	if text == string(page) {
		return
	}
	if !*update {
		t.Fatal("docs/commands.md does not say what the commands are: go test ./latercli -run TestCommandsPage -update")
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// between puts a table between the line that begins with a mark and the next end.
func between(t *testing.T, text, mark, table string) string {
	t.Helper()
	before, rest, found := strings.Cut(text, mark)
	line, rest, found2 := strings.Cut(rest, "\n")
	_, after, found3 := strings.Cut(rest, "<!-- end -->")
	if !found || !found2 || !found3 {
		t.Fatalf("docs/commands.md has no place for %s", mark)
	}
	return before + mark + line + "\n" + table + "<!-- end -->" + after
}

func commandsTable() string {
	standalone := (&app{program: &Program{}}).command("later")
	mounted := (&app{queue: later.New(nil, later.Config{})}).command("later")
	var b strings.Builder
	b.WriteString("| | |\n|---|---|\n| `later demo` | Watch real jobs: mail over SMTP, files with progress, a clean-up, retries (standalone) |\n" +
		"| `later init [FOLDER]` | Write a program that runs: a job, its handler, a dashboard, a graceful stop, a test (standalone) |\n" +
		"| `later dev [-- go run PACKAGE]` | Rebuild and restart a program when its files change; dashboard and mail inbox beside it (standalone) |\n")
	for _, g := range everywhere {
		seen := map[string]bool{}
		for _, root := range []*cobra.Command{standalone, mounted} {
			for _, cmd := range root.Commands() {
				if cmd.GroupID != g.id || seen[cmd.Name()] {
					continue
				}
				seen[cmd.Name()] = true
				writeRows(&b, cmd, only(standalone, mounted, cmd.Name()))
			}
		}
	}
	return b.String()
}

// only says where a command is, if it is not everywhere.
func only(standalone, mounted *cobra.Command, name string) string {
	has := func(root *cobra.Command) bool {
		for _, cmd := range root.Commands() {
			if cmd.Name() == name {
				return true
			}
		}
		return false
	}
	switch {
	case !has(mounted):
		return " (standalone)"
	case !has(standalone):
		return " (mounted)"
	}
	return ""
}

func writeRows(b *strings.Builder, cmd *cobra.Command, where string) {
	if !cmd.HasSubCommands() {
		fmt.Fprintf(b, "| `later %s` | %s%s |\n", strings.TrimPrefix(cmd.CommandPath(), "later ")+strings.TrimPrefix(cmd.Use, cmd.Name()), strings.ReplaceAll(cmd.Short, "|", `\|`), where)
		return
	}
	for _, below := range cmd.Commands() {
		writeRows(b, below, where)
	}
}

func exitTable() string {
	var b strings.Builder
	b.WriteString("| | |\n|---|---|\n")
	for _, c := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s |\n", c.code, c.meaning)
	}
	return b.String()
}
