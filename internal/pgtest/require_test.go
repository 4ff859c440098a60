package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// verdict is a test that notes how it ends instead of ending.
type verdict struct {
	testing.TB
	skipped, failed bool
}

func (v *verdict) Helper()      {}
func (v *verdict) Skip(...any)  { v.skipped = true }
func (v *verdict) Fatal(...any) { v.failed = true }

func TestGiveUp(t *testing.T) {
	missing := fmt.Errorf("nothing is installed: %w", ErrMissing)
	said.Store("NOT TESTED ON POSTGRESQL: "+missing.Error(), true) // it would alarm whoever reads the output
	for _, test := range []struct {
		name     string
		err      error
		required string
		failed   bool
	}{
		{"missing", missing, "", false},
		{"missing, and required", missing, "1", true},
		{"broken", errors.New("no space left on device"), "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("LATER_TEST_REQUIRE_POSTGRES", test.required)
			v := &verdict{}
			giveUp(v, test.err)
			if v.failed != test.failed {
				t.Errorf("failed: %v, want %v", v.failed, test.failed)
			}
			if !v.failed && !v.skipped {
				t.Error("neither skipped nor failed")
			}
		})
	}
}

func TestNewestOfDebian(t *testing.T) {
	root := t.TempDir()
	for name, mode := range map[string]os.FileMode{"9.6": 0o755, "9": 0o755, "15": 0o755, "16": 0o644} {
		folder := filepath.Join(root, name, "bin")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "initdb"), nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := newestOfDebian(root), filepath.Join(root, "15", "bin"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := newestOfDebian(t.TempDir()); got != "" {
		t.Errorf("found %s in an empty folder", got)
	}
}

func TestChosenProgramsMustExist(t *testing.T) {
	for _, folder := range []string{t.TempDir(), "relative"} {
		t.Setenv("LATER_TEST_POSTGRES_BIN", folder)
		if found, err := programs(); err == nil || errors.Is(err, ErrMissing) {
			t.Errorf("%s: found %q, error %v, want one that skips nothing", folder, found, err)
		}
	}
}
