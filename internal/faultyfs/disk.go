package faultyfs

import (
	"path/filepath"
	"slices"
	"sync"
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
	Mark                 // of the test itself: see Disk.Mark
)

var kindNames = []string{"create", "write", "truncate", "sync", "delete", "read", "mark"}

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
}

// Forever is the More of a fault that does not end by itself.
const Forever = 1 << 30

// Disk watches the requests for the files of one directory.
type Disk struct {
	dir string

	mu    sync.Mutex
	ops   []Op
	seen  map[Kind]int // requests of the kind since the fault was set
	fault *Fault
	hits  int // requests that the fault made fail
}

var (
	disksMu sync.RWMutex
	disks   = map[string]*Disk{}
)

// Watch begins to record what SQLite does in a directory.
func Watch(dir string) *Disk {
	d := &Disk{dir: dir, seen: map[Kind]int{}}
	disksMu.Lock()
	defer disksMu.Unlock()
	disks[dir] = d
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
	return slices.Clone(d.ops)
}

func (d *Disk) record(op Op) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ops = append(d.ops, op)
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
