package engine

import (
	"sync"
	"time"
)

// sleep counts how long the machine has been suspended. The monotonic clock stands
// still meanwhile, and a lease does not: others see the process silent.
type sleep struct {
	sinceBoot func(apart time.Duration) time.Duration // what the system counts

	mu              sync.Mutex
	wall, monotonic time.Time // when the system was last asked, by each clock
	total           time.Duration
}

func newSleep() *sleep {
	now := time.Now()
	return &sleep{sinceBoot: sleptSinceBoot(), wall: now.Round(0), monotonic: now}
}

// apart is how far the wall clock and the monotonic one go apart before the system is
// asked why: it slept, or somebody has set the one.
const apart = 500 * time.Millisecond

// slept is for how long in all. It costs no question to the system as long as the
// clocks agree.
func (s *sleep) slept() time.Duration {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	ahead := now.Round(0).Sub(s.wall) - now.Sub(s.monotonic)
	if ahead.Abs() >= apart {
		s.wall, s.monotonic = now.Round(0), now
		s.total = max(s.total, s.sinceBoot(ahead))
	}
	return s.total
}
