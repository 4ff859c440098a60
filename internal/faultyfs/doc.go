// Package faultyfs is a disk for tests, between SQLite and the operating system. It
// records what SQLite asks of the disk, makes chosen requests fail, and builds what a
// power cut could have left behind at any moment of a recording.
//
// It is a VFS of SQLite (sqlite.org/vfs.html) that passes everything on to the one of
// the system. Register makes it the default of the test's process, so that what is
// tested needs to know nothing of it; a Disk watches one directory.
//
// What it takes for granted of a disk is what POSIX says and no more: only what was
// synced is there after a power cut; of the rest any part may be there, a write may
// be torn, and a file may be missing whose directory was not synced. Two things are
// taken from the real world: a part of a file that nobody writes to keeps what it
// has, and after a sync that failed the next one does not write what the failed one
// was to write (the kernel has marked it as written).
package faultyfs
