//go:build unix

package processlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock makes a file and locks it until the returned file is closed or the
// process ends. It is an error if somebody else holds the lock.
func lock(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	return file, nil
}

// unlocked reports whether the file exists and nobody holds its lock.
func unlocked(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return unix.Flock(int(file.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil
}

// private reports whether it is a folder of this user that nobody else can write to.
func private(folder fs.FileInfo) bool {
	owner, known := folder.Sys().(*syscall.Stat_t)
	return known && folder.IsDir() && folder.Mode().Perm()&0o022 == 0 && int(owner.Uid) == os.Geteuid()
}
