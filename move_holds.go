package later

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// hold is a queue that stands still on both sides while its jobs are moved, with
// what it was before.
type hold struct {
	from, to store.QueueStats
	ended    bool // the source's queue is paused for good
}

// The reasons with which queues stand still. What a move that was killed has left
// behind is known by them.
const (
	movingTo   = "being moved to "
	movedTo    = "moved to "
	movingHere = "a move into this store is not complete"
)

// holdAll holds every queue in which jobs wait or run.
func (m *move) holdAll(ctx context.Context) error {
	from, err := m.from.Stats(ctx)
	if err != nil {
		return err
	}
	to, err := m.to.Stats(ctx)
	if err != nil {
		return err
	}
	for _, queue := range from.Queues {
		m.queues[queue.Name] = hold{from: queue}
	}
	for _, queue := range to.Queues {
		m.queues[queue.Name] = hold{from: m.queues[queue.Name].from, to: queue}
	}
	for _, queue := range from.Queues {
		if err := m.hold(ctx, queue.Name); err != nil {
			return err
		}
	}
	return nil
}

// hold pauses a queue of both stores, unless it is paused.
func (m *move) hold(ctx context.Context, name string) error {
	if m.holds[name] != nil {
		return nil
	}
	h := m.queues[name] // one that neither store mentions is not paused
	m.holds[name] = &h
	if h.from.PausedAt.IsZero() {
		if err := m.from.Pause(ctx, name, m.reason(movingTo), engine.Now(m.from), nil); err != nil {
			return err
		}
	}
	if h.to.PausedAt.IsZero() {
		return m.to.Pause(ctx, name, movingHere, engine.Now(m.to), nil)
	}
	return nil
}

func (m *move) reason(what string) string { return engine.Printable(what+m.options.To, maxReason) }

// ownPause is a pause that somebody else than a move has asked for.
func (m *move) ownPause(queue store.QueueStats) bool {
	ours := strings.HasPrefix(queue.PauseReason, movingTo) || queue.PauseReason == m.reason(movedTo) || queue.PauseReason == movingHere
	return !queue.PausedAt.IsZero() && !ours
}

// release ends the holds: the queues of the source are paused for good, those of the
// target are as the source's were. One that somebody has paused there stays so. In
// this order nothing is lost if it ends in between: a pause is carried over before
// it is overwritten, and no queue goes on in both stores.
func (m *move) release(ctx context.Context) error {
	for name, h := range m.holds {
		if m.ownPause(h.from) {
			if err := m.to.Pause(ctx, name, h.from.PauseReason, h.from.PausedAt, nil); err != nil {
				return err
			}
		}
	}
	for name, h := range m.holds {
		h.ended = true
		if err := m.from.Pause(ctx, name, m.reason(movedTo), engine.Now(m.from), nil); err != nil {
			return err
		}
	}
	m.moved = true
	for name, h := range m.holds {
		if m.ownPause(h.from) || m.ownPause(h.to) {
			continue
		}
		if err := m.to.Resume(ctx, name, nil); err != nil {
			return fmt.Errorf("everything has been moved, but queue %s of the target stays paused: %w", name, err)
		}
	}
	return nil
}

// undoTime bounds undo: the store may be what has failed.
const undoTime = 20 * time.Second

// undo gives the queues of the source back as they were. Those of the target stay
// paused: what it holds must not be performed beside the source.
func (m *move) undo(ctx context.Context) error {
	if m.moved {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTime)
	defer cancel()
	var problems []error
	for name, h := range m.holds {
		var err error
		switch {
		case h.from.PausedAt.IsZero():
			err = m.from.Resume(ctx, name, nil)
		case h.ended:
			err = m.from.Pause(ctx, name, h.from.PauseReason, h.from.PausedAt, nil)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("queue %s of the source stays paused: %w", name, err))
		}
	}
	return errors.Join(problems...)
}
