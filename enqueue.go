package later

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/internal/arguments"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/internal/nearest"
	"github.com/laterjobs/later/store"
)

// Enqueuer stores jobs: a *JobQueue does so at once, what JobQueue.Tx returns
// does so in a transaction.
type Enqueuer interface {
	// EnqueueAll stores all jobs or none, in one statement, and returns them in order.
	EnqueueAll(ctx context.Context, calls ...Call) ([]Job, error)
	// Enqueue stores a job by the name of its type.
	Enqueue(ctx context.Context, jobType string, args json.RawMessage, opts ...CallOption) (Job, error)
}

// Call is a job that is not enqueued yet: what With returns.
type Call struct {
	settings
	definition   *definition // nil if only another process knows it
	jobType      string
	args         json.RawMessage
	metadata     json.RawMessage
	user, target string
	at           time.Time
	in           time.Duration
	carried      map[string]json.RawMessage
	tick         *tickCall // of a schedule; nil: most are not
	err          error     // why it cannot be enqueued
}

func newCall[A any](d *definition, args A, opts []CallOption) Call {
	c := Call{definition: d, jobType: d.name, settings: d.settings}
	if owner, ok := any(args).(interface{ JobUserID() string }); ok {
		c.user = owner.JobUserID()
	}
	if owner, ok := any(args).(interface{ JobTargetID() string }); ok {
		c.target = owner.JobTargetID()
	}
	if c.args, c.err = encodeArgs(d, args); c.err == nil {
		c.takeKey(args)
	}
	c.apply(opts)
	return c
}

// Type is the name of the job's type.
func (c Call) Type() string { return c.jobType }

// Queue is the name of the queue that the job would go to.
func (c Call) Queue() string { return c.queue }

// Args is the encoded arguments, to be read only.
func (c Call) Args() json.RawMessage { return c.args }

// With returns the call with further options, which win over those that it has.
func (c Call) With(opts ...CallOption) Call {
	c.problems = slices.Clone(c.problems)
	c.apply(opts)
	return c
}

func (c *Call) apply(opts []CallOption) {
	for _, opt := range opts {
		opt.call(c)
	}
}

func encodeArgs(d *definition, args any) (json.RawMessage, error) {
	if err := invalid(d.name, d.problemsOf(args)); err != nil {
		return nil, err
	}
	raw, err := arguments.Encode(args)
	if err != nil {
		return nil, fmt.Errorf("%w for %s: %w", ErrInvalidArgs, d.name, err)
	}
	return raw, nil
}

// owner checks a user or target; empty means none.
func (c *Call) owner(what, id string) string {
	if id == "" {
		return ""
	}
	if problem := checkName(what, id); problem != nil {
		c.refuse("%w", problem)
	}
	return id
}

// check says why the call cannot be enqueued.
func (c *Call) check(maxArgs int) error {
	if c.jobType == "" {
		return fmt.Errorf("%w: a zero Call: use what With returns", ErrInvalidOption)
	}
	return errors.Join(c.invalid(c.jobType), c.err, c.neverInTime(), c.withoutKey(),
		checkSize("arguments of "+c.jobType, c.args, maxArgs),
		checkSize("metadata of "+c.jobType, c.metadata, maxArgs))
}

// withoutKey says why the call has no unique key though it should.
func (c *Call) withoutKey() error {
	if c.uniqueness == nil || c.uniqueness.problem == nil {
		return nil
	}
	return fmt.Errorf("%w of %s: %w", ErrInvalidOption, c.jobType, c.uniqueness.problem)
}

// checkSize refuses JSON that is too large or that a database could not hold.
func checkSize(what string, raw json.RawMessage, limit int) error {
	if len(raw) == 0 {
		return nil
	}
	err := arguments.CheckRaw(raw, limit)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, arguments.ErrTooLarge):
		return fmt.Errorf("%w: %s: %w", ErrTooLarge, what, err)
	}
	return fmt.Errorf("%w: %s: %w", ErrInvalidArgs, what, err)
}

// EnqueueAll stores all jobs or none, in one statement, and returns them in
// order, after the commit.
func (q *JobQueue) EnqueueAll(ctx context.Context, calls ...Call) ([]Job, error) {
	return q.enqueue(ctx, q.store, calls)
}

// Enqueue stores a job by the name of its type. The arguments are checked as
// the registered definition does, or, if another process performs the type, by
// the JSON Schema that it has published.
func (q *JobQueue) Enqueue(ctx context.Context, jobType string, args json.RawMessage, opts ...CallOption) (Job, error) {
	call, err := q.callByName(ctx, jobType, args, opts)
	if err != nil {
		return Job{}, err
	}
	return enqueueOne(ctx, q, call)
}

