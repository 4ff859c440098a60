//go:build unix

package faultyfs

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// system is the VFS of the operating system, to which all is passed on.
var system uintptr

// methods are those of every file that is opened through this VFS.
var methods uintptr

// Register makes the VFS the default one of this process. Databases that are open
// already stay with the system's.
var Register = sync.OnceValue(register)

func register() error {
	tls := libc.NewTLS()
	if code := sqlite3.Xsqlite3_initialize(tls); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("sqlite3_initialize: %d", code)
	}
	system = sqlite3.Xsqlite3_vfs_find(tls, 0)
	if system == 0 {
		return errors.New("SQLite has no VFS")
	}
	name, err := libc.CString("faulty")
	if err != nil {
		return err
	}
	methods = allocate(tls, fileMethods())
	vfs := *at[sqlite3.Tsqlite3_vfs](system) // what has no file is the system's own
	vfs.FzName, vfs.FpNext = name, 0
	vfs.FszOsFile += fileSize
	vfs.FxOpen = pointer(open)
	vfs.FxDelete = pointer(remove)
	vfs.FxAccess = pointer(access)
	vfs.FxFullPathname = pointer(fullPathname)
	if code := sqlite3.Xsqlite3_vfs_register(tls, allocate(tls, vfs), 1); code != sqlite3.SQLITE_OK {
		return fmt.Errorf("sqlite3_vfs_register: %d", code)
	}
	return nil
}

// fileMethods has no xFetch, so that no data passes by in mapped memory.
func fileMethods() sqlite3.Tsqlite3_io_methods {
	return sqlite3.Tsqlite3_io_methods{
		FiVersion: 2,
		FxClose:   pointer(closeFile), FxRead: pointer(read), FxWrite: pointer(write),
		FxTruncate: pointer(truncate), FxSync: pointer(syncFile), FxFileSize: pointer(size),
		FxLock: pointer(lock), FxUnlock: pointer(unlock), FxCheckReservedLock: pointer(reserved),
		FxFileControl: pointer(control), FxSectorSize: pointer(sectorSize), FxDeviceCharacteristics: pointer(characteristics),
		FxShmMap: pointer(shmMap), FxShmLock: pointer(shmLock), FxShmBarrier: pointer(shmBarrier), FxShmUnmap: pointer(shmUnmap),
	}
}

// file is what SQLite allocates for an open file. The system's own follows it.
type file struct {
	methods uintptr
	id      uintptr // of the watched one; 0: nobody watches it
}

const fileSize = int32(unsafe.Sizeof(file{}))

// watched is a file that a disk watches.
type watched struct {
	disk *Disk
	name string
	// syncsDirectory: SQLite's VFS for Unix syncs the directory with the first sync of a
	// journal that was opened to be made.
	syncsDirectory bool
	errors         int // failed syncs of the file that it has been told of
}

var (
	openMu sync.Mutex
	opened = map[uintptr]*watched{}
	lastID uintptr
)

func open(tls *libc.TLS, _, name, f uintptr, flags int32, outFlags uintptr) int32 {
	path := ""
	if name != 0 {
		path = libc.GoString(name)
	}
	disk := watching(path)
	own := at[file](f)
	own.methods, own.id = 0, 0
	creates := disk != nil && flags&sqlite3.SQLITE_OPEN_CREATE != 0 && !exists(path)
	if code := call(at[sqlite3.Tsqlite3_vfs](system).FxOpen, func(fn func(*libc.TLS, uintptr, uintptr, uintptr, int32, uintptr) int32) int32 {
		return fn(tls, system, name, beneath(f), flags, outFlags)
	}); code != sqlite3.SQLITE_OK {
		return code
	}
	own.methods = methods
	if disk == nil {
		return sqlite3.SQLITE_OK
	}
	const journals = sqlite3.SQLITE_OPEN_WAL | sqlite3.SQLITE_OPEN_MAIN_JOURNAL | sqlite3.SQLITE_OPEN_SUPER_JOURNAL
	own.id = remember(&watched{disk: disk, name: filepath.Base(path), errors: disk.errorsOf(filepath.Base(path)),
		syncsDirectory: flags&sqlite3.SQLITE_OPEN_CREATE != 0 && flags&journals != 0})
	if creates {
		disk.record(Op{Kind: Create, File: filepath.Base(path)})
	}
	return sqlite3.SQLITE_OK
}

