package sqlite

import (
	"context"
	"database/sql"
	"os"
	"time"

	"github.com/laterjobs/later/store"
)

// Listen delivers wakes until ctx ends.
func (s *Store) Listen(ctx context.Context) (<-chan store.Wake, error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	return s.listeners.Listen(ctx), nil
}

// expect makes the poll look often for a while.
func (s *Store) expect() {
	select {
	case s.hurry <- struct{}{}:
	default:
	}
}

// How often the poll looks: quickPoll after somebody else's commit, then less and
// less often, quickly down to slowPoll and slowly down to idlePoll.
const (
	quickPoll = time.Millisecond
	slowPoll  = 25 * time.Millisecond
	idlePoll  = 100 * time.Millisecond
)

// later is how long to wait when nothing has happened: a quarter longer at first,
// then so slowly that 100 ms are reached after seconds.
func later(wait time.Duration) time.Duration {
	if wait < slowPoll {
		return wait + wait/4 + time.Microsecond
	}
	return min(idlePoll, wait+wait/20)
}

// poll looks for commits of other processes, and of transactions of the user.
func (s *Store) poll(ctx context.Context) {
	conn, err := s.db.Conn(ctx)
	if err != nil {
		return // the database is being closed
	}
	defer conn.Close()
	look, err := conn.PrepareContext(ctx, query("data_version"))
	if err != nil {
		return
	}
	defer look.Close()
	var seen, own int64
	signs := &signs{log: s.path + "-wal"}
	wait := quickPoll
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.hurry:
			wait = quickPoll
		case <-timer.C:
		}
		version, err := seen, error(nil)
		if signs.any() {
			err = look.QueryRowContext(uninterrupted).Scan(&version)
		}
		commits := s.writer.commits.Load()
		switch {
		case err != nil:
			wait = slowPoll
		case version == seen:
			wait = later(wait)
		case commits != own: // one's own at least: they promise no more from others
			s.listeners.Wake(s.foreignWake(ctx, conn))
		default:
			wait = quickPoll
			s.listeners.Wake(s.foreignWake(ctx, conn))
		}
		if err == nil && version != seen {
			s.foreign.Add(1)
		}
		seen, own = version, commits
		timer.Reset(wait)
	}
}

// signs tell whether asking for the data version can be worth it. To look at the
// write-ahead log from outside costs a hundredth of a statement.
type signs struct {
	log   string
	size  int64
	at    time.Time
	asked time.Time
}

const (
	// unsettled is how long a write may still have something to tell. The clock that file
	// systems use is coarse, so that two writes may carry the same time; and a commit is
	// seen only when the disk has what was written, which takes long on a busy one.
	unsettled = time.Second
	// askAnyway is for file systems that do not keep such times, or coarser ones.
	askAnyway = time.Second
)

func (s *signs) any() bool {
	info, err := os.Stat(s.log)
	if err == nil && info.Size() == s.size && info.ModTime().Equal(s.at) &&
		time.Since(s.at) > unsettled && time.Since(s.asked) < askAnyway {
		return false
	}
	if err == nil {
		s.size, s.at = info.Size(), info.ModTime()
	}
	s.asked = time.Now()
	return true
}

// foreignWake cannot tell what a commit did, but whether anybody asks for a
// cancellation, or something of a process.
func (s *Store) foreignWake(ctx context.Context, conn *sql.Conn) store.Wake {
	wake := store.Wake{Work: true, Finished: true}
	if err := conn.QueryRowContext(ctx, query("cancels_open"), time.Now().Add(-store.RequestPatience).UnixMicro()).Scan(&wake.Cancels); err != nil {
		wake.Cancels = true
	}
	return wake
}
