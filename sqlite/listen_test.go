package sqlite

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSignsOfASlowDisk: a commit is seen only when the disk has it, long after its write
// has shown on the log. The poll goes on asking until then, and leaves off when nothing
// can come of it any more.
func TestSignsOfASlowDisk(t *testing.T) {
	log := filepath.Join(t.TempDir(), "jobs.db-wal")
	if err := os.WriteFile(log, []byte("frames"), 0o600); err != nil {
		t.Fatal(err)
	}
	signs := &signs{log: log}
	written := func(ago time.Duration) {
		t.Helper()
		at := time.Now().Add(-ago)
		if err := os.Chtimes(log, at, at); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		ago  time.Duration
		asks bool
	}{
		{0, true}, {200 * time.Millisecond, true}, {800 * time.Millisecond, true}, {5 * time.Second, false},
	} {
		written(test.ago)
		signs.any() // it has seen this write
		if asks := signs.any(); asks != test.asks {
			t.Errorf("%v after a write: asks %v", test.ago, asks)
		}
	}
	signs.asked = time.Now().Add(-2 * askAnyway)
	if !signs.any() {
		t.Error("it never asks for itself, as it must where file systems keep no such times")
	}
}
