package engine

import (
	"context"
	"errors"
	"time"

	"github.com/laterjobs/later/store"
)

const (
	// operateEvery is how often a process looks for operations whose own process has gone.
	operateEvery = 15 * time.Second
	// operatePause is between two looks at an operation that another process is at.
	operatePause = 250 * time.Millisecond
	// operatePatience is how long a store may fail before the process gives up.
	operatePatience = time.Minute
)

// operator takes the steps of operations.
type operator struct {
	*Engine
	trouble trouble
}

func (e *Engine) newOperator() *operator {
	return &operator{Engine: e, trouble: trouble{dice: e.newDice()}}
}

func (o *operator) operate(ctx context.Context) time.Duration {
	working, err := o.store.Operations(ctx, store.OperationFilter{Working: true})
	for i := 0; i < len(working) && err == nil; i++ {
		err = CarryOut(ctx, o.store, working[i].ID)
	}
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return o.trouble.met(o.log, "carry out operations", err)
	}
	o.trouble.over(o.log, "carry out operations")
	return 0
}

// CarryOut takes the steps of an operation until there are none, beside others that do so.
func CarryOut(ctx context.Context, s store.Store, id int64) error {
	last, failing := store.Operation{}, time.Time{}
	for {
		o, err := s.StepOperation(ctx, id, Now(s))
		switch {
		case err != nil && !errors.Is(err, store.ErrUnavailable):
			return err
		case err != nil && failing.IsZero():
			failing = time.Now()
		case err != nil && time.Since(failing) > operatePatience:
			return err
		case err == nil && !o.State.Working():
			return nil
		}
		if moved := err == nil && (o.Cursor != last.Cursor || o.Restored != last.Restored || o.State != last.State); moved {
			last, failing = o, time.Time{}
			continue
		}
		select {
		case <-time.After(operatePause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
