package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

const (
	perSecond = 500
	keep      = 20 * time.Second // finished jobs: so that the history is soon as long as it gets
	backlog   = 5_000            // above, the load waits: the machine is too slow for it
)

type args struct {
	Kind    int    `json:"kind"`
	Payload string `json:"payload"`
	Until   int64  `json:"until"` // postponed before, in milliseconds since 1970
}

// work is a job that behaves as its kind says; doomed is one that somebody cancels.
var (
	work   = later.DefineResult[args, string]("Work", later.MaxRetries(1), later.Fixed(time.Second), later.Timeout(time.Minute))
	doomed = later.Define[args]("Doomed", later.Queue("doomed"))
)

// load keeps a store busy, in every way that jobs have to pass through it.
type load struct {
	t         testing.TB
	subject   subject
	queue     *later.JobQueue
	store     store.Store
	running   sync.WaitGroup
	enqueued  atomic.Int64
	performed atomic.Int64
	pruned    atomic.Int64
	restarts  atomic.Int64
	held      atomic.Int64 // batches that were not enqueued, for the backlog
}

func (l *load) perform(ctx context.Context, a args) (string, error) {
	l.performed.Add(1)
	job := later.Running(ctx)
	switch {
	case a.Kind < 5 && job.Attempt == 1:
		return "", errors.New("fails at first")
	case a.Kind >= 5 && a.Kind < 8:
		return "", errors.New("fails at last")
	case a.Kind == 8:
		panic("a handler that panics")
	case a.Kind < 12 && time.Now().UnixMilli() < a.Until:
		return "", later.Postpone(time.Second, "not yet")
	case a.Kind < 20:
		job.Logger.Info("half", "payload", len(a.Payload))
		job.Progress(1, 2, "half")
	}
	return a.Payload, nil
}

// wait is a doomed job: it goes on until it is cancelled.
func (l *load) wait(ctx context.Context, _ args) error {
	l.performed.Add(1)
	<-ctx.Done()
	return context.Cause(ctx)
}

func (l *load) newQueue(s store.Store) *later.JobQueue {
	queue := later.New(s, later.Config{
		Queues: map[string]int{"default": 20, "doomed": 5}, SoftStop: time.Second, HardStop: time.Second,
		Retention: later.Retention{Completed: keep, Failed: keep, Cancelled: keep},
		Logger:    slog.New(slog.DiscardHandler),
	})
	queue.Register(work.Do(l.perform), doomed.Do(l.wait))
	return queue
}

// begin starts the load. It ends with ctx; finish waits for that.
func begin(ctx context.Context, t testing.TB, on subject) *load {
	t.Helper()
	l := &load{t: t, subject: on}
	s, err := on.open(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l.store, l.queue = s, l.newQueue(s)
	if err := l.queue.Start(context.WithoutCancel(ctx)); err != nil {
		t.Fatal(err)
	}
	l.repeat(ctx, 20*time.Millisecond, l.enqueue)
	l.repeat(ctx, time.Second, l.cancel)
	l.repeat(ctx, time.Second, l.prune)
	l.repeat(ctx, 10*time.Second, l.restart)
	return l
}

// repeat calls fn again and again until ctx ends.
func (l *load) repeat(ctx context.Context, interval time.Duration, fn func(context.Context) error) {
	l.running.Go(func() {
		ticks := time.NewTicker(interval)
		defer ticks.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticks.C:
			}
			if err := fn(ctx); err != nil && ctx.Err() == nil {
				l.t.Errorf("on %s: %v", l.subject.name, err)
			}
		}
	})
}

// enqueue stores one batch of the steady load.
func (l *load) enqueue(ctx context.Context) error {
	if l.enqueued.Load()-l.performed.Load() > backlog {
		l.held.Add(1)
		return nil
	}
	var calls []later.Call
	for n := range perSecond / 50 {
		kind := int(l.enqueued.Load()+int64(7*n)) % 100
		a := args{Kind: kind, Payload: strings.Repeat("x", 5*kind), Until: time.Now().Add(time.Second).UnixMilli()}
		switch {
		case kind >= 98:
			calls = append(calls, doomed.With(a, later.Target(fmt.Sprint(kind))))
		case kind >= 96:
			calls = append(calls, work.With(a, later.In(2*time.Second)))
		default:
			calls = append(calls, work.With(a, later.Tags("soak"), later.Priority(kind%3)))
		}
	}
	_, err := l.queue.EnqueueAll(ctx, calls...)
	l.enqueued.Add(int64(len(calls)))
	return err
}

// cancel ends the doomed jobs, those that run and those that wait.
func (l *load) cancel(ctx context.Context) error {
	_, err := l.queue.CancelAll(ctx, later.Filter{Queue: "doomed", Status: []later.JobStatus{later.StatusPending, later.StatusRunning}}, "enough")
	return err
}

// prune does in small what the JobQueue does every ten minutes.
func (l *load) prune(ctx context.Context) error {
	retention := later.Retention{Completed: keep, Failed: keep, Cancelled: keep}
	for after := int64(0); ; {
		deleted, next, err := l.store.Prune(ctx, retention, after, 1000, time.Now())
		l.pruned.Add(int64(deleted))
		if err != nil || next == 0 {
			return err
		}
		after = next
	}
}

// restart lets another process of the same store come, work for a while and go.
func (l *load) restart(ctx context.Context) error {
	s, err := l.subject.open(ctx)
	if err != nil {
		return err
	}
	queue := l.newQueue(s)
	if err := queue.Start(ctx); err != nil {
		return errors.Join(err, s.Close())
	}
	<-time.After(2 * time.Second)
	_, err = queue.Stop(context.Background())
	l.restarts.Add(1)
	return errors.Join(err, s.Close())
}

// finish waits for the end of the load and closes the store.
func (l *load) finish() {
	l.running.Wait()
	if _, err := l.queue.Stop(context.Background()); err != nil {
		l.t.Errorf("stop: %v", err)
	}
	if err := l.store.Close(); err != nil {
		l.t.Errorf("close: %v", err)
	}
}
