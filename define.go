package later

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"time"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/internal/envelope"
)

// Definition describes one type of job: its name, the type A of its arguments,
// and its options. It has no dependencies and may be shared by those who enqueue
// and those who perform. A is encoded with encoding/json and checked against its
// `validate` tags (go-playground/validator) and, if it has one, its method
// Validate() error.
//
// If A has a method JobUserID() string or JobTargetID() string, that is the
// job's user or target, unless the call names another.
type Definition[A any] struct{ core *definition }

// definition is what Definition and ResultDefinition have in common.
type definition struct {
	settings
	name        string
	former      []string
	description string
	rules       engine.Rules
	limited     bool // the number of retries has been given
	exhausted   []discardedFunc
	discarded   []discardedFunc
	middleware  []Middleware
	args        reflect.Type
	result      reflect.Type // nil: none
	check       func(json.RawMessage) (args any, err error)
	keys        *envelope.Keys         // nil: nothing is encrypted
	published   func() json.RawMessage // its schema, as others see it
	onSchedule  *onSchedule            // nil: none
	zeroCall    func() Call
}

// Define describes a type of job. The name is what is stored: keep it when you
// rename the Go value, or see FormerlyNamed. Define registers nothing; it panics
// if the name is malformed (empty, over 128 bytes, not UTF-8, or with control
// characters), as regexp.MustCompile does. Impossible options are reported when
// the definition is used.
func Define[A any](name string, opts ...DefineOption) *Definition[A] {
	return &Definition[A]{newDefinition[A](name, opts)}
}

func newDefinition[A any](name string, opts []DefineOption) *definition {
	if problem := checkName("job type", name); problem != nil {
		panic("later: " + problem.Error())
	}
	d := &definition{name: name, settings: defaultSettings, args: reflect.TypeFor[A]()}
	d.check = func(raw json.RawMessage) (any, error) { return decodeArgs[A](d, raw) }
	d.published = sync.OnceValue(d.publishedSchema)
	d.zeroCall = func() Call {
		var none A
		return newCall(d, none, nil)
	}
	for _, opt := range opts {
		opt.define(d)
	}
	if d.rules.RetryFor > 0 && !d.limited {
		d.maxRetries = maxRetriesLimit
	}
	return d
}

// Name is the name under which jobs of this type are stored.
func (d *Definition[A]) Name() string { return d.core.name }

// Do binds the definition to the function that performs its jobs. It runs with
// a context that ends with a cause: ErrTimeout, ErrCancelled, ErrStopping or
// ErrLeaseLost. What it returns decides what comes next: see Postpone, RetryIn,
// Discard, CancelSelf and RunningJob.Stopping.
func (d *Definition[A]) Do(perform func(ctx context.Context, args A) error) Handler {
	return newHandler(d.core, func(ctx context.Context, raw json.RawMessage) (json.RawMessage, error) {
		args, err := argsToPerform[A](ctx, d.core, raw)
		if err != nil {
			return nil, err
		}
		return nil, perform(ctx, args)
	})
}

// With is a job that is not enqueued yet, for EnqueueAll.
func (d *Definition[A]) With(args A, opts ...CallOption) Call {
	return newCall(d.core, args, opts)
}

// PerformLater stores a job to be performed as soon as a slot is free. It
// returns after the commit; in a transaction (see JobQueue.Tx), the job exists
// when that commits.
func (d *Definition[A]) PerformLater(ctx context.Context, e Enqueuer, args A, opts ...CallOption) (Job, error) {
	return enqueueOne(ctx, e, d.With(args, opts...))
}

// PerformAt stores a job to be performed at a time; one in the past means now.
func (d *Definition[A]) PerformAt(ctx context.Context, e Enqueuer, at time.Time, args A, opts ...CallOption) (Job, error) {
	return enqueueOne(ctx, e, d.With(args, append(opts[:len(opts):len(opts)], At(at))...))
}

// PerformIn stores a job to be performed after a while.
func (d *Definition[A]) PerformIn(ctx context.Context, e Enqueuer, in time.Duration, args A, opts ...CallOption) (Job, error) {
	return enqueueOne(ctx, e, d.With(args, append(opts[:len(opts):len(opts)], In(in))...))
}

