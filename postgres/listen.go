package postgres

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// news is what a commit has changed, for those who wait for it.
type news struct {
	lanes map[lane]int64 // where jobs have become ready: the lowest position in each
	wake  store.Wake
}

// lineUp notes that a job is ready.
func (n *news) lineUp(at lane, position int64) {
	n.wake.Work = true
	if n.lanes == nil {
		n.lanes = map[lane]int64{}
	}
	if first, known := n.lanes[at]; !known || position < first {
		n.lanes[at] = position
	}
}

// merge adds what others tell.
func (n *news) merge(other *news) {
	for at, position := range other.lanes {
		n.lineUp(at, position)
	}
	n.wake = n.wake.Merge(other.wake)
}

func (n *news) empty() bool { return n.wake == store.Wake{} }

// Listen delivers wakes until ctx ends.
func (s *Store) Listen(ctx context.Context) (<-chan store.Wake, error) {
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	return s.listeners.Listen(ctx), nil
}

// tell passes news on: to this process at once, to the others by message.
func (s *Store) tell(n *news) {
	if n == nil || n.empty() {
		return
	}
	s.hear(n)
	s.messenger.post(n)
}

// hear takes news in.
func (s *Store) hear(n *news) {
	for at, position := range n.lanes {
		s.lanes.note(at, position)
	}
	s.listeners.Wake(n.wake)
}

// expect tells news of a transaction of the user's, whose commit nobody announces:
// several times within a few seconds, since it may come at any time. A commit that
// comes later is found by a look at every line.
func (s *Store) expect(n *news, tell func(*news)) {
	if n.empty() {
		return
	}
	var again func(wait time.Duration)
	again = func(wait time.Duration) {
		time.AfterFunc(wait, func() {
			if s.closed.Load() {
				return
			}
			tell(n)
			if wait < expectLongest {
				again(4 * wait)
			}
		})
	}
	again(expectFirst)
}

const (
	expectFirst   = 2 * time.Millisecond
	expectLongest = time.Second
)
