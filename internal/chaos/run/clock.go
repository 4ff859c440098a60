//go:build linux

package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// monotonic is the clock of all histories, in nanoseconds: the machine's, shared by
// its processes.
func monotonic() int64 {
	var at unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &at); err != nil {
		panic(err) // Linux has it
	}
	return at.Nano()
}

// wallOffset is what to take off a wall clock's nanoseconds to get the monotonic
// ones.
func wallOffset() int64 { return time.Now().UnixNano() - monotonic() }
