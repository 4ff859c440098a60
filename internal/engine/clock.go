package engine

import (
	"time"

	"github.com/laterjobs/later/store"
)

// Now is the time that rules in a store: its database's, if it has a clock of its
// own, else the program's. What is stored and compared there goes by it; what a
// process measures within itself goes by its own clock.
func Now(s store.Store) time.Time {
	if clock, ok := s.(store.Clock); ok {
		return clock.Now()
	}
	return time.Now()
}

func (e *Engine) now() time.Time { return Now(e.store) }
