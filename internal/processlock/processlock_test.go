package processlock

import (
	"os"
	"path/filepath"
	"testing"
	"time"
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
	if free := other.AllFree(); len(free) > 0 {
		t.Errorf("free: %v", free)
	}
	none := New("")
	if err := none.Hold(7); err != nil || none.Free(7) {
		t.Errorf("without a prefix: %v, free %v", err, none.Free(7))
	}
}

func TestAllFree(t *testing.T) {
	folder := t.TempDir()
	prefix := filepath.Join(folder, "lock-")
	ended, lives, young, other := New(prefix), New(prefix), New(prefix), New(filepath.Join(folder, "other-"))
	for process, locks := range map[int64]*Locks{7: ended, 8: lives, 9: young, 10: other} {
		if err := locks.Hold(process); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-2 * settled)
	for _, process := range []int64{7, 8} {
		if err := os.Chtimes(ended.name(process), before, before); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(prefix+"!", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ended.ReleaseAll()
	young.ReleaseAll()
	other.ReleaseAll()
	for name, locks := range map[string]*Locks{"a process of the same program": lives, "another": New(prefix)} {
		if free := locks.AllFree(); len(free) != 1 || free[0] != 7 {
			t.Errorf("%s found %v", name, free)
		}
	}
	lives.ReleaseAll()
	if free := New("").AllFree(); len(free) > 0 {
		t.Errorf("without a prefix: %v", free)
	}
}
