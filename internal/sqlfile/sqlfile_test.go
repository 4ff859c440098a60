package sqlfile

import (
	"path/filepath"
	"testing"
)

func TestLocalFileSystemsAreNoNetwork(t *testing.T) {
	if kind := Network(t.TempDir()); kind != "" {
		t.Errorf("the temporary directory is on %s", kind)
	}
	if kind := Network(filepath.Join(t.TempDir(), "missing")); kind != "" {
		t.Errorf("a missing directory is on %s", kind)
	}
}
