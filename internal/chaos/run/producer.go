//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/store"
)

// producers is how many goroutines of a producer call at the same time.
const callers = 6

// patience is how long a producer waits for an answer.
const patience = 15 * time.Second

// producer is a process that enqueues jobs, and acts on some as people do.
type producer struct {
	orders
	db    opened
	queue *later.JobQueue
	log   *history.Writer

	mutex  sync.Mutex
	recent []later.Job // guarded by mutex: jobs that people may cancel
}

func (o orders) produce(ctx context.Context, db opened, log *history.Writer) error {
	p := &producer{orders: o, db: db, queue: later.New(db, later.Config{}), log: log}
	var group sync.WaitGroup
	for n := range callers {
		group.Go(func() { p.call(ctx, n) })
	}
	group.Wait()
	return nil
}

// call makes one call after the other, at its share of the rate.
func (p *producer) call(ctx context.Context, caller int) {
	random := rand.New(rand.NewPCG(p.Seed, uint64(caller)))
	began, made := time.Now(), 0
	for number := 0; ctx.Err() == nil; number++ {
		made += p.next(random, fmt.Sprintf("%s.%d.%d", p.Name, caller, number))
		due := began.Add(time.Duration(float64(made) / (p.Rate / callers) * float64(time.Second)))
		if time.Since(due) > time.Second { // after an outage no storm
			began, made = time.Now(), 0
		}
		if pause(ctx, time.Until(due)) != nil {
			return
		}
	}
}

// next makes one call and returns how many jobs it was about. A call that was begun
// is not cut short by the end of the process.
func (p *producer) next(random *rand.Rand, op string) int {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	switch n := random.IntN(1000); {
	case n < 40:
		return p.enqueue(ctx, "unique", p.unique(op), p.alone)
	case n < 740:
		return p.enqueue(ctx, "single", p.calls(random, op, 1), p.all)
	case n < 810:
		return p.enqueue(ctx, "bulk", p.calls(random, op, 2+random.IntN(19)), p.all)
	case n < 910:
		return p.enqueue(ctx, "tx", p.calls(random, op, 1+random.IntN(3)), p.committed)
	case n < 950:
		return p.enqueue(ctx, "rolled back", p.calls(random, op, 1+random.IntN(3)), p.rolledBack)
	case n < 990:
		return p.cancel(ctx, random, op)
	}
	return p.retry(ctx, op)
}

// calls are jobs to enqueue, with the ids of their operations and the arguments that
// these decide.
func (p *producer) calls(random *rand.Rand, op string, n int) (batch batch) {
	for i := range n {
		k, id := draw(random), fmt.Sprintf("%s.%d", op, i)
		opts := []later.CallOption{later.Queue(queueFor(id))}
		if k.delayed {
			opts = append(opts, later.In(time.Duration(500+random.IntN(4000))*time.Millisecond))
		}
		batch.ops = append(batch.ops, id+" "+k.name)
		batch.calls = append(batch.calls, definitions[k.name].With(workFor(id, k.name), opts...))
	}
	return batch
}

// unique is a job of which there is one for each key.
func (p *producer) unique(op string) batch {
	call := definitions["unique"].With(workFor(op, "unique"), later.Queue(queueFor(op)), later.UniqueKey(keyFor(op)))
	return batch{[]string{op + " unique"}, []later.Call{call}}
}

type batch struct {
	ops   []string // id and kind
	calls []later.Call
}

// These calls have certainly had no effect.
var (
	errRolledBack = errors.New("rolled back")
	errDuplicate  = errors.New("another job holds the key")
)

func (p *producer) enqueue(ctx context.Context, verb string, b batch, how func(context.Context, batch) ([]later.Job, error)) int {
	op := b.ops[0]
	p.write(history.Event{Kind: history.Invoke, Op: op, Verb: verb, Ops: b.ops})
	jobs, err := how(ctx, b)
	p.answer(op, idsOf(jobs), err)
	if err == nil {
		p.remember(jobs)
	}
	return len(b.calls)
}

