package later

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// Middleware surrounds the two ends of a job, and its steps, so that one value is all
// of something: a tracer, what a call carries, a check. What is nil is passed through.
// Config.Middleware surrounds every job, the first outermost; Use surrounds the jobs
// of one definition, inside of those.
type Middleware struct {
	// Enqueue surrounds the storing of jobs: once for each EnqueueAll, however many
	// calls that has, and by whatever way they come, transactions and schedules included
	// (see docs/schedules.md for those). It calls
	// next to go on, with the calls that are to be stored, and returns one Job for each
	// call that it was given, in order. With an error and without calling next nothing
	// is stored; an error after next is the caller's, but stored is stored. It sees only
	// calls that are valid so far.
	Enqueue func(ctx context.Context, calls []Call, next func(context.Context, []Call) ([]Job, error)) ([]Job, error)
	// Perform surrounds every attempt, PerformNow included. It calls next, once, to go
	// on; what it returns is what the job's rules see.
	Perform func(ctx context.Context, job *RunningJob, next func(context.Context) error) error
	// Step surrounds the function of every Step and Do that is run: not of those that
	// are passed over, since they are done. It calls next, once, to go on.
	Step func(ctx context.Context, job *RunningJob, step string, next func(context.Context) error) error

	restore restoreFunc // what Carry does for functions that are not inside of Perform
}

// Use surrounds the jobs of one definition, the first outermost. Of a batch the
// Enqueue half sees the calls of its own definition.
func Use(middleware ...Middleware) DefineOption {
	return defineOption(func(d *definition) { d.middleware = append(d.middleware, middleware...) })
}

type (
	enqueueFunc func(ctx context.Context, calls []Call) ([]Job, error)
	performHalf func(ctx context.Context, job *RunningJob, next func(context.Context) error) error
)

// performHalves are the halves that surround a definition's handler, outermost first.
func performHalves(layers ...[]Middleware) (halves []performHalf) {
	for _, m := range slices.Concat(layers...) {
		if m.Perform != nil {
			halves = append(halves, m.Perform)
		}
	}
	return halves
}

// surroundStep puts the Step parts around the function of a step.
func (r *RunningJob) surroundStep(name string, fn func(context.Context) error) func(context.Context) error {
	if r.definition == nil || r.queue == nil {
		return fn
	}
	for _, layers := range [][]Middleware{r.definition.middleware, r.queue.cfg.Middleware} {
		for _, m := range slices.Backward(layers) {
			if m.Step != nil {
				inner := fn
				fn = func(ctx context.Context) error { return m.Step(ctx, r, name, inner) }
			}
		}
	}
	return fn
}

// surround puts the Enqueue halves around store.
func surround(layers []Middleware, store enqueueFunc) enqueueFunc {
	for _, m := range slices.Backward(layers) {
		if m.Enqueue == nil {
			continue
		}
		next := store
		store = func(ctx context.Context, calls []Call) ([]Job, error) {
			jobs, err := m.Enqueue(ctx, slices.Clone(calls), next) // it may change them, and an outer one may come again
			if err == nil && len(jobs) != len(calls) {
				return nil, fmt.Errorf("%w: an Enqueue middleware returned %d jobs for %d calls", ErrInvalidOption, len(jobs), len(calls))
			}
			return jobs, err
		}
	}
	return store
}

// surrounded reports whether any middleware surrounds the storing of the calls: most
// programs have none.
func (q *JobQueue) surrounded(calls []Call) bool {
	return len(q.cfg.Middleware) > 0 || haveOwn(calls)
}

// haveOwn reports whether any definition of the calls has middleware of its own.
func haveOwn(calls []Call) bool {
	for i := range calls {
		if len(calls[i].middleware()) > 0 {
			return true
		}
	}
	return false
}

func (c *Call) middleware() []Middleware {
	if c.definition == nil {
		return nil
	}
	return c.definition.middleware
}

// enqueueSurrounded stores calls in one statement, inside of all their middleware.
func (q *JobQueue) enqueueSurrounded(ctx context.Context, to inserter, calls []Call) ([]Job, error) {
	if err := q.checkCalls(calls); err != nil {
		return nil, err
	}
	return q.throughMiddleware(ctx, calls, func(ctx context.Context, calls []Call) ([]Job, error) { return q.insert(ctx, to, calls) })
}

// throughMiddleware stores calls inside of all their middleware.
func (q *JobQueue) throughMiddleware(ctx context.Context, calls []Call, insert enqueueFunc) ([]Job, error) {
	byDefinition := func(ctx context.Context, calls []Call) ([]Job, error) {
		if !haveOwn(calls) {
			return insert(ctx, calls)
		}
		return storeShares(ctx, sharesOf(calls), insert)
	}
	return surround(q.cfg.Middleware, byDefinition)(ctx, calls)
}

// share is the calls of one definition in a batch, on their way through its middleware.
type share struct {
	layers []Middleware
	places []int // of the calls in the batch
	given  []Call
	calls  []Call // as they are to be stored
	jobs   []Job  // as they were stored
}

// sharesOf sorts the calls of a batch by definition, in the order of their first calls.
func sharesOf(calls []Call) (shares []*share) {
	of := map[*definition]*share{}
	for i, call := range calls {
		s := of[call.definition]
		if s == nil {
			s = &share{layers: call.middleware()}
			of[call.definition] = s
			shares = append(shares, s)
		}
		s.places, s.given = append(s.places, i), append(s.given, call)
	}
	return shares
}

// storeShares stores all shares with one call of store. The middleware of each
// definition is around that of the next, since all of them surround the same statement.
func storeShares(ctx context.Context, shares []*share, store enqueueFunc) ([]Job, error) {
	var through func(ctx context.Context, rest []*share) error
	through = func(ctx context.Context, rest []*share) error {
		if len(rest) == 0 {
			return storeTogether(ctx, shares, store)
		}
		s, went := rest[0], false
		jobs, err := surround(s.layers, func(ctx context.Context, calls []Call) ([]Job, error) {
			s.calls, went = calls, true
			err := through(ctx, rest[1:])
			return s.jobs, err
		})(ctx, s.given)
		if err == nil && !went { // it has stored nothing of its own; the others go on
			s.calls = nil
			err = through(ctx, rest[1:])
		}
		s.jobs = jobs
		return err
	}
	if err := through(ctx, shares); err != nil {
		return nil, err
	}
	return gather(shares), nil
}

// placed is a call of a share that takes part in a batch.
type placed struct {
	of    *share
	index int // among the share's calls
	place int // in the batch
}

// storeTogether stores the calls of all shares in the order in which they were given;
// those that a middleware has added come last.
func storeTogether(ctx context.Context, shares []*share, store enqueueFunc) error {
	var all []placed
	for _, s := range shares {
		s.jobs = make([]Job, len(s.calls))
		for i := range s.calls {
			place := math.MaxInt
			if i < len(s.places) {
				place = s.places[i]
			}
			all = append(all, placed{s, i, place})
		}
	}
	slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.place, b.place) })
	calls := make([]Call, len(all))
	for i, p := range all {
		calls[i] = p.of.calls[p.index]
	}
	jobs, err := store(ctx, calls)
	if err != nil {
		return err
	}
	for i, p := range all {
		p.of.jobs[p.index] = jobs[i]
	}
	return nil
}

// gather puts the jobs of the shares where their calls were in the batch.
func gather(shares []*share) []Job {
	n := 0
	for _, s := range shares {
		n += len(s.places)
	}
	jobs := make([]Job, n)
	for _, s := range shares {
		for i, place := range s.places {
			jobs[place] = s.jobs[i]
		}
	}
	return jobs
}
