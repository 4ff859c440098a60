package sqlite

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

// listeners are those who want to know of commits.
type listeners struct {
	mu       sync.Mutex
	channels map[chan store.Wake]bool
	stopPoll context.CancelFunc // of the poll, which runs while somebody listens
	polls    sync.WaitGroup
	hurry    chan struct{}
}

func newListeners() *listeners {
	return &listeners{channels: map[chan store.Wake]bool{}, hurry: make(chan struct{}, 1)}
}

// Listen delivers wakes until ctx ends.
func (s *Store) Listen(ctx context.Context) (<-chan store.Wake, error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	l, channel := s.listeners, make(chan store.Wake, 1)
	l.mu.Lock()
	l.channels[channel] = true
	if len(l.channels) == 1 && !s.inMemory {
		poll, stop := context.WithCancel(context.Background())
		l.stopPoll = stop
		l.polls.Go(func() { s.poll(poll) })
	}
	l.mu.Unlock()
	context.AfterFunc(ctx, func() { l.remove(channel) })
	return channel, nil
}

func (l *listeners) remove(channel chan store.Wake) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.channels[channel] {
		return
	}
	delete(l.channels, channel)
	close(channel)
	if len(l.channels) == 0 && l.stopPoll != nil {
		l.stopPoll()
		l.stopPoll = nil
	}
}

// close ends all listening.
func (l *listeners) close() {
	l.mu.Lock()
	channels := slices.Collect(maps.Keys(l.channels))
	l.mu.Unlock()
	for _, channel := range channels {
		l.remove(channel)
	}
	l.polls.Wait()
}

// wake delivers to everyone, merged with what has not been taken yet.
func (l *listeners) wake(wake store.Wake) {
	if wake == (store.Wake{}) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for channel := range l.channels {
		merged := wake
		select {
		case waiting := <-channel:
			merged = merged.Merge(waiting)
		default:
		}
		channel <- merged // has room: only this function sends, under the mutex
	}
}

// expect makes the poll look often for a while.
func (l *listeners) expect() {
	select {
	case l.hurry <- struct{}{}:
	default:
	}
}

const (
	quickPoll = time.Millisecond
	slowPoll  = 25 * time.Millisecond
)

// poll looks for commits of other processes, and of transactions of the user:
// quickly after one was seen, less and less often while nothing happens.
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
	var seen int64
	wait := quickPoll
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.listeners.hurry:
			wait = quickPoll
		case <-timer.C:
		}
		var version int64
		if err := look.QueryRowContext(ctx).Scan(&version); err != nil {
			wait = slowPoll
		} else if version != seen {
			seen, wait = version, quickPoll
			s.listeners.wake(s.foreignWake(ctx, conn))
		} else {
			wait = min(slowPoll, wait+wait/4+time.Microsecond)
		}
		timer.Reset(wait)
	}
}

// foreignWake cannot tell what a commit did, but whether anybody asks for a
// cancellation.
func (s *Store) foreignWake(ctx context.Context, conn *sql.Conn) store.Wake {
	wake := store.Wake{Work: true, Finished: true}
	if err := conn.QueryRowContext(ctx, query("cancels_open")).Scan(&wake.Cancels); err != nil {
		wake.Cancels = true
	}
	return wake
}
