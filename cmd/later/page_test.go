package main

import (
	"os"
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
