// Package processlock proves that processes of this host have died: each holds
// an operating-system lock on a file, which ends with it, however it ends.
package processlock

import (
	"os"
	"strconv"
	"sync"
	"time"
)

// Locks are the locks of the processes that share one prefix of file names.
type Locks struct {
	prefix string
	mu     sync.Mutex
	held   map[int64]*os.File
	listed listing
}

// New makes locks on files whose names begin with prefix. An empty one means
// none: nothing is locked, nothing proved.
func New(prefix string) *Locks {
	return &Locks{prefix: prefix, held: map[int64]*os.File{}}
}

func (l *Locks) name(process int64) string {
	return l.prefix + strconv.FormatInt(process, 36)
}

// Hold takes the lock of a process of this program.
func (l *Locks) Hold(process int64) error {
	if l.prefix == "" {
		return nil
	}
	file, err := lock(l.name(process))
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held[process] = file
	return nil
}

// Release lets go of a lock of this program and removes its file.
func (l *Locks) Release(process int64) {
	l.mu.Lock()
	file := l.held[process]
	delete(l.held, process)
	l.mu.Unlock()
	if file != nil {
		l.Remove(process)
		file.Close()
	}
}

// Free reports whether nobody holds the lock any more. A file that is not there
// proves nothing.
func (l *Locks) Free(process int64) bool {
	l.mu.Lock()
	_, mine := l.held[process]
	l.mu.Unlock()
	return !mine && l.prefix != "" && unlocked(l.name(process))
}

// Ended reports whether a process was one of this host and holds no lock any more: it is
// dead. Of one of another host nothing is known.
func (l *Locks) Ended(host string, process int64) bool {
	here, err := os.Hostname()
	return err == nil && here == host && l.Free(process) // else death is observed
}

// settled is the age from which a file is looked at: a look at one whose lock is just
// being taken would be in the way.
const settled = time.Second

// AllFree lists the processes that had a lock, as far as files tell, which nobody holds
// any more.
func (l *Locks) AllFree() (free []int64) {
	if l.prefix == "" {
		return nil
	}
	for _, process := range l.list() {
		if file, err := os.Stat(l.name(process)); err == nil && time.Since(file.ModTime()) >= settled && l.Free(process) {
			free = append(free, process)
		}
	}
	return free
}

// Remove deletes the file of a process that has ended.
func (l *Locks) Remove(process int64) {
	if l.prefix != "" {
		_ = os.Remove(l.name(process)) // an empty file that stays is no harm
	}
}

// ReleaseAll lets go of the locks, but leaves the files: the processes have not
// left, and others shall see that they are dead.
func (l *Locks) ReleaseAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for process, file := range l.held {
		file.Close()
		delete(l.held, process)
	}
}
