package later

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/engine"
)

// Carry carries a value of a context, such as a tenant, a locale or a trace, from
// whoever enqueues a job to its handler, and from there to the jobs that the handler
// enqueues. The value that the context has under key, of type T, is stored with the job
// as JSON under name; the handler finds it under the same key. Nothing is stored if the
// context has none. It works wherever Middleware does. The value is stored as it is, also
// with jobs that Encrypt keeps: carry no secrets.
//
// A value of another type, or that does not encode, is refused when the job is enqueued
// (ErrInvalidOption, ErrTooLarge). One that no longer decodes into T fails the job at
// once, as arguments do: the handler would work without it, or for somebody else. Carry
// panics if the name is malformed (see Define) or the key is nil.
func Carry[T any](name string, key any) Middleware {
	if problem := checkName("name of a carried value", name); problem != nil {
		panic("later: " + problem.Error())
	}
	if key == nil {
		panic("later: Carry: the key is nil")
	}
	restore := func(ctx context.Context, job *RunningJob) (context.Context, error) {
		return unpack[T](ctx, name, key, job)
	}
	return Middleware{
		Enqueue: func(ctx context.Context, calls []Call, next func(context.Context, []Call) ([]Job, error)) ([]Job, error) {
			if err := pack[T](ctx, name, key, calls); err != nil {
				return nil, err
			}
			return next(ctx, calls)
		},
		Perform: func(ctx context.Context, job *RunningJob, next func(context.Context) error) error {
			ctx, err := restore(ctx, job)
			if err != nil {
				return err
			}
			return next(ctx)
		},
		restore: restore,
	}
}

// pack adds the value to the calls.
func pack[T any](ctx context.Context, name string, key any, calls []Call) error {
	value := ctx.Value(key)
	if value == nil {
		return nil
	}
	typed, ok := value.(T)
	if !ok {
		return fmt.Errorf("%w: the context's value to carry as %q is a %T, not a %T", ErrInvalidOption, name, value, typed)
	}
	raw, err := arguments.Encode(typed)
	if err == nil {
		err = arguments.CheckRaw(raw, defaultMaxArgs)
	}
	if err != nil {
		return fmt.Errorf("%w: the context's value to carry as %q: %w", ErrInvalidOption, name, err)
	}
	for i := range calls {
		carried := map[string]json.RawMessage{}
		maps.Copy(carried, calls[i].carried) // calls may share theirs
		carried[name] = raw
		calls[i].carried = carried
	}
	return nil
}

// unpack puts the value that the job carries into the context.
func unpack[T any](ctx context.Context, name string, key any, job *RunningJob) (context.Context, error) {
	if job.Options == nil {
		return ctx, nil
	}
	raw, carried := job.Options.Carried[name]
	if !carried {
		return ctx, nil
	}
	var value T
	if err := json.Unmarshal(raw, &value); err != nil {
		return nil, fmt.Errorf("%w: the value carried as %q: %w", engine.ErrUnperformable, name, err)
	}
	return context.WithValue(ctx, key, value), nil
}

// restoreFunc gives a context what a job carries.
type restoreFunc func(ctx context.Context, job *RunningJob) (context.Context, error)

func carriersOf(layers ...[]Middleware) (carriers []restoreFunc) {
	for _, layer := range layers {
		for _, m := range layer {
			if m.restore != nil {
				carriers = append(carriers, m.restore)
			}
		}
	}
	return carriers
}
