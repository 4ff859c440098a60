//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/store"
)

// slots is how many jobs a worker performs at once.
const slots = 8

// worker is a process that performs jobs.
type worker struct {
	orders
	db    opened
	store *observed
	log   func(history.Event)
	books *books
}

func (o orders) work(ctx context.Context, db opened, log *history.Writer) error {
	w := &worker{orders: o, db: db, books: newBooks(o.ledger())}
	w.log = func(e history.Event) {
		e.At = monotonic()
		if err := log.Write(e); err != nil {
			panic(err) // without its history nothing is proved
		}
	}
	w.store = &observed{Store: db, log: w.log}
	go w.store.followClock(ctx, filepath.Join(o.Folder, slotOf(o.Name)+".clock"))
	go w.feelPulse(ctx)
	queue := later.New(w.store, later.Config{
		Concurrency: slots, PollInterval: time.Second,
		Heartbeat: o.Times.Beat, TimeToDie: o.Times.TimeToDie, SoftStop: o.Times.SoftStop, HardStop: o.Times.HardStop,
		Retention: later.Retention{Completed: -1, Failed: -1, Cancelled: -1}, Version: o.Name,
	})
	for _, k := range kinds {
		queue.Register(definitions[k.name].Do(w.perform))
	}
	// More is made up for than an outage can last.
	call := definitions[scheduled].With(workFor(scheduled, scheduled))
	if err := queue.Schedule(scheduled, later.Every(scheduledEvery), call, later.CatchUp(100)); err != nil {
		return err
	}
	if err := queue.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	w.log(history.Event{Kind: history.Stop})
	_, err := queue.Stop(context.Background())
	stopped := history.Event{Kind: history.Stopped}
	if err != nil {
		stopped.Text = err.Error()
	}
	w.log(stopped)
	return nil
}

// feelPulse notes when the process has got no processor for a while, by being
// frozen or by the machine being busy.
func (w *worker) feelPulse(ctx context.Context) {
	const every, much = 20 * time.Millisecond, 80 * time.Millisecond
	for {
		before := monotonic()
		if pause(ctx, every) != nil {
			return
		}
		if monotonic()-before > int64(every+much) {
			w.log(history.Event{Kind: history.Stall, Sent: before})
		}
	}
}

// perform writes down a run of a handler around its effect.
func (w *worker) perform(ctx context.Context, args work) (result *answer, err error) {
	job := later.Running(ctx)
	run := history.Event{Job: job.ID, Token: job.Token}
	note := func(kind history.Kind, text string) {
		e := run
		e.Kind, e.Text, e.Verb = kind, text, args.Kind
		w.log(e)
	}
	note(history.Start, "")
	unwatch := context.AfterFunc(ctx, func() { note(history.Told, causeOf(ctx)) })
	defer func() {
		unwatch()
		value := recover()
		note(history.End, returns(err, value))
		if value != nil {
			panic(value)
		}
	}()
	effect := run
	effect.Kind, effect.Text = history.EffectBegan, w.Name
	if err := w.books.enter(effect); err != nil {
		return nil, err
	}
	if err := w.behave(ctx, job, args); err != nil {
		return nil, err
	}
	effect.Kind = history.EffectEnded
	return answerFor(args), w.books.enter(effect)
}

// The words for why a context ended.
func causeOf(ctx context.Context) string {
	cause := context.Cause(ctx)
	for word, err := range map[string]error{
		"timeout": later.ErrTimeout, "cancelled": later.ErrCancelled, "stopping": later.ErrStopping, "lease lost": later.ErrLeaseLost,
	} {
		if errors.Is(cause, err) {
			return word
		}
	}
	return fmt.Sprint(cause)
}

// returns is the word for what a handler returns.
func returns(err error, value any) string {
	var ended endedContext
	switch {
	case value != nil:
		return "panicked"
	case err == nil:
		return "completed"
	case errors.As(err, &ended):
		return string(ended)
	case errors.Is(err, errPostponed):
		return "postponed"
	}
	return "failed"
}

