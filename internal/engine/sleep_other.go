//go:build !linux

package engine

import "time"

// sleptSinceBoot takes the wall clock's leaps forward for sleep. One that somebody
// made may stop jobs for nothing; they run again untouched.
func sleptSinceBoot() func(time.Duration) time.Duration {
	var total time.Duration
	return func(ahead time.Duration) time.Duration {
		total += max(0, ahead)
		return total
	}
}
