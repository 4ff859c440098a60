package later

import (
	"context"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

type discardedFunc = func(ctx context.Context, job Job, err error)

// OnExhausted calls fn when a job fails for good because its retries have run out: an
// error that the rules would retry, had a limit not been reached, be it that of
// MaxRetries, RetryFor or a deadline. It is called before what AfterDiscard names, and
// like that.
func OnExhausted(fn func(ctx context.Context, job Job, err error)) DefineOption {
	return defineOption(func(d *definition) { d.exhausted = d.called("OnExhausted", d.exhausted, fn) })
}

// AfterDiscard calls fn whenever a job fails for good, for whatever reason: retries that
// have run out, DiscardOn, Discard, a deadline, arguments that do not decode. job is as
// it will be stored, err what the attempt ended with. Several are called in their order.
//
// fn is called in the job's slot before its failure is stored, so it is called again
// if the process dies in between, and the job's log and what Carry carries are still
// there. It has 10 s until ctx ends. A panic in it is logged; nothing that it does
// changes what becomes of the job. It is not called for a job that failed because its
// processes died, that was cancelled, or whose outcome the store refused; nor by
// PerformNow, whose caller has the error.
func AfterDiscard(fn func(ctx context.Context, job Job, err error)) DefineOption {
	return defineOption(func(d *definition) { d.discarded = d.called("AfterDiscard", d.discarded, fn) })
}

func (d *definition) called(option string, before []discardedFunc, fn discardedFunc) []discardedFunc {
	if fn == nil {
		d.refuse("the function of %s is nil", option)
		return before
	}
	return append(before, fn)
}

// whenDiscarded is what the engine tells of a failed job; nil if nobody asks for it.
func (h Handler) whenDiscarded(q *JobQueue) func(context.Context, *engine.Run, store.Job, error, bool) {
	d := h.definition
	if len(d.exhausted)+len(d.discarded) == 0 {
		return nil
	}
	carriers := carriersOf(q.cfg.Middleware, d.middleware)
	return func(ctx context.Context, run *engine.Run, job store.Job, err error, exhausted bool) {
		running := newRunningJob(run, q, d)
		ctx = running.within(ctx)
		for _, restore := range carriers {
			if restored, err := restore(ctx, running); err == nil {
				ctx = restored // a value that does not decode has failed the job: no reason to keep silent about it
			}
		}
		var told []discardedFunc
		if exhausted {
			told = append(told, d.exhausted...)
		}
		for _, fn := range append(told, d.discarded...) {
			tellOne(ctx, running, fn, job, err)
		}
	}
}

// tellOne keeps the panic of one function from the others.
func tellOne(ctx context.Context, running *RunningJob, fn discardedFunc, job Job, err error) {
	_, panicked := engine.Protect(func() (struct{}, error) {
		fn(ctx, job, err)
		return struct{}{}, nil
	})
	if panicked != nil {
		running.Logger.Error("what was to be done about the failed job has failed itself", "error", panicked)
	}
}