// endedContext is the error of a handler that stops because its context ended.
type endedContext string

func (e endedContext) Error() string { return "stopped: " + string(e) }

var errPostponed = errors.New("postponed")

// behave is the job itself.
func (w *worker) behave(ctx context.Context, job *later.RunningJob, args work) error {
	k := kindOf(args.Kind)
	first := job.Attempt == 1
	switch {
	case k.behaves == kills:
		_ = pause(ctx, time.Duration(rand.IntN(100))*time.Millisecond)
		w.log(history.Event{Kind: history.Died, Job: job.ID, Token: job.Token, Verb: "poison"})
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case k.behaves == hogs:
		return w.told(ctx, w.db.hog(ctx, time.Duration(args.Millis)*time.Millisecond))
	case k.trait.Stubborn:
		_ = pause(context.Background(), time.Duration(args.Millis)*time.Millisecond)
		return nil
	case k.behaves == failsOnce && first, k.behaves == failsEver:
		return errors.New("as it was asked to: " + args.Payload)
	case k.behaves == panics && first:
		panic("as it was asked to: " + args.Payload)
	case k.behaves == postpones && rand.IntN(2) == 0:
		return fmt.Errorf("%w: %w", errPostponed, later.Postpone(200*time.Millisecond, "not yet"))
	case k.behaves == runsOut && !first:
		return nil
	case k.behaves == advances:
		return w.advance(ctx, job, args)
	}
	if err := pause(ctx, time.Duration(args.Millis)*time.Millisecond); err != nil {
		return w.told(ctx, err)
	}
	if k.behaves == commits {
		return w.told(ctx, w.commit(ctx, job, args))
	}
	return nil
}

// advance does the job by steps, each of which enters its effect into the ledger. Between
// two of them it comes back later, now and then.
func (w *worker) advance(ctx context.Context, job *later.RunningJob, args work) error {
	const steps = 3
	for n := range steps {
		name := fmt.Sprint("step ", n)
		done := history.Event{Kind: history.Step, Job: job.ID, Token: job.Token, Verb: name}
		result, err := later.Step(ctx, name, func(ctx context.Context) (int64, error) {
			if err := pause(ctx, time.Duration(args.Millis/steps)*time.Millisecond); err != nil {
				return 0, err
			}
			effect := done
			effect.Kind = history.StepEffect
			return job.Token, w.books.enter(effect)
		})
		for word, cause := range map[string]error{"stopping": later.ErrStopping, "lease lost": later.ErrLeaseLost} {
			if ctx.Err() == nil && errors.Is(err, cause) {
				return fmt.Errorf("%w: %w", endedContext(word), err)
			}
		}
		if err != nil {
			return w.told(ctx, err)
		}
		done.Code = result
		w.log(done)
		if rand.IntN(2*steps) == 0 {
			return fmt.Errorf("%w: %w", errPostponed, later.Postpone(200*time.Millisecond, "not yet"))
		}
	}
	return nil
}

// told is the error of a handler whose context has ended.
func (w *worker) told(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return endedContext(causeOf(ctx))
	}
	return err
}

// commit has an effect in the database and completes the job in one transaction. The
// ledger hears of it first: it cannot take part.
func (w *worker) commit(ctx context.Context, job *later.RunningJob, args work) error {
	ended := history.Event{Kind: history.EffectEnded, Job: job.ID, Token: job.Token, Text: w.Name}
	if err := w.books.enter(ended); err != nil {
		return err
	}
	_, err := w.db.inTx(ctx, func(tx store.Tx, exec func(string, ...any) error) error {
		if err := exec(w.effectStatement(), job.ID, job.Token); err != nil {
			return err
		}
		return later.CompleteTx(ctx, ofObserved{tx, w.store}, answerFor(args))
	})
	return err
}

func (o orders) effectStatement() string {
	if o.Store == "sqlite" {
		return "INSERT INTO chaos_effect (job_id, token) VALUES (?, ?)"
	}
	return "INSERT INTO chaos.effect (job_id, token) VALUES ($1, $2)"
}
