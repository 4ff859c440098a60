package sqlite_test

import (
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