func (p *producer) all(ctx context.Context, b batch) ([]later.Job, error) {
	return p.queue.EnqueueAll(ctx, b.calls...)
}

// alone: a job whose key another one holds is not stored.
func (p *producer) alone(ctx context.Context, b batch) ([]later.Job, error) {
	jobs, err := p.all(ctx, b)
	if err == nil && jobs[0].Deduplicated {
		return nil, errDuplicate
	}
	return jobs, err
}

func (p *producer) committed(ctx context.Context, b batch) (jobs []later.Job, err error) {
	_, err = p.db.inTx(ctx, func(tx store.Tx, _ func(string, ...any) error) error {
		jobs, err = p.queue.Tx(tx).EnqueueAll(ctx, b.calls...)
		return err
	})
	return jobs, err
}

func (p *producer) rolledBack(ctx context.Context, b batch) ([]later.Job, error) {
	_, err := p.db.inTx(ctx, func(tx store.Tx, _ func(string, ...any) error) error {
		if _, err := p.queue.Tx(tx).EnqueueAll(ctx, b.calls...); err != nil {
			return err
		}
		return errRolledBack
	})
	return nil, errors.Join(errRolledBack, err) // no COMMIT was sent, whatever else failed
}

// cancel cancels a job of the last seconds, whatever its state.
func (p *producer) cancel(ctx context.Context, random *rand.Rand, op string) int {
	job, ok := p.someRecent(random)
	if !ok {
		return 0
	}
	p.write(history.Event{Kind: history.Invoke, Op: op, Verb: "cancel", Jobs: []int64{job}})
	err := p.queue.Cancel(ctx, job, "chaos "+op)
	var changed []int64
	if err == nil {
		changed = []int64{job}
	}
	p.answer(op, changed, err)
	return 1
}

// retry makes a job that failed run again.
func (p *producer) retry(ctx context.Context, op string) int {
	failed, err := p.queue.List(ctx, later.Filter{Status: []later.JobStatus{later.StatusFailed}, Type: "broken", Limit: 1})
	if err != nil || len(failed) == 0 {
		return 1
	}
	job := failed[0].ID
	p.write(history.Event{Kind: history.Invoke, Op: op, Verb: "retry", Jobs: []int64{job}})
	err = p.queue.Retry(ctx, job)
	var changed []int64
	if err == nil {
		changed = []int64{job}
	}
	p.answer(op, changed, err)
	return 1
}

// answer writes down how a call ended. Errors that say that nothing has happened are
// believed, and the checker finds out whether they lied.
func (p *producer) answer(op string, jobs []int64, err error) {
	e := history.Event{Kind: history.OK, Op: op, Jobs: jobs}
	switch {
	case err == nil:
	case errors.Is(err, errRolledBack), errors.Is(err, errDuplicate), errors.Is(err, later.ErrFull), errors.Is(err, later.ErrConflict),
		errors.Is(err, later.ErrNotFound):
		e.Kind, e.Text = history.Refused, err.Error()
	default:
		e.Kind, e.Text = history.Unknown, err.Error()
	}
	p.write(e)
}

func (p *producer) write(e history.Event) {
	e.At = monotonic()
	if err := p.log.Write(e); err != nil {
		panic(err) // without its history nothing is proved
	}
}

// remember keeps jobs that people may cancel.
func (p *producer) remember(jobs []later.Job) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, job := range jobs {
		k := kindOf(job.Type)
		if k.cancels && (k.name != "quick" || job.ID%8 == 0) { // most of the quick ones have ended by then
			p.recent = append(p.recent, job)
		}
	}
	p.recent = p.recent[max(0, len(p.recent)-100):]
}

func (p *producer) someRecent(random *rand.Rand) (int64, bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if len(p.recent) == 0 {
		return 0, false
	}
	i := len(p.recent) - 1 - random.IntN(min(10, len(p.recent)))
	job := p.recent[i].ID
	p.recent = append(p.recent[:i], p.recent[i+1:]...)
	return job, true
}

func idsOf(jobs []later.Job) (ids []int64) {
	for _, job := range jobs {
		ids = append(ids, job.ID)
	}
	return ids
}
