package later

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// The words of operations.
type (
	Operation       = store.Operation       // one change of many jobs, as durable work
	OperationAction = store.OperationAction // what it does to them
	OperationState  = store.OperationState  // how far it is
	OperationFilter = store.OperationFilter // selects operations; zero fields do not filter
)

// What operations do: as the verbs of the same names.
const (
	OperationCancel     = store.OperationCancel
	OperationRetry      = store.OperationRetry
	OperationDelete     = store.OperationDelete
	OperationReschedule = store.OperationReschedule // to Operation.At
)

// The states of operations.
const (
	OperationRunning   = store.OperationRunning
	OperationDone      = store.OperationDone
	OperationCancelled = store.OperationCancelled // what had been changed stays so
	OperationUndoing   = store.OperationUndoing
	OperationUndone    = store.OperationUndone
	OperationFailed    = store.OperationFailed // Operation.Problem says why
)

// Operate changes all jobs that there are now and that o.Filter selects, as durable work:
// it returns at once, with the id. Given are Action, Filter, Reason and, to reschedule, At;
// who it is comes from ctx: see By. The work goes on in steps of at most 500 jobs, in this
// process, and in any that works on the store if this one ends. For ten minutes after its
// end it can be undone: see UndoOperation. Its filter is kept and shown: like those of
// people, it may not ask for what is redacted. See Guard.
func (q *JobQueue) Operate(ctx context.Context, o Operation) (Operation, error) {
	switch {
	case o.Action.Statuses() == nil:
		return Operation{}, fmt.Errorf("%w: no operation is called %q", ErrInvalidOption, o.Action)
	case o.Action == OperationReschedule && (o.At.IsZero() || o.At.UTC().Year() > maxYear):
		return Operation{}, fmt.Errorf("%w: cannot reschedule to %v", ErrInvalidOption, o.At)
	case o.Filter.Limit != 0:
		return Operation{}, fmt.Errorf("%w: an operation is of all jobs that its filter selects; Limit is %d", ErrInvalidOption, o.Filter.Limit)
	}
	guarded, err := q.Guard(ctx, o.Filter)
	if err != nil {
		return Operation{}, fmt.Errorf("%s jobs: %w", o.Action, err)
	}
	o.Filter = guarded
	by := q.entryFor(ctx, string(o.Action), o.Filter, o.Reason)
	if o.Action == OperationReschedule {
		by.After = o.At.UTC().Format(time.RFC3339)
	}
	asked := Operation{Action: o.Action, Filter: o.Filter, At: o.At, Reason: by.Reason, Person: by.Person, Source: by.Source}
	added, err := q.store.AddOperation(ctx, asked, by, q.now())
	if err != nil {
		return Operation{}, fmt.Errorf("%s jobs: %w", o.Action, err)
	}
	q.logChange(ctx, by, int(added.Matched))
	go q.carryOut(context.WithoutCancel(ctx), added.ID)
	return added, nil
}

// Operations returns operations, newest first: at most f.Limit, 100 by default.
func (q *JobQueue) Operations(ctx context.Context, f OperationFilter) ([]Operation, error) {
	found, err := q.store.Operations(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("list operations: %w", err)
	}
	return found, nil
}

// Operation returns one as it is now. ErrNotFound: it never existed, or was pruned.
func (q *JobQueue) Operation(ctx context.Context, id int64) (Operation, error) {
	found, err := q.store.Operations(ctx, OperationFilter{ID: id})
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return Operation{}, fmt.Errorf("operation %d: %w", id, err)
	}
	return found[0], nil
}

// AwaitOperation takes part in carrying out an operation, or its undo, until nothing is
// left to do, and returns what has become of it. It helps one along whose process has
// ended when no other works on the store.
func (q *JobQueue) AwaitOperation(ctx context.Context, id int64) (Operation, error) {
	if err := engine.CarryOut(ctx, q.store, id); err != nil {
		return Operation{}, fmt.Errorf("operation %d: %w", id, err)
	}
	q.finished.send()
	return q.Operation(ctx, id)
}

// CancelOperation ends a running operation between two steps. What it has changed stays
// so, and can be undone. ErrConflict: it does not run.
func (q *JobQueue) CancelOperation(ctx context.Context, id int64) (Operation, error) {
	return q.turn(ctx, id, "cancel", OperationCancelled)
}

// UndoOperation puts the jobs of an operation back where they were, in steps, as Operate:
// those that nobody has touched since. Operation.NotUndone counts the others, by why.
// ErrConflict: it still runs, or ended more than ten minutes ago.
func (q *JobQueue) UndoOperation(ctx context.Context, id int64) (Operation, error) {
	o, err := q.turn(ctx, id, "undo", OperationUndoing)
	if err == nil {
		go q.carryOut(context.WithoutCancel(ctx), id)
	}
	return o, err
}

func (q *JobQueue) turn(ctx context.Context, id int64, action string, to OperationState) (Operation, error) {
	by := q.entry(ctx, action, "operation", fmt.Sprint(id), "")
	o, err := q.store.TurnOperation(ctx, id, to, by, q.now())
	if err != nil {
		return Operation{}, fmt.Errorf("%s operation: %w", action, err)
	}
	q.logChange(ctx, by, 0)
	return o, nil
}

// carryOut takes the steps of an operation that this JobQueue has begun: it need not have
// been started. When the store fails, a process that works on it goes on.
func (q *JobQueue) carryOut(ctx context.Context, id int64) {
	err := engine.CarryOut(ctx, q.store, id)
	if err != nil && !errors.Is(err, store.ErrClosed) && !errors.Is(err, store.ErrNotFound) {
		q.cfg.Logger.Error("an operation stands still in this process", "operation", id, "error", err)
	}
	q.finished.send()
}
