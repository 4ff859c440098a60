package later

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// RunningJob is the job that a handler performs: see Running.
type RunningJob struct {
	Job // as it was when it was claimed; ID is 0 if it is performed without being stored

	// Logger writes to Config.Logger, with the job's id, type and attempt, and
	// from level Info to the job's own log.
	Logger *slog.Logger

	run        *engine.Run
	queue      *JobQueue
	definition *definition
	details    details

	// What every job needs is in one piece of memory with it.
	unused  unusedLog
	logger  slog.Logger
	context runningContext
}

type runningKey struct{}

// Running returns the job that ctx belongs to. Outside of a handler it is a job
// without an id, whose logger is slog.Default.
func Running(ctx context.Context) *RunningJob {
	if job, ok := ctx.Value(runningKey{}).(*RunningJob); ok {
		return job
	}
	return &RunningJob{Logger: slog.Default(), run: &engine.Run{Job: &store.Job{}}}
}

func newRunningJob(run *engine.Run, q *JobQueue, d *definition) *RunningJob {
	job := &RunningJob{Job: *run.Job, run: run, queue: q, definition: d}
	job.unused.job = job
	job.logger = *slog.New(&job.unused)
	job.Logger = &job.logger
	return job
}

// within is ctx, in which Running finds the job. It is called once.
func (r *RunningJob) within(ctx context.Context) context.Context {
	r.context = runningContext{ctx, r}
	return &r.context
}

type runningContext struct {
	context.Context
	job *RunningJob
}

func (c *runningContext) Value(key any) any {
	if key == (runningKey{}) {
		return c.job
	}
	return c.Context.Value(key)
}

// unusedLog is the log of a job that has not logged anything: most never do, and to
// prepare for it costs more than to perform a small job.
type unusedLog struct {
	job  *RunningJob
	once sync.Once
	log  *jobLog
}

func (u *unusedLog) used() *jobLog {
	u.once.Do(func() {
		outer := u.job.queue.cfg.Logger.Handler().WithAttrs([]slog.Attr{
			slog.Int64("job", u.job.ID), slog.String("type", u.job.Type), slog.Int("attempt", u.job.Attempt),
		})
		u.log = newJobLog(u.job.run, u.job.definition, outer)
	})
	return u.log
}

func (u *unusedLog) Enabled(ctx context.Context, level slog.Level) bool {
	return u.used().Enabled(ctx, level)
}

func (u *unusedLog) Handle(ctx context.Context, record slog.Record) error {
	return u.used().Handle(ctx, record)
}

func (u *unusedLog) WithAttrs(attrs []slog.Attr) slog.Handler { return u.used().WithAttrs(attrs) }

func (u *unusedLog) WithGroup(name string) slog.Handler { return u.used().WithGroup(name) }

// Progress says how much is done of how much (0: unknown), with a word for
// people. It costs little and may be called often: the newest word is stored
// within a second.
func (r *RunningJob) Progress(done, total int64, message string) {
	r.run.Progress(store.Progress{Done: done, Total: total, Message: message})
}

// IdempotencyKey names this job for the world outside, such as a payment provider that
// does a thing only once for each key. It is the same at every attempt, in every
// process, after a retry by a person and after a move to another store; it is never
// that of another job. The id alone is not: a database that has lost its newest
// commits, by a failover or since somebody restored a backup, may give the id of a
// lost job to a new one. A handler that does several things adds a word for each:
//
//	charge(ctx, later.Running(ctx).IdempotencyKey()+"/charge")
//
// A job that PerformNow performs has a key of its own at every call; outside of a
// handler the key is empty. It has at most 40 characters: letters, digits and "-".
func (r *RunningJob) IdempotencyKey() string {
	switch {
	case r.ID == 0 && r.Token == 0:
		return ""
	case r.ID == 0:
		return "now-" + strconv.FormatInt(r.Token, 10)
	}
	return strconv.FormatInt(r.ID, 10) + "-" + strconv.FormatInt(r.QueuedAt.UnixMicro(), 10)
}

// Stopping returns a channel that is closed as soon as the process begins to stop:
// Config.SoftStop before ctx ends with ErrStopping. A long job saves there how far it
// is and returns ErrStopping, or an error that wraps it. It is then given back to the
// queue as if it had never been claimed, uses up no attempt, and the next process
// performs it. The channel is nil, which is never closed, if the job is not stored
// (PerformNow) and outside of a handler.
func (r *RunningJob) Stopping() <-chan struct{} { return r.run.Stopping() }

