package later

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// Step, called by a handler, does a part of its job once, however often the job is
// retried: it calls fn and saves the result, and when the job is performed again it
// returns that instead. The name is unique within the job; in a loop use Cursor, or
// names with an index. Steps cannot be nested.
//
// A step runs again if the process dies after fn has done its work and before that is
// saved: see StepTx, and RunningJob.IdempotencyKey for the world outside. An error of
// fn is returned as it is, and nothing is saved. Nor is a step begun when the process
// stops: then the error is ErrStopping, to be returned. ErrLeaseLost: the job was taken
// from this process.
//
// A result that does not encode or exceeds Config.MaxArgs fails the job at once, as does
// a second step of the same name. If an attempt fails after a step was done, its retry
// does not count against the job's retries, unless it has none.
//
// The steps of a failed or cancelled job are kept when a person retries it; a completed
// one starts over. Without a stored job (PerformNow) they are kept until the handler
// returns.
func Step[T any](ctx context.Context, name string, fn func(ctx context.Context) (T, error)) (T, error) {
	var result T
	saved, err := runStep(ctx, name, func(ctx context.Context) (json.RawMessage, error) {
		value, err := fn(ctx)
		if err != nil {
			return nil, err
		}
		return encodeStep(ctx, name, value)
	})
	if err != nil {
		return result, err
	}
	return result, decodeStep(name, saved, &result)
}

// Do is Step for a part of a job that has no result.
func Do(ctx context.Context, name string, fn func(ctx context.Context) error) error {
	_, err := runStep(ctx, name, func(ctx context.Context) (json.RawMessage, error) { return nil, fn(ctx) })
	return err
}

// StepTx, called by the function of a Step or Do with the context that it was given,
// saves that step in a transaction of the function's own: the step is done if and only
// if what else the transaction does becomes true. tx comes from a store's Tx method;
// result is that of the step, if it has one, and what Step returns. ErrConflict: the job
// was taken from this process, or is not stored: roll back.
//
//	err := later.Do(ctx, "book", func(ctx context.Context) error {
//		tx, err := pool.Begin(ctx)
//		…
//		if err := later.StepTx(ctx, store.Tx(tx)); err != nil { … }
//		return tx.Commit(ctx)
//	})
func StepTx(ctx context.Context, tx store.Tx, result ...any) error {
	job := Running(ctx)
	step, ok := ctx.Value(stepKey{}).(*runningStep)
	switch {
	case !ok:
		return misuse("StepTx outside of a step: call it in the function of Step or Do, with its context")
	case len(result) > 1:
		return fmt.Errorf("%w: a step has one result, not %d", ErrInvalidOption, len(result))
	case job.ID == 0 || job.queue == nil:
		return fmt.Errorf("%w: the job is not stored", ErrConflict)
	case tx.Of() != job.queue.store:
		return fmt.Errorf("%w: the JobQueue works on a different store", ErrWrongTx)
	}
	saved := store.Step{Name: step.name, Kind: store.StepDone, At: job.queue.now(), Attempt: job.Attempt}
	if len(result) == 1 {
		raw, err := encodeStep(ctx, step.name, result[0])
		if err != nil {
			return err
		}
		saved.Result = job.definition.seal(sealedStep, raw)
	}
	if err := tx.SaveSteps(ctx, job.ID, job.Token, []store.Step{saved}, saved.At); err != nil {
		return fmt.Errorf("step %q of job %d: %w", step.name, job.ID, err)
	}
	step.inTx = true
	return nil
}

// runningStep is the step whose function runs.
type runningStep struct {
	name string
	inTx bool // StepTx was called
}

type stepKey struct{}

// runStep runs fn unless the step is done, and returns the saved result.
func runStep(ctx context.Context, name string, fn func(context.Context) (json.RawMessage, error)) (json.RawMessage, error) {
	steps, saved, found, err := beginStep(ctx, name, store.StepDone)
	if err != nil || found {
		return saved.Result, err
	}
	if steps.StopBegan() {
		return nil, fmt.Errorf("step %q is not begun: %w", name, ErrStopping)
	}
	step := &runningStep{name: name}
	var result json.RawMessage
	err = Running(ctx).surroundStep(name, func(ctx context.Context) (err error) {
		result, err = fn(ctx)
		return err
	})(context.WithValue(ctx, stepKey{}, step))
	if step.inTx {
		return committed(ctx, steps, name, err)
	}
	if err != nil {
		return nil, err
	}
	if err := steps.Save(ctx, store.Step{Name: name, Kind: store.StepDone, Result: result}); err != nil {
		return nil, fmt.Errorf("step %q: %w", name, err)
	}
	return result, nil
}

