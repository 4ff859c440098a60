package later

import (
	"context"
	"encoding/json"
	"fmt"
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

// Middleware surrounds every performing of a job. It calls next, once, to go
// on; what it returns is what the job's rules see.
type Middleware func(ctx context.Context, job *RunningJob, next func(context.Context) error) error

// forEngine prepares the handler for the engine: the job becomes visible to
// Running, and the middleware surrounds the handler.
func (h Handler) forEngine(q *JobQueue) *engine.Handler {
	return &engine.Handler{
		Type: h.definition.jobType(), Former: h.definition.former, Rules: h.definition.rules,
		Perform: func(ctx context.Context, run *engine.Run) (json.RawMessage, error) {
			return h.run(ctx, q, newRunningJob(run, q))
		},
	}
}

func (h Handler) run(ctx context.Context, q *JobQueue, job *RunningJob) (result json.RawMessage, err error) {
	next := func(ctx context.Context) (err error) {
		result, err = h.perform(ctx, job.Args)
		return err
	}
	for i := len(q.cfg.Middleware) - 1; i >= 0; i-- {
		middleware, inner := q.cfg.Middleware[i], next
		next = func(ctx context.Context) error { return middleware(ctx, job, inner) }
	}
	if err := next(context.WithValue(ctx, runningKey{}, job)); err != nil {
		return nil, err
	}
	if err := checkSize("result", result, q.cfg.MaxArgs); err != nil {
		return nil, fmt.Errorf("%w: %w", engine.ErrUnperformable, err)
	}
	return result, nil
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