func remember(w *watched) uintptr {
	openMu.Lock()
	defer openMu.Unlock()
	lastID++
	opened[lastID] = w
	return lastID
}

func of(f uintptr) *watched {
	openMu.Lock()
	defer openMu.Unlock()
	return opened[at[file](f).id]
}

func remove(tls *libc.TLS, _, name uintptr, syncDirectory int32) int32 {
	path := libc.GoString(name)
	disk := watching(path)
	if disk != nil {
		if fault := disk.fails(Delete, filepath.Base(path)); fault != nil {
			return fault.code(sqlite3.SQLITE_IOERR_DELETE)
		}
	}
	code := call(at[sqlite3.Tsqlite3_vfs](system).FxDelete, func(fn func(*libc.TLS, uintptr, uintptr, int32) int32) int32 {
		return fn(tls, system, name, syncDirectory)
	})
	if code == sqlite3.SQLITE_OK && disk != nil {
		disk.record(Op{Kind: Delete, File: filepath.Base(path), Directory: syncDirectory != 0})
	}
	return code
}

func access(tls *libc.TLS, _, name uintptr, flags int32, result uintptr) int32 {
	return call(at[sqlite3.Tsqlite3_vfs](system).FxAccess, func(fn func(*libc.TLS, uintptr, uintptr, int32, uintptr) int32) int32 {
		return fn(tls, system, name, flags, result)
	})
}

func fullPathname(tls *libc.TLS, _, name uintptr, length int32, result uintptr) int32 {
	return call(at[sqlite3.Tsqlite3_vfs](system).FxFullPathname, func(fn func(*libc.TLS, uintptr, uintptr, int32, uintptr) int32) int32 {
		return fn(tls, system, name, length, result)
	})
}

func closeFile(tls *libc.TLS, f uintptr) int32 {
	openMu.Lock()
	delete(opened, at[file](f).id)
	openMu.Unlock()
	return call(below(f).FxClose, func(fn func(*libc.TLS, uintptr) int32) int32 { return fn(tls, beneath(f)) })
}

func read(tls *libc.TLS, f, buffer uintptr, n int32, offset int64) int32 {
	if w := of(f); w != nil {
		if fault := w.disk.fails(Read, w.name); fault != nil {
			return fault.code(sqlite3.SQLITE_IOERR_READ)
		}
	}
	return call(below(f).FxRead, func(fn func(*libc.TLS, uintptr, uintptr, int32, int64) int32) int32 {
		return fn(tls, beneath(f), buffer, n, offset)
	})
}

func write(tls *libc.TLS, f, buffer uintptr, n int32, offset int64) int32 {
	put := func(n int32) int32 {
		return call(below(f).FxWrite, func(fn func(*libc.TLS, uintptr, uintptr, int32, int64) int32) int32 {
			return fn(tls, beneath(f), buffer, n, offset)
		})
	}
	w := of(f)
	if w == nil {
		return put(n)
	}
	w.disk.noticeFirst(w.name)
	fault := w.disk.fails(Write, w.name)
	if fault != nil {
		if !fault.Half {
			return fault.code(sqlite3.SQLITE_IOERR_WRITE)
		}
		n /= 2
	}
	code := put(n)
	if code == sqlite3.SQLITE_OK && !w.disk.forgetful { // it need not be copied
		w.disk.record(Op{Kind: Write, File: w.name, Offset: offset, Data: slices.Clone(unsafe.Slice(at[byte](buffer), n))})
	}
	if fault != nil {
		return fault.code(sqlite3.SQLITE_IOERR_WRITE)
	}
	return code
}

func truncate(tls *libc.TLS, f uintptr, size int64) int32 {
	w := of(f)
	if w != nil {
		w.disk.noticeFirst(w.name)
		if fault := w.disk.fails(Truncate, w.name); fault != nil {
			return fault.code(sqlite3.SQLITE_IOERR_TRUNCATE)
		}
	}
	code := call(below(f).FxTruncate, func(fn func(*libc.TLS, uintptr, int64) int32) int32 { return fn(tls, beneath(f), size) })
	if code == sqlite3.SQLITE_OK && w != nil {
		w.disk.record(Op{Kind: Truncate, File: w.name, Size: size})
	}
	return code
}

