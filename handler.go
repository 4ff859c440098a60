package later

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/engine"
)

// Handler is a definition bound to the function that performs its jobs, ready
// to be registered.
type Handler struct {
	definition *definition
	perform    performFunc
	place      string // where Do was called
}

type performFunc func(ctx context.Context, args json.RawMessage) (result json.RawMessage, err error)

func newHandler(d *definition, perform performFunc) Handler {
	return Handler{definition: d, perform: perform, place: caller()}
}

// forEngine prepares the handler for the engine: the job becomes visible to
// Running, and the middleware surrounds the handler.
func (h Handler) forEngine(q *JobQueue) *engine.Handler {
	around := h.around(q)
	return &engine.Handler{
		Type: h.definition.jobType(), Former: h.definition.former, Rules: h.definition.rules,
		Discarded: h.whenDiscarded(q),
		Perform: func(ctx context.Context, run *engine.Run) (json.RawMessage, error) {
			return h.run(ctx, newRunningJob(run, q, h.definition), around)
		},
	}
}

func (h Handler) around(q *JobQueue) []performHalf {
	return performHalves(q.cfg.Middleware, h.definition.middleware)
}

func (h Handler) run(ctx context.Context, job *RunningJob, around []performHalf) (result json.RawMessage, err error) {
	ctx = job.within(ctx)
	if len(around) == 0 {
		result, err = h.perform(ctx, job.Args)
	} else {
		result, err = h.runInside(ctx, job, around)
	}
	if err != nil {
		return nil, err
	}
	if err := checkSize("result", result, job.queue.cfg.MaxArgs); err != nil {
		return nil, fmt.Errorf("%w: %w", engine.ErrUnperformable, err)
	}
	return result, nil
}

func (h Handler) runInside(ctx context.Context, job *RunningJob, around []performHalf) (result json.RawMessage, err error) {
	next := func(ctx context.Context) (err error) {
		result, err = h.perform(ctx, job.Args)
		return err
	}
	for _, half := range slices.Backward(around) {
		inner := next
		next = func(ctx context.Context) error { return half(ctx, job, inner) }
	}
	err = next(ctx)
	return result, err
}

// decodeArgs decrypts, decodes and checks arguments.
func decodeArgs[A any](d *definition, raw json.RawMessage) (A, error) {
	var args A
	raw, err := d.open(sealedArgs, raw)
	if err != nil {
		return args, fmt.Errorf("%w for %s: %w", ErrInvalidArgs, d.name, err)
	}
	decode := arguments.Decode
	if d.keys != nil {
		decode = arguments.DecodeSecret
	}
	if err := decode(raw, &args); err != nil {
		return args, fmt.Errorf("%w for %s: %w", ErrInvalidArgs, d.name, err)
	}
	return args, invalid(d.name, d.problemsOf(args))
}

// problemsOf checks arguments. What is stored encrypted does not show in messages: those
// of an attempt are stored with the job.
func (d *definition) problemsOf(args any) []arguments.Problem {
	if d.keys != nil {
		return arguments.CheckSecret(args)
	}
	return arguments.Check(args)
}

// invalid makes one error of all problems; nil if there are none.
func invalid(name string, problems []arguments.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &invalidArgs{name, problems}
}

// invalidArgs is an ErrInvalidArgs whose problems a form can put at their fields.
type invalidArgs struct {
	name     string
	problems []arguments.Problem
}

func (e *invalidArgs) Error() string {
	lines := make([]string, len(e.problems))
	for i, problem := range e.problems {
		lines[i] = problem.String()
	}
	return fmt.Sprintf("%v for %s: %s", ErrInvalidArgs, e.name, strings.Join(lines, "; "))
}

// Unwrap leads to the sentinel and to each *arguments.Problem.
func (e *invalidArgs) Unwrap() []error {
	all := []error{ErrInvalidArgs}
	for i := range e.problems {
		all = append(all, &e.problems[i])
	}
	return all
}

func (d *definition) encodeResult(result any) (json.RawMessage, error) {
	raw, err := arguments.Encode(result)
	if err != nil {
		return nil, fmt.Errorf("%w: result: %w", engine.ErrUnperformable, err)
	}
	return d.seal(sealedResult, raw), nil
}
