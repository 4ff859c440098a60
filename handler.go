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
		Perform: func(ctx context.Context, run *engine.Run) (json.RawMessage, error) {
			return h.run(ctx, newRunningJob(run, q), around)
		},
	}
}

func (h Handler) around(q *JobQueue) []performHalf {
	return performHalves(q.cfg.Middleware, h.definition.middleware)
}

func (h Handler) run(ctx context.Context, job *RunningJob, around []performHalf) (result json.RawMessage, err error) {
	ctx = context.WithValue(ctx, runningKey{}, job)
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

// decodeArgs decodes and checks arguments.
func decodeArgs[A any](name string, raw json.RawMessage) (A, error) {
	var args A
	if err := arguments.Decode(raw, &args); err != nil {
		return args, fmt.Errorf("%w for %s: %w", ErrInvalidArgs, name, err)
	}
	return args, invalid(name, arguments.Check(args))
}

// invalid makes one error of all problems; nil if there are none.
func invalid(name string, problems []arguments.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	lines := make([]string, len(problems))
	for i, problem := range problems {
		lines[i] = problem.String()
	}
	return fmt.Errorf("%w for %s: %s", ErrInvalidArgs, name, strings.Join(lines, "; "))
}

func encodeResult(result any) (json.RawMessage, error) {
	raw, err := arguments.Encode(result)
	if err != nil {
		return nil, fmt.Errorf("%w: result: %w", engine.ErrUnperformable, err)
	}
	return raw, nil
}
