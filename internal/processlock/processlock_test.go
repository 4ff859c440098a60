package processlock

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
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

// TestFolderIsReadWhenItChanges, and not every time.
func TestFolderIsReadWhenItChanges(t *testing.T) {
	folder := t.TempDir()
	prefix := filepath.Join(folder, "lock-")
	locks, before := New(prefix), time.Now().Add(-time.Hour)
	leave := func(process int64) {
		t.Helper()
		if err := os.WriteFile(locks.name(process), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(locks.name(process), before, before); err != nil {
			t.Fatal(err)
		}
	}
	unchanged := func() {
		t.Helper()
		if err := os.Chtimes(folder, before, before); err != nil {
			t.Fatal(err)
		}
	}
	found := func(want ...int64) {
		t.Helper()
		free := locks.AllFree()
		slices.Sort(free)
		if !slices.Equal(free, want) {
			t.Errorf("found %v, want %v", free, want)
		}
	}
	found()
	leave(7) // just now: not to be relied on by the next look
	found(7)
	leave(8)
	found(7, 8)
	unchanged()
	found(7, 8)
	leave(9)
	unchanged()
	found(7, 8)
	leave(10)
	found(7, 8, 9, 10)
	locks.Remove(7)
	locks.Remove(9)
	found(8, 10)
}

// TestFolderThatCannotBeRead is read again, also when it has not changed: a program may be
// out of file descriptors for a moment.
func TestFolderThatCannotBeRead(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "locks")
	locks, before := New(filepath.Join(folder, "lock-")), time.Now().Add(-time.Hour)
	old := func(path string) error { return os.Chtimes(path, before, before) }
	if err := errors.Join(os.WriteFile(folder, nil, 0o600), old(folder)); err != nil {
		t.Fatal(err)
	}
	if free := locks.AllFree(); len(free) > 0 {
		t.Errorf("found %v in what is no folder", free)
	}
	if err := errors.Join(os.Remove(folder), os.Mkdir(folder, 0o700), os.WriteFile(locks.name(7), nil, 0o600), old(locks.name(7)), old(folder)); err != nil {
		t.Fatal(err)
	}
	if free := locks.AllFree(); !slices.Equal(free, []int64{7}) {
		t.Errorf("found %v", free)
	}
}

func TestUserFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	folder := UserFolder()
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("%q: %v, %v", folder, info, err)
	}
	if again := UserFolder(); again != folder {
		t.Errorf("%q, then %q", folder, again)
	}
	for name, take := range map[string]func() error{
		"a folder that others may write to": func() error { return os.Chmod(folder, 0o777) },
		"a file":                            func() error { return errors.Join(os.Remove(folder), os.WriteFile(folder, nil, 0o600)) },
		"a link to a folder of the user's": func() error {
			return errors.Join(os.Remove(folder), os.Symlink(t.TempDir(), folder))
		},
	} {
		if err := take(); err != nil {
			t.Fatal(err)
		}
		if got := UserFolder(); got != "" {
			t.Errorf("%s is taken: %q", name, got)
		}
	}
}