func syncFile(tls *libc.TLS, f uintptr, flags int32) int32 {
	w := of(f)
	if w != nil {
		w.disk.noticeFirst(w.name)
		if fault := w.disk.fails(Sync, w.name); fault != nil {
			w.disk.syncFailed(w.name, fault.Revert)
			w.errors = w.disk.errorsOf(w.name)
			return fault.code(sqlite3.SQLITE_IOERR_FSYNC)
		}
	}
	code := call(below(f).FxSync, func(fn func(*libc.TLS, uintptr, int32) int32) int32 { return fn(tls, beneath(f), flags) })
	if code == sqlite3.SQLITE_OK && w != nil {
		if errors := w.disk.errorsOf(w.name); w.errors != errors {
			w.errors = errors
			return sqlite3.SQLITE_IOERR_FSYNC
		}
		w.disk.record(Op{Kind: Sync, File: w.name, Directory: w.syncsDirectory})
		w.syncsDirectory = false
	}
	return code
}

func size(tls *libc.TLS, f, result uintptr) int32 {
	return call(below(f).FxFileSize, func(fn func(*libc.TLS, uintptr, uintptr) int32) int32 { return fn(tls, beneath(f), result) })
}

func lock(tls *libc.TLS, f uintptr, level int32) int32 {
	return call(below(f).FxLock, func(fn func(*libc.TLS, uintptr, int32) int32) int32 { return fn(tls, beneath(f), level) })
}

func unlock(tls *libc.TLS, f uintptr, level int32) int32 {
	return call(below(f).FxUnlock, func(fn func(*libc.TLS, uintptr, int32) int32) int32 { return fn(tls, beneath(f), level) })
}

func reserved(tls *libc.TLS, f, result uintptr) int32 {
	return call(below(f).FxCheckReservedLock, func(fn func(*libc.TLS, uintptr, uintptr) int32) int32 { return fn(tls, beneath(f), result) })
}

func control(tls *libc.TLS, f uintptr, op int32, argument uintptr) int32 {
	return call(below(f).FxFileControl, func(fn func(*libc.TLS, uintptr, int32, uintptr) int32) int32 {
		return fn(tls, beneath(f), op, argument)
	})
}

func sectorSize(tls *libc.TLS, f uintptr) int32 {
	return call(below(f).FxSectorSize, func(fn func(*libc.TLS, uintptr) int32) int32 { return fn(tls, beneath(f)) })
}

func characteristics(tls *libc.TLS, f uintptr) int32 {
	return call(below(f).FxDeviceCharacteristics, func(fn func(*libc.TLS, uintptr) int32) int32 { return fn(tls, beneath(f)) })
}

func shmMap(tls *libc.TLS, f uintptr, region, size, extend int32, result uintptr) int32 {
	return call(below(f).FxShmMap, func(fn func(*libc.TLS, uintptr, int32, int32, int32, uintptr) int32) int32 {
		return fn(tls, beneath(f), region, size, extend, result)
	})
}

func shmLock(tls *libc.TLS, f uintptr, offset, n, flags int32) int32 {
	return call(below(f).FxShmLock, func(fn func(*libc.TLS, uintptr, int32, int32, int32) int32) int32 {
		return fn(tls, beneath(f), offset, n, flags)
	})
}

func shmBarrier(tls *libc.TLS, f uintptr) {
	call(below(f).FxShmBarrier, func(fn func(*libc.TLS, uintptr)) int32 {
		fn(tls, beneath(f))
		return 0
	})
}

func shmUnmap(tls *libc.TLS, f uintptr, remove int32) int32 {
	return call(below(f).FxShmUnmap, func(fn func(*libc.TLS, uintptr, int32) int32) int32 { return fn(tls, beneath(f), remove) })
}

func (f *Fault) code(usual int32) int32 {
	if f.Code != 0 {
		return f.Code
	}
	return usual
}

// beneath is the system's part of a file.
func beneath(f uintptr) uintptr { return f + uintptr(fileSize) }

// below are the system's methods of a file.
func below(f uintptr) *sqlite3.Tsqlite3_io_methods {
	return at[sqlite3.Tsqlite3_io_methods](at[sqlite3.Tsqlite3_file](beneath(f)).FpMethods)
}