// Tx makes the calls that are given the returned Enqueuer part of a transaction
// of your own, which a store's Tx method wraps. The jobs exist when the
// transaction commits, and never did if it rolls back. A transaction of another
// store is refused with ErrWrongTx.
func (q *JobQueue) Tx(tx store.Tx) Enqueuer { return txQueue{q, tx} }

type txQueue struct {
	*JobQueue
	tx store.Tx
}

func (q txQueue) EnqueueAll(ctx context.Context, calls ...Call) ([]Job, error) {
	if q.tx == nil || q.tx.Of() != q.store {
		return nil, fmt.Errorf("%w: the JobQueue works on a different store", ErrWrongTx)
	}
	return q.enqueue(ctx, q.tx, calls)
}

func (q txQueue) Enqueue(ctx context.Context, jobType string, args json.RawMessage, opts ...CallOption) (Job, error) {
	call, err := q.callByName(ctx, jobType, args, opts)
	if err != nil {
		return Job{}, err
	}
	return enqueueOne(ctx, q, call)
}

func enqueueOne(ctx context.Context, e Enqueuer, call Call) (Job, error) {
	jobs, err := e.EnqueueAll(ctx, call)
	if err != nil {
		return Job{}, err
	}
	return jobs[0], nil
}

// inserter is a store or a transaction.
type inserter interface {
	Enqueue(ctx context.Context, jobs []store.NewJob, now time.Time) ([]store.Enqueued, error)
}

func (q *JobQueue) enqueue(ctx context.Context, to inserter, calls []Call) ([]Job, error) {
	if q.surrounded(calls) {
		return q.enqueueSurrounded(ctx, to, calls)
	}
	return q.insert(ctx, to, calls)
}

// insert stores calls in one statement.
func (q *JobQueue) insert(ctx context.Context, to inserter, calls []Call) ([]Job, error) {
	if len(calls) == 0 {
		return nil, nil
	}
	now := q.now()
	calls, err := q.meetRotated(ctx, calls, now)
	if err != nil {
		return nil, err
	}
	newJobs, err := q.newJobs(calls, now)
	if err != nil {
		return nil, err
	}
	enqueued, err := to.Enqueue(ctx, newJobs, now)
	if err != nil {
		return nil, fmt.Errorf("enqueue %s: %w", describe(calls), err)
	}
	jobs := make([]Job, len(calls))
	for i, e := range enqueued {
		jobs[i] = enqueuedJob(newJobs[i], e)
	}
	q.tellEnqueued(jobs)
	return jobs, nil
}

func (q *JobQueue) now() time.Time { return engine.Now(q.store) }

// newJobs checks all calls.
func (q *JobQueue) newJobs(calls []Call, now time.Time) ([]store.NewJob, error) {
	if err := q.checkCalls(calls); err != nil {
		return nil, err
	}
	newJobs := make([]store.NewJob, len(calls))
	for i := range calls {
		args, err := calls[i].sealArgs(q.cfg.MaxArgs)
		if err != nil {
			return nil, err
		}
		newJobs[i] = calls[i].newJob(now)
		newJobs[i].Args = args
	}
	return newJobs, nil
}

