package pgtest

import (
	"os"
	"path/filepath"
	"time"
)

const folderPrefix = "later-pgtest-"

// newFolder makes a temporary folder that belongs to the account.
func newFolder(owner *account) (string, error) {
	parent := reachable(os.TempDir(), owner)
	sweep(parent)
	folder, err := os.MkdirTemp(parent, folderPrefix)
	if err != nil || owner == nil {
		return folder, err
	}
	return folder, os.Chown(folder, owner.uid, owner.gid)
}

// reachable returns the parent, or /tmp if another account may not walk there:
// root's own folders are closed.
func reachable(parent string, owner *account) string {
	if owner == nil {
		return parent
	}
	for folder := parent; ; folder = filepath.Dir(folder) {
		if info, err := os.Stat(folder); err != nil || info.Mode()&0o001 == 0 {
			return "/tmp"
		}
		if folder == filepath.Dir(folder) {
			return parent
		}
	}
}

// sweep removes what test processes left that were killed. No test runs for a day.
func sweep(parent string) {
	left, _ := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	for _, folder := range left {
		if info, err := os.Lstat(folder); err == nil && info.IsDir() && time.Since(info.ModTime()) > 24*time.Hour {
			os.RemoveAll(folder)
		}
	}
}
