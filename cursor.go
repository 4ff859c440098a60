package later

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// StepCursor is how far a loop of a job is: see Cursor.
type StepCursor[T any] struct {
	ctx   context.Context
	name  string
	steps *engine.Steps

	mu    sync.Mutex
	value T
}

// Cursor, called by a handler, says how far a loop of its job is, so that a retry goes
// on from there: it has the value that was saved last, at first start.
//
//	cursor, err := later.Cursor(ctx, "rows", int64(0))
//	…
//	for row := range rowsAfter(cursor.Get()) {
//		…
//		if err := cursor.Set(row.ID); err != nil {
//			return err
//		}
//	}
//
// An attempt that fails after a cursor has moved does not count, as with Step, whose
// rules for names and sizes hold here too.
func Cursor[T any](ctx context.Context, name string, start T) (*StepCursor[T], error) {
	steps, saved, found, err := beginStep(ctx, name, store.StepCursor)
	if err != nil {
		return nil, err
	}
	c := &StepCursor[T]{ctx: ctx, name: name, steps: steps, value: start}
	if found {
		var value T
		if err := decodeStep(name, saved.Result, &value); err != nil {
			return nil, err
		}
		c.value = value
	}
	return c, nil
}

// Get returns the value.
func (c *StepCursor[T]) Get() T {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.value
}

// Set moves the cursor. It costs a few microseconds and may be called for every row: the
// value is saved at once if the last save is a second ago, else within that second, with
// the next Step, and when the handler returns an error. What a process that dies had
// done since is done again. ErrStopping: the process stops; the cursor is saved, return
// the error. ErrLeaseLost: the job was taken from this process.
func (c *StepCursor[T]) Set(value T) error {
	raw, err := encodeStep(c.ctx, c.name, value)
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.value = value
	c.mu.Unlock()
	return c.move(raw)
}

func (c *StepCursor[T]) move(raw json.RawMessage) error {
	err := c.steps.Move(c.ctx, store.Step{Name: c.name, Kind: store.StepCursor, Result: raw})
	if err != nil {
		return fmt.Errorf("cursor %q: %w", c.name, err)
	}
	return nil
}
