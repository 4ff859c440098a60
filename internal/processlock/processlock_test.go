package processlock

import (
	"path/filepath"
	"testing"
)

func TestLockEndsWithItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if unlocked(path) {
		t.Error("a file that is not there proves nothing")
	}
	file, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if unlocked(path) {
		t.Error("unlocked while it is held")
	}
	if second, err := lock(path); err == nil {
		second.Close()
		t.Error("locked twice")
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if !unlocked(path) {
		t.Error("still locked")
	}
	again, err := lock(path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestLockWithoutDirectory(t *testing.T) {
	if _, err := lock(filepath.Join(t.TempDir(), "missing", "lock")); err == nil {
		t.Error("locked a file that cannot be made")
	}
}

func TestLocksProveOnlyWhatTheyKnow(t *testing.T) {
	prefix := filepath.Join(t.TempDir(), "lock-")
	mine, other := New(prefix), New(prefix)
	if err := mine.Hold(7); err != nil {
		t.Fatal(err)
	}
	if mine.Free(7) || other.Free(7) {
		t.Error("free while it is held")
	}
	mine.ReleaseAll()
	if !other.Free(7) {
		t.Error("not free after its holder has gone")
	}
	other.Remove(7)
	if other.Free(7) {
		t.Error("a file that is not there proves nothing")
	}
	none := New("")
	if err := none.Hold(7); err != nil || none.Free(7) {
		t.Errorf("without a prefix: %v, free %v", err, none.Free(7))
	}
}
