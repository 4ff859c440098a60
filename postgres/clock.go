package postgres

import (
	"sync"
	"time"
)

// clock tells the time of the database, as last heard, carried on by this
// program's monotonic clock: it does not jump when somebody sets the clock of this
// machine, and machines with different clocks agree.
type clock struct {
	mu    sync.Mutex
	heard time.Time // what the database said
	at    time.Time // when it said so, by the clock of this machine
}

// set notes an answer of the database. sent is when it was asked; the answer is
// taken to be from halfway between then and now.
func (c *clock) set(told, sent time.Time) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard, c.at = told.UTC(), now.Add(-now.Sub(sent)/2)
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard.Add(time.Since(c.at))
}

// Now is the time of the database, within a round trip.
func (s *Store) Now() time.Time { return s.clock.now() }

// orNow is the time that a verb was given, or the database's. Microseconds are
// what the database keeps.
func (s *Store) orNow(now time.Time) time.Time {
	if now.IsZero() {
		now = s.Now()
	}
	return micro(now)
}

// micro is a time as the database keeps it.
func micro(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }

// isLater compares as the database does.
func isLater(t, now time.Time) bool { return !t.IsZero() && t.UnixMicro() > now.UnixMicro() }
