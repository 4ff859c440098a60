package sqlite_test

import (
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laterjobs/later/sqlite"
)

// TestInspect: a file that is as it should be has no problem; one that others may write,
// or that was replaced, has.
func TestInspect(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	problems := func() string {
		found, err := s.Inspect(t.Context())
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		var codes []string
		for _, look := range found {
			if look.Problem != "" && look.Code != "L304" { // the disk of the test's machine
				codes = append(codes, look.Code)
			}
		}
		return strings.Join(codes, " ")
	}
	if got := problems(); got != "" {
		t.Errorf("problems of a new file: %s", got)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if got := problems(); got != "L306" {
		t.Errorf("problems of a file that all may write: %s", got)
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if got := problems(); got != "L307" {
		t.Errorf("problems of a file that was moved: %s", got)
	}
}

// TestInspectIndexes: an index that somebody has dropped is missed, and what doctor says
// makes it again as it was.
func TestInspectIndexes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s, err := sqlite.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	missing := func() (names, fixes []string) {
		found, err := s.Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, look := range found {
			if look.Code == "L317" && look.Problem != "" {
				names, fixes = append(names, look.Value), append(fixes, look.Fix)
			}
		}
		return names, fixes
	}
	made := madeBy(t, db)
	if len(made) < 20 {
		t.Fatalf("the schema has %d indexes", len(made))
	}
	for name := range made {
		if _, err := db.ExecContext(t.Context(), "DROP INDEX "+name); err != nil {
			t.Fatal(err)
		}
	}
	names, fixes := missing()
	if len(names) != len(made) {
		t.Errorf("%d of %d are missed: %v", len(names), len(made), names)
	}
	for _, fix := range fixes {
		if _, err := db.ExecContext(t.Context(), fix); err != nil {
			t.Errorf("%s: %v", fix, err)
		}
	}
	if again := madeBy(t, db); !maps.Equal(again, made) {
		t.Errorf("made again as %v, were %v", again, made)
	}
	if names, _ := missing(); len(names) > 0 {
		t.Errorf("still missed: %v", names)
	}
}

// madeBy are the statements of the indexes of a file.
func madeBy(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	made := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		made[name] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return made
}
