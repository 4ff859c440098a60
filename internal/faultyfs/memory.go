//go:build unix

package faultyfs

import (
	"os"
	"unsafe"

	"modernc.org/libc"
)

// SQLite is translated from C: what it calls a pointer is a uintptr, and memory of
// its own, which the garbage collector does not know, lies behind it. A pointer to a
// function is the word that Go keeps in a variable of that function type.

// at is the value behind a pointer of SQLite's.
func at[T any](pointer uintptr) *T { return *(**T)(unsafe.Pointer(&pointer)) }

// pointer makes a function of the package one that SQLite can call.
func pointer[F any](fn F) uintptr { return *(*uintptr)(unsafe.Pointer(&fn)) }

// call calls the function behind a pointer.
func call[F any](pointer uintptr, with func(F) int32) int32 {
	return with(*(*F)(unsafe.Pointer(&pointer)))
}

// allocate copies a value to memory that SQLite may keep for good.
func allocate[T any](tls *libc.TLS, value T) uintptr {
	memory := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(value)))
	*at[T](memory) = value
	return memory
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