// PerformNow performs the job here and now, once, without storing it: the
// arguments are checked, encoded and decoded as always, the same middleware
// runs, the timeout holds and a panic becomes an error. It returns what the
// handler returns. q needs a handler for the type, but need not be running.
func (d *Definition[A]) PerformNow(ctx context.Context, q *JobQueue, args A, opts ...CallOption) error {
	_, err := q.performNow(ctx, d.With(args, opts...))
	return err
}

// Args decodes the arguments of a stored job of this type. ErrNoKey: they are
// encrypted with a key that the definition does not have.
func (d *Definition[A]) Args(job Job) (A, error) {
	return decodeArgs[A](d.core, job.Args)
}

func (d *Definition[A]) definition() *definition { return d.core }

// ResultDefinition is a Definition whose jobs have a result of type R. It is
// stored as JSON with the completed job.
type ResultDefinition[A, R any] struct{ Definition[A] }

// DefineResult describes a type of job that has a result. See Define.
func DefineResult[A, R any](name string, opts ...DefineOption) *ResultDefinition[A, R] {
	d := newDefinition[A](name, opts)
	d.result = reflect.TypeFor[R]()
	return &ResultDefinition[A, R]{Definition[A]{d}}
}

// Do binds the definition to the function that performs its jobs. A result that
// does not encode, or exceeds Config.MaxArgs, fails the job.
func (d *ResultDefinition[A, R]) Do(perform func(ctx context.Context, args A) (R, error)) Handler {
	return newHandler(d.core, func(ctx context.Context, raw json.RawMessage) (json.RawMessage, error) {
		args, err := argsToPerform[A](ctx, d.core, raw)
		if err != nil {
			return nil, err
		}
		result, err := perform(ctx, args)
		if err != nil {
			return nil, err
		}
		return d.core.encodeResult(result)
	})
}

// PerformNow performs the job here and now and returns its result. See
// Definition.PerformNow.
func (d *ResultDefinition[A, R]) PerformNow(ctx context.Context, q *JobQueue, args A, opts ...CallOption) (R, error) {
	raw, err := q.performNow(ctx, d.With(args, opts...))
	if err != nil {
		var none R
		return none, err
	}
	return d.decode(raw)
}

// Await waits, in any process, until the job is finished, and returns its
// result; a *JobError if the job failed or was cancelled.
func (d *ResultDefinition[A, R]) Await(ctx context.Context, q *JobQueue, id int64) (R, error) {
	var none R
	job, err := q.Wait(ctx, id)
	if err != nil {
		return none, err
	}
	if job.Status != StatusCompleted {
		return none, &JobError{Job: job}
	}
	return d.Result(job)
}

// Result decodes the result of a completed job of this type.
func (d *ResultDefinition[A, R]) Result(job Job) (R, error) { return d.decode(job.Result) }

func (d *ResultDefinition[A, R]) decode(raw json.RawMessage) (R, error) {
	var result R
	if len(raw) == 0 {
		return result, nil
	}
	raw, err := d.core.open(sealedResult, raw)
	if err != nil {
		return result, fmt.Errorf("result of %s: %w", d.core.name, err)
	}
	if err := json.Unmarshal(raw, &result); err != nil {
		return result, fmt.Errorf("result of %s: %w", d.core.name, err)
	}
	return result, nil
}

// JobError says that a job did not complete. It matches ErrCancelled if the
// job was cancelled.
type JobError struct{ Job Job }

func (e *JobError) Error() string {
	return fmt.Sprintf("job %d (%s) %s: %s", e.Job.ID, e.Job.Type, e.Job.Status, e.Job.Error)
}

// Is makes errors.Is(err, ErrCancelled) true for a cancelled job.
func (e *JobError) Is(target error) bool {
	return target == ErrCancelled && e.Job.Status == StatusCancelled
}

// AnyDefinition is a *Definition or a *ResultDefinition.
type AnyDefinition interface {
	Name() string
	definition() *definition
}

// Schema is the JSON Schema (draft 2020-12) of a definition's arguments: types,
// which are required, and the limits and formats of the `validate` tags.
func Schema(d AnyDefinition) (json.RawMessage, error) {
	schema, err := arguments.Schema(d.definition().args)
	if err != nil {
		return nil, fmt.Errorf("schema of %s: %w", d.Name(), err)
	}
	return schema, nil
}

// caller is the place in the user's code that called the exported function.
func caller() string {
	_, file, line, _ := runtime.Caller(3)
	return fmt.Sprintf("%s:%d", file, line)
}
