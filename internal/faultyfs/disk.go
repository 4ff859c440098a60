package faultyfs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// Kind is what SQLite asks of a disk.
type Kind uint8

// The kinds.
const (
	Create   Kind = iota // a file that did not exist
	Write                // Data at Offset
	Truncate             // to Size
	Sync                 // of a file, and of its directory if Directory is set
	Delete               // of a file; Directory: and the directory was synced
	Read                 // can fail, is not recorded
	Rewrite              // of the whole file, with a sync, past SQLite; noticed after a Sync that failed
	Mark                 // of the test itself: see Disk.Mark
)

var kindNames = []string{"create", "write", "truncate", "sync", "delete", "read", "rewrite", "mark"}

func (k Kind) String() string { return kindNames[k] }

// Op is one request that the disk has answered, or a mark of the test.
type Op struct {
	Kind      Kind
	File      string // its name in the directory
	Offset    int64
	Data      []byte
	Size      int64
	Directory bool
	Failed    bool // a Sync that did not succeed; other failures leave no Op
	Mark      any
}

// Fault makes requests fail.
type Fault struct {
	Kind Kind
	File string // the end of the file's name; empty: every file
	Nth  int    // the first request that fails, from 1
	More int    // how many further ones fail: Forever for a disk that is broken
	Code int32  // what SQLite is told; 0: the I/O error of the kind
	Half bool   // of a Write: its first half is written

	// Revert: after a Sync that failed the file reads as it is on the disk, without what
	// was not synced, as on Btrfs. By default it reads as if nothing had happened, as on
	// ext4 and XFS.
	Revert bool
}

// Forever is the More of a fault that does not end by itself.
const Forever = 1 << 30

// Disk watches the requests for the files of one directory.
type Disk struct {
	dir       string
	forgetful bool // records nothing

	mu    sync.Mutex
	ops   []Op
	seen  map[Kind]int // requests of the kind since the fault was set
	fault *Fault
	hits  int             // requests that the fault made fail
	lossy map[string]bool // files of which a sync has failed, and nobody has made it good
	// errors counts the syncs of a file that have failed. As Linux does, every open
	// file is told of an error once, whoever met it.
	errors map[string]int
}

var (
	disksMu sync.RWMutex
	disks   = map[string]*Disk{}
)

// Watch begins to record what SQLite does in a directory.
func Watch(dir string) *Disk { return watch(&Disk{dir: dir}) }

// WatchLong is Watch for runs of any length: faults are made, nothing is recorded, and
// what a failed sync was to write may reach the disk later.
func WatchLong(dir string) *Disk { return watch(&Disk{dir: dir, forgetful: true}) }

func watch(d *Disk) *Disk {
	d.seen, d.lossy, d.errors = map[Kind]int{}, map[string]bool{}, map[string]int{}
	disksMu.Lock()
	defer disksMu.Unlock()
	disks[d.dir] = d
	return d
}

// Close ends the watch.
func (d *Disk) Close() {
	disksMu.Lock()
	defer disksMu.Unlock()
	delete(disks, d.dir)
}

// watching is the disk that watches a file; nil if none does.
func watching(path string) *Disk {
	disksMu.RLock()
	defer disksMu.RUnlock()
	return disks[filepath.Dir(path)]
}

// Mark notes in the recording how far the test has come.
func (d *Disk) Mark(mark any) { d.record(Op{Kind: Mark, Mark: mark}) }

// Ops is the recording so far.
func (d *Disk) Ops() []Op {
	d.mu.Lock()
	defer d.mu.Unlock()
	for file := range d.lossy {
		d.notice(file)
	}
	return slices.Clone(d.ops)
}

func (d *Disk) record(op Op) {
	if d.forgetful {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, op)
	switch {
	case op.Kind == Delete:
		delete(d.lossy, op.File)
	case d.lossy[op.File] && (op.Kind == Write || op.Kind == Truncate):
		d.stamp(op.File)
	}
}

// stamped is the time that a file carries after a failed sync, as long as nobody
// writes to it past SQLite.
var stamped = time.Unix(1_000_000_000, 0)

func (d *Disk) stamp(file string) {
	if err := os.Chtimes(filepath.Join(d.dir, file), stamped, stamped); err != nil {
		panic(err)
	}
}

// syncFailed records a sync that failed, and what it does to the file.
func (d *Disk) syncFailed(file string, revert bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errors[file]++
	if d.forgetful {
		return
	}
	d.notice(file)
	d.ops = append(d.ops, Op{Kind: Sync, File: file, Failed: true})
	if revert {
		d.revert(file)
	}
	d.lossy[file] = true
	d.stamp(file)
}

// errorsOf is how many syncs of the file have failed.
func (d *Disk) errorsOf(file string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.errors[file]
}

// revert makes the file what it is on the disk. It is as long as before.
func (d *Disk) revert(file string) {
	path := filepath.Join(d.dir, file)
	content := Cut{At: len(d.ops), Lost: set(Unsynced(d.ops, len(d.ops)))}.Build(d.ops)[file]
	info, err := os.Stat(path)
	if err == nil {
		n := &inode{content}
		n.resize(int(info.Size()))
		err = overwrite(path, n.content)
	}
	if err != nil {
		panic(err)
	}
}

func overwrite(path string, content []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(content, 0)
	return errors.Join(err, file.Close())
}

// notice records that somebody has written a file anew past SQLite after a sync that
// failed, and thereby made good what was lost.
func (d *Disk) notice(file string) {
	path := filepath.Join(d.dir, file)
	info, err := os.Stat(path)
	if !d.lossy[file] || err != nil || info.ModTime().Equal(stamped) {
		return
	}
	content, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	delete(d.lossy, file)
	d.ops = append(d.ops, Op{Kind: Rewrite, File: file, Data: content})
}

// noticeFirst is notice before a request of SQLite.
func (d *Disk) noticeFirst(file string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notice(file)
}

// Fail sets the fault, in place of an earlier one. It counts requests from now on.
func (d *Disk) Fail(f Fault) {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.seen)
	d.fault, d.hits = &f, 0
}

// Heal makes everything succeed again, and tells how many requests have failed.
func (d *Disk) Heal() (failed int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fault = nil
	return d.hits
}

// Failed tells how many requests the present fault has made fail.
func (d *Disk) Failed() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hits
}

// fails returns the fault if it strikes this request.
func (d *Disk) fails(kind Kind, file string) *Fault {
	d.mu.Lock()
	defer d.mu.Unlock()
	f := d.fault
	if f == nil || f.Kind != kind || !hasEnd(file, f.File) {
		return nil
	}
	d.seen[kind]++
	if n := d.seen[kind]; n < f.Nth || n-f.Nth > f.More {
		return nil
	}
	d.hits++
	return f
}

func hasEnd(file, end string) bool {
	return len(file) >= len(end) && file[len(file)-len(end):] == end
}