// checkCalls reports the problems of all.
func (q *JobQueue) checkCalls(calls []Call) error {
	var problems []error
	for i := range calls {
		if err := calls[i].check(q.cfg.MaxArgs); err != nil {
			if len(calls) > 1 {
				err = fmt.Errorf("call %d: %w", i, err)
			}
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

func describe(calls []Call) string {
	if len(calls) == 1 {
		return calls[0].jobType
	}
	return fmt.Sprintf("%d jobs", len(calls))
}

func enqueuedJob(n store.NewJob, e store.Enqueued) Job {
	if e.Holder != nil {
		job := *e.Holder
		job.Deduplicated, job.Replaced = true, e.Replaced
		return job
	}
	job := Job{
		ID: e.ID, Status: e.Status, QueuedAt: e.QueuedAt,
		Type: n.Type, Queue: n.Queue, Priority: n.Priority, Args: n.Args, Metadata: n.Metadata,
		UserID: n.UserID, TargetID: n.TargetID, Tags: n.Tags, Options: n.Options,
		MaxRetries: n.MaxRetries, Timeout: n.Timeout, ScheduledAt: n.RunAt,
	}
	if e.Status == StatusScheduled {
		job.NextRunAt = n.RunAt
	}
	return job
}

// callByName makes a call from the name of a type.
func (q *JobQueue) callByName(ctx context.Context, name string, args json.RawMessage, opts []CallOption) (Call, error) {
	if err := checkName("job type", name); err != nil {
		return Call{}, fmt.Errorf("%w: %w", ErrUnknownType, err)
	}
	if len(args) == 0 {
		args = json.RawMessage("{}")
	}
	if err := checkSize("arguments of "+name, args, q.cfg.MaxArgs); err != nil {
		if errors.Is(err, ErrInvalidArgs) && q.secretive(ctx, name) {
			err = fmt.Errorf("%w: arguments of %s: malformed JSON, which is not shown since it may contain a secret", ErrInvalidArgs, name)
		}
		return Call{}, err
	}
	args = slices.Clone(args) // the caller may write into its own at any time
	q.mu.Lock()
	h, registered := q.handlers[name]
	q.mu.Unlock()
	if registered {
		c := Call{definition: h.definition, jobType: h.definition.name, settings: h.definition.settings, args: args}
		decoded, err := h.definition.check(args)
		if err == nil {
			c.takeKey(decoded)
		}
		c.apply(opts)
		return c, err
	}
	return q.callByPublished(ctx, name, args, opts)
}

// callByPublished relies on what a process that performs the type has published.
func (q *JobQueue) callByPublished(ctx context.Context, name string, args json.RawMessage, opts []CallOption) (Call, error) {
	types, err := q.store.Types(ctx)
	if err != nil {
		return Call{}, fmt.Errorf("look up job type %s: %w", name, err)
	}
	for _, t := range types {
		if t.Name != name {
			continue
		}
		if readPublished(t.Schema).Encrypted {
			return Call{}, fmt.Errorf("%w: the arguments of %s are stored encrypted: enqueue it by its definition, or register its handler here",
				ErrNoKey, name)
		}
		c := Call{jobType: name, args: args}
		c.settings = settings{queue: t.Queue, priority: t.Priority, maxRetries: t.MaxRetries, timeout: t.Timeout}
		if t.StartWithin > 0 || t.FinishWithin > 0 {
			c.deadlines = &deadlines{startWithin: t.StartWithin, finishWithin: t.FinishWithin}
		}
		if t.Unique != nil {
			c.uniqueness = &uniqueness{UniqueRule: *t.Unique}
		}
		c.takeKey(nil)
		c.apply(opts)
		if t.Schema == nil {
			return c, nil
		}
		return c, invalid(name, arguments.CheckSchema(t.Schema, args))
	}
	return Call{}, q.unknownType(name, types)
}

func (q *JobQueue) unknownType(name string, published []store.JobType) error {
	names := q.JobTypes()
	for _, t := range published {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if similar := nearest.Name(name, names); similar != "" {
		return fmt.Errorf("%w %q: did you mean %q?", ErrUnknownType, name, similar)
	}
	if len(names) == 0 {
		return fmt.Errorf("%w %q: no process has registered any handler yet", ErrUnknownType, name)
	}
	return fmt.Errorf("%w %q: known are %s", ErrUnknownType, name, strings.Join(names, ", "))
}

// PerformNow performs a job of a type that this JobQueue has a handler for, here and now,
// and returns its result as JSON; empty: it has none. See Definition.PerformNow.
func (q *JobQueue) PerformNow(ctx context.Context, jobType string, args json.RawMessage, opts ...CallOption) (json.RawMessage, error) {
	call, err := q.callByName(ctx, jobType, args, opts)
	if err != nil {
		return nil, err
	}
	result, err := q.performNow(ctx, call)
	if err != nil || len(result) == 0 || call.definition == nil {
		return nil, err
	}
	if result, err = call.definition.open(sealedResult, result); err != nil {
		return nil, fmt.Errorf("result of %s: %w", jobType, err)
	}
	return result, nil
}

// performNow performs a call that is not stored.
func (q *JobQueue) performNow(ctx context.Context, call Call) (json.RawMessage, error) {
	if err := call.check(q.cfg.MaxArgs); err != nil {
		return nil, err
	}
	q.mu.Lock()
	h, registered := q.handlers[call.jobType]
	q.mu.Unlock()
	if !registered {
		return nil, fmt.Errorf("%w %q: performing it now needs a handler registered with this JobQueue", ErrUnknownType, call.jobType)
	}
	now := q.now()
	job := enqueuedJob(call.newJob(now), store.Enqueued{Status: StatusRunning, QueuedAt: now})
	job.StartedAt, job.Attempt = now, 1
	job.Token = rand.Int64N(1<<62) + 1 // no claim's: see IdempotencyKey
	around := h.around(q)
	return engine.PerformNow(ctx, job, func(ctx context.Context, run *engine.Run) (json.RawMessage, error) {
		return h.run(ctx, newRunningJob(run, q, h.definition), around)
	})
}
