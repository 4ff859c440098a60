//go:build !unix

package processlock

import (
	"io/fs"
	"os"
)

// lock makes a file. There is no lock on this system.
func lock(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }

// unlocked knows nothing on this system, so that a death is observed instead.
func unlocked(string) bool { return false }

// private trusts the system's folder for temporary files, which is the user's own.
func private(folder fs.FileInfo) bool { return folder.IsDir() }
