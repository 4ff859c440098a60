package sqlite

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

// Revision counts commits: this process's own, and those of others that the poll has
// seen. Of others it knows a tenth of a second late.
func (s *Store) Revision(ctx context.Context) (string, error) {
	if s.closed.Load() {
		return "", store.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := s.files.check(); err != nil {
		return "", err
	}
	s.watch.keep(s)
	return strconv.FormatInt(s.writer.commits.Load(), 36) + "." + strconv.FormatInt(s.foreign.Load(), 36), nil
}

// lingering is how long the poll goes on after somebody has asked for the revision.
const lingering = 10 * time.Second

// watch lets the poll run for those who ask for the revision: it needs no connection
// beside the one that listeners have. A poll that starts anew counts what it finds as a
// commit, so that nothing is missed between two.
type watch struct {
	mu    sync.Mutex
	timer *time.Timer
}

func (w *watch) keep(s *Store) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil && w.timer.Reset(lingering) {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	s.listeners.Listen(ctx)
	w.timer = time.AfterFunc(lingering, stop)
}
