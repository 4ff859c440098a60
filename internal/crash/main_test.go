//go:build unix

package crash

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/laterjobs/later/internal/faultyfs"
)

func TestMain(m *testing.M) {
	if err := faultyfs.Register(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// number is a number of the environment, or the usual one.
func number(t *testing.T, name string, usual int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s: %v", name, text, err)
	}
	return n
}

// quickDir is a directory in memory, where there is such a thing: the power cuts of
// these tests need no disk, and syncing one takes most of their time.
func quickDir(t *testing.T) string {
	t.Helper()
	parent := "/dev/shm"
	if info, err := os.Stat(parent); err != nil || !info.IsDir() {
		parent = ""
	}
	dir, err := os.MkdirTemp(parent, "later-crash-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
