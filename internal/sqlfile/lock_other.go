//go:build !unix

package sqlfile

import "os"

// Lock makes a file. There is no lock on this system.
func Lock(path string) (*os.File, error) { return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) }

// Unlocked knows nothing on this system, so that a death is observed instead.
func Unlocked(string) bool { return false }