// CompleteTx, called by a handler, completes its job in a transaction of the
// handler's own: the job is completed if and only if what else the transaction does
// becomes true, even if the process dies right after the commit. After the commit
// return nil. tx comes from a store's Tx method; result is that of the job, if it has
// one. ErrConflict: the job is not this process's any more, was completed before (an
// earlier commit whose reply was lost), or is not stored: roll back.
//
//	tx, err := pool.Begin(ctx)
//	…
//	if err := later.CompleteTx(ctx, store.Tx(tx)); err != nil { … }
//	return tx.Commit(ctx)
func CompleteTx(ctx context.Context, tx store.Tx, result ...any) error {
	job := Running(ctx)
	if job.ID == 0 || job.queue == nil {
		return fmt.Errorf("%w: the job is not stored", ErrConflict)
	}
	if tx.Of() != job.queue.store {
		return fmt.Errorf("%w: the JobQueue works on a different store", ErrWrongTx)
	}
	outcome, err := job.completion(result)
	if err != nil {
		return err
	}
	if err := job.describeTx(ctx, tx); err != nil {
		return fmt.Errorf("complete job %d: %w", job.ID, err)
	}
	verdicts, err := tx.Finish(ctx, []store.Outcome{outcome}, job.queue.now())
	if err != nil {
		return fmt.Errorf("complete job %d: %w", job.ID, err)
	}
	switch verdicts[0] {
	case store.Accepted:
		return nil
	case store.Repeated:
		return fmt.Errorf("%w: job %d has been completed by this attempt already", ErrConflict, job.ID)
	}
	return fmt.Errorf("%w: job %d was taken from this process", ErrConflict, job.ID)
}

// completion is the outcome with which the job completes.
func (r *RunningJob) completion(result []any) (store.Outcome, error) {
	outcome := store.Outcome{
		JobID: r.ID, Token: r.Token, Kind: store.Complete, StartedAt: r.StartedAt, FinishedAt: r.queue.now(), Unique: r.Options.KeptUntilDone(),
	}
	switch len(result) {
	case 0:
		return outcome, nil
	case 1:
	default:
		return outcome, fmt.Errorf("%w: a job has one result, not %d", ErrInvalidOption, len(result))
	}
	raw, err := r.definition.encodeResult(result[0])
	if err != nil {
		return outcome, err
	}
	outcome.Result = raw
	return outcome, checkSize("result", raw, r.queue.cfg.MaxArgs)
}

// jobLog is a slog.Handler that writes to two places: the program's log, and the
// job's own.
type jobLog struct {
	run    *engine.Run
	of     *definition
	outer  slog.Handler
	attrs  slog.Handler // writes the attributes of one record, as JSON, to buffer
	shared *jobLogBuffer
}

type jobLogBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func newJobLog(run *engine.Run, of *definition, outer slog.Handler) *jobLog {
	shared := &jobLogBuffer{}
	attrs := slog.NewJSONHandler(&shared.buffer, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: withoutBuiltIns})
	return &jobLog{run: run, of: of, outer: outer, attrs: attrs, shared: shared}
}

// withoutBuiltIns leaves time, level and message to the LogLine's own fields.
func withoutBuiltIns(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
		return slog.Attr{}
	}
	return a
}

func (l *jobLog) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelInfo || l.outer.Enabled(ctx, level)
}

func (l *jobLog) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelInfo {
		l.run.Log(l.of.sealLine(store.LogLine{
			At: record.Time, Level: record.Level.String(), Message: record.Message, Attrs: l.encode(ctx, record),
		}))
	}
	if !l.outer.Enabled(ctx, record.Level) {
		return nil
	}
	return l.outer.Handle(ctx, record)
}

func (l *jobLog) encode(ctx context.Context, record slog.Record) []byte {
	l.shared.mu.Lock()
	defer l.shared.mu.Unlock()
	l.shared.buffer.Reset()
	if err := l.attrs.Handle(ctx, record); err != nil {
		return nil // attributes that do not encode are no reason to lose the message
	}
	raw := bytes.TrimSpace(l.shared.buffer.Bytes())
	if len(raw) <= len("{}") || checkSize("log attributes", raw, defaultMaxArgs) != nil {
		return nil
	}
	return bytes.Clone(raw)
}

func (l *jobLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &jobLog{run: l.run, of: l.of, outer: l.outer.WithAttrs(attrs), attrs: l.attrs.WithAttrs(attrs), shared: l.shared}
}

func (l *jobLog) WithGroup(name string) slog.Handler {
	return &jobLog{run: l.run, of: l.of, outer: l.outer.WithGroup(name), attrs: l.attrs.WithGroup(name), shared: l.shared}
}
