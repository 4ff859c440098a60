package sqlfile

import (
	"path/filepath"
	"testing"
)

func TestLockEndsWithItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if Unlocked(path) {
		t.Error("a file that is not there proves nothing")
	}
	file, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	if Unlocked(path) {
		t.Error("unlocked while it is held")
	}
	if second, err := Lock(path); err == nil {
		second.Close()
		t.Error("locked twice")
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if !Unlocked(path) {
		t.Error("still locked")
	}
	again, err := Lock(path)
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

func TestLockWithoutDirectory(t *testing.T) {
	if _, err := Lock(filepath.Join(t.TempDir(), "missing", "lock")); err == nil {
		t.Error("locked a file that cannot be made")
	}
}

func TestLocalFileSystemsAreNoNetwork(t *testing.T) {
	if kind := Network(t.TempDir()); kind != "" {
		t.Errorf("the temporary directory is on %s", kind)
	}
	if kind := Network(filepath.Join(t.TempDir(), "missing")); kind != "" {
		t.Errorf("a missing directory is on %s", kind)
	}
}
