package postgres

import (
	"context"
	"math/rand/v2"
	"time"
)

// patience is how long something is tried again when the server cannot be reached
// or rolls back: a restart passes unnoticed. Then the caller decides.
const patience = 10 * time.Second

// insist tries again what failed with an error that again accepts, with growing,
// spread pauses, until it succeeds, patience is over or ctx ends.
func insist(ctx context.Context, again func(error) bool, try func() error) error {
	deadline := time.Now().Add(patience)
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := try()
		if err == nil || !again(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-ctx.Done():
			return err
		}
	}
}

// insist is for whoever has a connection of the pool. A store that is being closed
// tries nothing again: the pool may be gone.
func (s *Store) insist(ctx context.Context, again func(error) bool, try func() error) error {
	return insist(ctx, func(err error) bool { return !s.closed.Load() && again(err) }, try)
}