// committed looks whether the transaction that saved a step was committed. An error of
// the step's function stands in any case: but if the step is there, it is not run again.
func committed(ctx context.Context, steps *engine.Steps, name string, failed error) (json.RawMessage, error) {
	saved, there, err := steps.Committed(ctx, name)
	switch {
	case failed != nil:
		return nil, failed
	case err != nil:
		return nil, err
	case !there:
		return nil, fmt.Errorf("step %q: its transaction was not committed", name)
	}
	return saved.Result, nil
}

func beginStep(ctx context.Context, name string, kind store.StepKind) (*engine.Steps, store.Step, bool, error) {
	if problem := checkName("name of a step", name); problem != nil {
		return nil, store.Step{}, false, misuse("%w", problem)
	}
	if outer, ok := ctx.Value(stepKey{}).(*runningStep); ok && kind != store.StepCursor {
		return nil, store.Step{}, false, misuse("the %s %q is inside of the step %q: steps cannot be nested", kind, name, outer.name)
	}
	steps := Running(ctx).steps()
	saved, found, err := steps.Begin(ctx, name, kind)
	return steps, saved, found, err
}

// steps are those of this performing, encrypted if the definition says so.
func (r *RunningJob) steps() *engine.Steps {
	d := r.definition
	if d == nil || d.keys == nil {
		return r.run.Steps(nil, nil)
	}
	return r.run.Steps(
		func(raw json.RawMessage) json.RawMessage { return d.seal(sealedStep, raw) },
		func(raw json.RawMessage) (json.RawMessage, error) { return d.open(sealedStep, raw) })
}

// misuse is a mistake of the program that no retry can mend.
func misuse(format string, args ...any) error {
	return fmt.Errorf("%w: %w: %w", engine.ErrUnperformable, ErrInvalidOption, fmt.Errorf(format, args...))
}

func encodeStep(ctx context.Context, name string, value any) (json.RawMessage, error) {
	raw, err := arguments.Encode(value)
	if err == nil {
		err = checkSize("result", raw, Running(ctx).maxArgs())
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the step %q ran, but what came of it cannot be kept: %w", engine.ErrUnperformable, name, err)
	}
	return withMarks(reflect.TypeOf(value), raw), nil
}

// maxArgs bounds what the job may keep, in bytes.
func (r *RunningJob) maxArgs() int {
	if r.queue == nil {
		return defaultMaxArgs
	}
	return r.queue.cfg.MaxArgs
}

func decodeStep(name string, raw json.RawMessage, into any) error {
	if len(raw) == 0 {
		return nil
	}
	if err := arguments.Decode(withoutMarks(raw), into); err != nil {
		return fmt.Errorf("%w: the saved result of the step %q: %w", engine.ErrUnperformable, name, err)
	}
	return nil
}

// Sleep, called by a handler, waits without holding a slot: the first time it notes when
// to wake and returns an error for the handler to return, which schedules the job for
// then with the reason "sleeps: name" and uses up no attempt. The job is performed again
// from its beginning; steps that are done are passed over, and Sleep returns nil if the
// time has come. If not, for instance since a person ran the job before, it sleeps on
// for the rest.
//
// Without a stored job (PerformNow) it waits in place, or until ctx ends.
func Sleep(ctx context.Context, name string, d time.Duration) error {
	steps, saved, found, err := beginStep(ctx, name, store.StepSleep)
	if err != nil {
		return err
	}
	if Running(ctx).ID == 0 {
		return sleepHere(ctx, d)
	}
	until := store.Storable(steps.Now().Add(max(0, d))).UTC().Truncate(time.Microsecond)
	if found {
		if err := decodeStep(name, saved.Result, &until); err != nil {
			return err
		}
	} else {
		raw, err := arguments.Encode(until)
		if err != nil {
			return fmt.Errorf("sleep %q: %w", name, err)
		}
		if err := steps.Save(ctx, store.Step{Name: name, Kind: store.StepSleep, Result: raw}); err != nil {
			return fmt.Errorf("sleep %q: %w", name, err)
		}
	}
	if !steps.Now().Before(until) {
		return nil
	}
	return &engine.Postponement{Until: until, Reason: "sleeps: " + name}
}

func sleepHere(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
