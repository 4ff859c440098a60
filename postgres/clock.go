package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// clock tells the time of the database, as last heard, carried on by this
// program's monotonic clock: it does not jump when somebody sets the clock of this
// machine, and machines with different clocks agree.
type clock struct {
	mu    sync.Mutex
	heard time.Time     // what the database said
	at    time.Time     // when it said so, by the clocks of this machine
	exact time.Duration // how far off that may be, to either side
}

// set notes an answer of the database. sent is when it was asked; the answer is
// taken to be from halfway between then and now. One that was long on its way says
// little: it changes nothing, unless what was heard before cannot be true.
func (c *clock) set(told, sent time.Time) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	exact := now.Sub(sent) / 2
	believed := c.heard.Add(now.Sub(c.at)).Sub(told) // how long ago it said so
	if exact > c.exact+now.Sub(c.at)/driftsBy && believed >= 0 && believed <= 2*exact {
		return
	}
	c.heard, c.at, c.exact = told.UTC(), now.Add(-exact), exact
}

// driftsBy: clocks go apart by one part in so many.
const driftsBy = 10_000

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heard.Add(time.Since(c.at))
}

// ahead is by how much this machine's clock is ahead of the database's, less what may be
// wrong with that; negative: behind.
func (c *clock) ahead() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	carried := now.Sub(c.at)
	apart := now.Round(0).Sub(c.heard.Add(carried))
	doubt := c.exact + carried/driftsBy
	switch {
	case apart > doubt:
		return apart - doubt
	case apart < -doubt:
		return apart + doubt
	}
	return 0
}

// doubtful reports whether the two clocks of this machine have gone apart since the
// database was heard: somebody set the one, or the machine slept and the other stood
// still. It doubts once: who asks has to ask the database.
func (c *clock) doubtful() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	apart := now.Round(0).Sub(c.at.Round(0)) - now.Sub(c.at)
	if apart.Abs() < maxApart {
		return false
	}
	c.at = now.Add(-now.Sub(c.at)) // the wall clock as it is, the monotonic one as it was
	return true
}

// maxApart is more than clocks that are kept in step go apart between two beats.
const maxApart = time.Second

// Now is the time of the database, within a round trip.
func (s *Store) Now() time.Time {
	if s.clock.doubtful() {
		s.askClock()
	}
	return s.clock.now()
}

// askTime bounds the question for the time. Without an answer the clock goes on.
const askTime = time.Second

func (s *Store) askClock() {
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	_ = s.beat.use(ctx, s.hearClock)
}

// hearClock asks for the time over a connection.
func (s *Store) hearClock(ctx context.Context, conn *pgx.Conn) error {
	var told int64 // microseconds
	sent := time.Now()
	err := conn.QueryRow(ctx, s.query("clock"), pgx.QueryExecModeExec).Scan(&told)
	if err == nil {
		s.clock.set(time.UnixMicro(told), sent)
	}
	return err
}

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
