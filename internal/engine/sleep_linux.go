package engine

import (
	"time"

	"golang.org/x/sys/unix"
)

// sleptSinceBoot: CLOCK_BOOTTIME is CLOCK_MONOTONIC plus the time suspended, whatever
// somebody does to the wall clock (clock_gettime(2)). It counts from now on.
func sleptSinceBoot() func(time.Duration) time.Duration {
	read := func() time.Duration { return clock(unix.CLOCK_BOOTTIME) - clock(unix.CLOCK_MONOTONIC) }
	before := read()
	return func(time.Duration) time.Duration { return read() - before }
}

func clock(id int32) time.Duration {
	var at unix.Timespec
	if unix.ClockGettime(id, &at) != nil {
		return 0
	}
	return time.Duration(at.Nano())
}
