package postgres

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/laterjobs/later/internal/named"
)

// The packages postgres and sqlite are two windows side by side: what is in one has
// its place in the other. These are the exceptions, each with its reason.
var (
	filesHereOnly = map[string]string{
		"clock.go":            "the clock of the database rules here, that of the program there",
		"due.go":              "where the living rows that wait begin: see lanes.go",
		"columns.go":          "a batch travels as arrays here: see rows.go there",
		"effort.go":           "how often to look past dead entries: see lanes.go",
		"epoch.go":            "a server can lose commits and go on; a file cannot know that it is an old copy",
		"inspect_indexes.go":  "an index of a server can be invalid; that of a file is there or not, see inspect.go",
		"inspect_messages.go": "messages can be lost behind a pooler",
		"insist.go":           "a server can be away for a while",
		"link.go":             "connections to a server, and the settings of its planner",
		"messenger.go":        "processes tell each other by NOTIFY; there they look at data_version",
	}
	filesThereOnly = map[string]string{
		"backup.go":     "a server is copied by pg_dump",
		"checkpoint.go": "the server moves its own log",
		"company.go":    "a round trip to the server leaves others time to join a batch",
		"complete.go":   "here one statement ends the claims of a whole batch",
		"jsontext.go":   "see rows.go",
		"doubt.go":      "the server knows what is on its disk",
		"identity.go":   "the server does not lose its files",
		"kept.go":       "the client of the server keeps statements by itself",
		"log.go":        "the server writes its own log",
		"moves.go":      "a move from place to place is several statements there, one here",
		"revision.go":   "whether anything has changed is asked of the file; here the statistics of the server tell",
		"rows.go":       "a batch travels as JSON there, as arrays here",
		"travel.go":     "see rows.go; what all rows have in common is one value of an array here",
	}
	readsHereOnly = map[string]string{
		"epoch":        "a file has no history",
		"oldest_head":  "one statement steps along the priorities of a line; there each step is one, next_head",
		"ready_queues": "there it is with what writes: claims begin with it",
		"revision":     "see revision.go there",
	}
	readsThereOnly = map[string]string{
		"claimed_jobs":          "the claim itself returns the jobs here",
		"count_suspects":        "suspects have an index of their own there",
		"data_version":          "how processes notice each other's commits there",
		"cancels_open":          "a request to cancel is a row of its own there, a column of claimed here",
		"next_head":             "see oldest_head",
		"next_head_of_suspects": "see oldest_head",
	}
)

func TestFilesOfBothStores(t *testing.T) {
	compareNames(t, filesOf(t, "."), filesOf(t, "../sqlite"), filesHereOnly, filesThereOnly)
}

func filesOf(t *testing.T, folder string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, pattern := range []string{"*.go", "*.sql"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			if name := filepath.Base(path); !strings.HasSuffix(name, "_test.go") {
				names[name] = true
			}
		}
	}
	return names
}

func TestReadsOfBothStores(t *testing.T) {
	there, err := os.ReadFile("../sqlite/read.sql")
	if err != nil {
		t.Fatal(err)
	}
	compareNames(t, statementNames(readSQL), statementNames(string(there)), readsHereOnly, readsThereOnly)
}

func statementNames(file string) map[string]bool {
	names := map[string]bool{}
	for name := range named.Statements(file) {
		names[name] = true
	}
	return names
}

// compareNames insists that an exception is one still.
func compareNames(t *testing.T, here, there map[string]bool, hereOnly, thereOnly map[string]string) {
	t.Helper()
	for _, name := range union(here, there, hereOnly, thereOnly) {
		_, mayMissThere := hereOnly[name]
		_, mayMissHere := thereOnly[name]
		switch {
		case mayMissThere && (!here[name] || there[name]), mayMissHere && (here[name] || !there[name]):
			t.Errorf("%s is no exception any more: take it off the list", name)
		case here[name] && !there[name] && !mayMissThere:
			t.Errorf("%s is in postgres and not in sqlite", name)
		case there[name] && !here[name] && !mayMissHere:
			t.Errorf("%s is in sqlite and not in postgres", name)
		}
	}
}

func union(here, there map[string]bool, hereOnly, thereOnly map[string]string) []string {
	all := slices.Concat(slices.Collect(maps.Keys(here)), slices.Collect(maps.Keys(there)),
		slices.Collect(maps.Keys(hereOnly)), slices.Collect(maps.Keys(thereOnly)))
	slices.Sort(all)
	return slices.Compact(all)
}

// TestStatementsAreUsed: none is left over.
func TestStatementsAreUsed(t *testing.T) {
	var program strings.Builder
	for name := range filesOf(t, ".") {
		if text, err := os.ReadFile(name); err == nil && strings.HasSuffix(name, ".go") {
			program.Write(text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(statements)) {
		if !strings.Contains(program.String(), `"`+name+`"`) {
			t.Errorf("nobody uses the statement %s", name)
		}
	}
}
