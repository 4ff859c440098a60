package processlock

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// UserFolder is a folder for locks that nobody but this user can write to, in the one for
// temporary files. It is made if it is missing, and empty if there can be none, as where
// somebody else has taken its name. In a folder of their own few files are listed: that
// for temporary ones may hold ten thousand others.
func UserFolder() string {
	path := filepath.Join(os.TempDir(), "later-locks-"+strconv.Itoa(os.Geteuid()))
	_ = os.Mkdir(path, 0o700) // what is there is looked at
	if info, err := os.Lstat(path); err != nil || !private(info) {
		return ""
	}
	return path
}

// listing is what was read of a folder, good until something is added to that or removed
// from it. Folders are asked every second or two, and some hold many other files.
type listing struct {
	changed   time.Time // when the folder did, as it was read; zero: it is to be read again
	processes []int64
}

// list returns the processes that have a file.
func (l *Locks) list() []int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	path := filepath.Dir(l.prefix)
	info, err := os.Stat(path)
	if err != nil {
		return nil
	}
	if changed := info.ModTime(); !changed.Equal(l.listed.changed) {
		processes, err := l.read(path)
		l.listed = listing{processes: processes}
		if err == nil && time.Since(changed) >= settled { // a change just now may have been missed, or be followed by one of the same time
			l.listed.changed = changed
		}
	}
	return l.listed.processes
}

// read lists what can be read; the rest proves nothing.
func (l *Locks) read(path string) (processes []int64, err error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	for _, name := range names {
		number, ours := strings.CutPrefix(name, filepath.Base(l.prefix))
		if process, err := strconv.ParseInt(number, 36, 64); ours && err == nil {
			processes = append(processes, process)
		}
	}
	return processes, err
}
