package sqlite

import (
	"os"
	"strconv"
	"sync"

	"github.com/laterjobs/later/internal/sqlfile"
)

// locks are the operating-system locks of processes, each on a file beside the
// database. A process holds its own until it ends, however it ends.
type locks struct {
	path string // of the database; empty: in memory, no other process sees it
	mu   sync.Mutex
	held map[int64]*os.File
}

func newLocks(path string, inMemory bool) *locks {
	if inMemory {
		path = ""
	}
	return &locks{path: path, held: map[int64]*os.File{}}
}

func (l *locks) name(process int64) string {
	return l.path + "-lock-" + strconv.FormatInt(process, 36)
}

func (l *locks) hold(process int64) error {
	if l.path == "" {
		return nil
	}
	file, err := sqlfile.Lock(l.name(process))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[process] = file
	return nil
}

// release lets go of a lock of this process and removes its file.
func (l *locks) release(process int64) {
	l.mu.Lock()
	file := l.held[process]
	delete(l.held, process)
	l.mu.Unlock()
	if file != nil {
		l.remove(process)
		file.Close()
	}
}

// free reports whether nobody holds the lock any more. A file that is not there
// proves nothing.
func (l *locks) free(process int64) bool {
	l.mu.Lock()
	_, mine := l.held[process]
	l.mu.Unlock()
	return !mine && l.path != "" && sqlfile.Unlocked(l.name(process))
}

// remove deletes the file of a process that has ended.
func (l *locks) remove(process int64) {
	if l.path != "" {
		_ = os.Remove(l.name(process)) // an empty file that stays is no harm
	}
}

// releaseAll lets go of the locks, but leaves the files: the processes have not
// left, and others shall see that they are dead.
func (l *locks) releaseAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for process, file := range l.held {
		file.Close()
		delete(l.held, process)
	}
}
