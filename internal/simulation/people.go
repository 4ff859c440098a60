package simulation

import (
	"context"
	"encoding/json"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// kind is how a job behaves.
type kind int

const (
	plain       kind = iota
	flaky            // fails some times first
	postponing       // postpones itself some times first
	overrunning      // takes longer than its timeout
	discarding       // fails for good
	poison           // ends its process
)

// order is one job that somebody has asked for.
type order struct {
	number   int
	kind     kind
	failures int
	takes    time.Duration
	timeout  time.Duration
	retries  int
	stubborn bool // ignores the end of its context
	reports  bool // progress and a line of log
	steps    int  // durable ones

	key   uniqueKey // that its job is to hold
	way   store.OnConflict
	acked bool // its enqueuing was acknowledged

	stored   bool // the store has it, or had it
	lost     bool // in a rollback
	merged   bool // not stored, as another job held its key
	replaced bool // its job was told to do another order's work
}

type orderArgs struct {
	Order int `json:"order"`
}

var (
	first       = later.Define[orderArgs]("First", later.MaxRetries(3))
	second      = later.Define[orderArgs]("Second", later.MaxRetries(3))
	definitions = []*later.Definition[orderArgs]{first, second}
	queueNames  = []string{"default", "mail", "reports"}
)

// orderOf is what a job was asked for.
func (w *world) orderOf(job store.Job) *order {
	if at, ok := instantOf(job); ok {
		return w.orderAt(at)
	}
	return w.orders[numberOf(job.Args)]
}

func numberOf(args json.RawMessage) int {
	var a orderArgs
	if err := json.Unmarshal(args, &a); err != nil {
		return 0
	}
	return a.Order
}

// actAsPerson does one thing that people do, and the next a moment later.
func (w *world) actAsPerson() {
	if w.quiet {
		return
	}
	w.after(w.upTo(2*w.plan.pace), w.actAsPerson)
	acts := []func(){w.enqueueOne, w.enqueueOne, w.enqueueOne}
	for _, a := range []struct {
		on  bool
		act func()
	}{
		{w.plan.bulk, w.enqueueMany}, {w.plan.cancels, w.cancelOne}, {w.plan.cancels && w.chance(0.1), w.cancelMany},
		{w.plan.retries, w.retryOne}, {w.plan.pauses, w.pauseOne}, {w.plan.pauses, w.resumeOne}, {w.plan.reschedules, w.runNow},
	} {
		if a.on {
			acts = append(acts, a.act)
		}
	}
	acts[w.random.IntN(len(acts))]()
}

// ask lets a person call the JobQueue in a goroutine of its own; answered is the driver's.
func (w *world) ask(call func(context.Context) error, answered func(error)) {
	w.asked++
	number := int64(w.asked)
	go func() {
		err := call(context.Background())
		w.bring(arrival{by: w.people, what: "asked", id: number, handled: func() {
			if answered != nil {
				answered(err)
			}
		}})
	}()
}

func (w *world) newOrder() *order {
	o := &order{
		number: len(w.orders), kind: w.plan.kinds[w.random.IntN(len(w.plan.kinds))],
		failures: 1 + w.random.IntN(5), takes: w.duration(), retries: 3, timeout: 5 * time.Minute,
		stubborn: w.plan.stubborn && w.chance(0.2), reports: w.chance(0.2),
	}
	if o.kind == poison && w.chance(0.7) { // not too many
		o.kind = plain
	}
	if o.kind == overrunning {
		o.takes += time.Second
		o.timeout, o.retries = o.takes/2, w.random.IntN(2)
	}
	if w.plan.durable && !o.stubborn && w.chance(0.5) { // a stubborn one would not heed that its calls fail
		o.steps = 1 + w.random.IntN(3)
	}
	w.orders = append(w.orders, o)
	return o
}

// duration of a job: mostly short, now and then longer than a lease.
func (w *world) duration() time.Duration {
	switch w.random.IntN(10) {
	case 0:
		return w.upTo(2 * w.plan.timeToDie)
	case 1, 2, 3:
		return w.upTo(3 * time.Second)
	}
	return w.upTo(300 * time.Millisecond)
}

func (w *world) call(o *order) later.Call {
	opts := []later.CallOption{later.MaxRetries(o.retries), later.Timeout(o.timeout)}
	if w.plan.queues {
		opts = append(opts, later.Queue(queueNames[w.random.IntN(len(queueNames))]))
	}
	if w.plan.priorities {
		opts = append(opts, later.Priority(w.random.IntN(3)-1))
	}
	if w.plan.scheduled && w.chance(0.4) {
		opts = append(opts, later.In(w.upTo(20*time.Second)))
	}
	definition := definitions[w.random.IntN(len(definitions))]
	if w.plan.unique && o.kind != overrunning && w.chance(0.5) {
		opts = append(opts, w.aKey(o, definition.Name()))
	}
	return definition.With(orderArgs{o.number}, opts...)
}

func (w *world) enqueueOne() { w.enqueue(1) }

func (w *world) enqueueMany() { w.enqueue(2 + w.random.IntN(6)) }

func (w *world) enqueue(n int) {
	var orders []*order
	var calls []later.Call
	for range n {
		o := w.newOrder()
		orders, calls = append(orders, o), append(calls, w.call(o))
	}
	var jobs []later.Job
	w.ask(func(ctx context.Context) (err error) {
		jobs, err = w.queue.EnqueueAll(ctx, calls...)
		return err
	}, func(err error) {
		for _, o := range orders {
			o.acked = o.acked || err == nil
		}
		if err == nil {
			w.checker.acknowledged(orders, jobs)
		}
	})
}

// aJob draws the id of a job, mostly a late one.
func (w *world) aJob() int64 {
	last := int64(len(w.checker.rows))
	if last == 0 {
		return 1
	}
	return w.checker.ids[len(w.checker.ids)-1-min(w.random.IntN(len(w.checker.ids)), w.random.IntN(len(w.checker.ids)))]
}

func (w *world) cancelOne() {
	id := w.aJob()
	w.ask(func(ctx context.Context) error { return w.queue.Cancel(ctx, id, "a person") }, nil)
}

func (w *world) cancelMany() {
	filter := later.Filter{Type: first.Name(), Limit: 5}
	w.ask(func(ctx context.Context) error {
		_, err := w.queue.CancelAll(ctx, filter, "a person")
		return err
	}, nil)
}

func (w *world) retryOne() {
	id := w.aJob()
	w.ask(func(ctx context.Context) error { return w.queue.Retry(ctx, id) }, nil)
}

func (w *world) runNow() {
	id, in := w.aJob(), w.upTo(20*time.Second)
	if w.chance(0.5) {
		w.ask(func(ctx context.Context) error { return w.queue.RunNow(ctx, id) }, nil)
		return
	}
	w.ask(func(ctx context.Context) error {
		return w.queue.Reschedule(ctx, id, w.people.gate().Now().Add(in))
	}, nil)
}

func (w *world) pauseOne() {
	name := queueNames[w.random.IntN(len(queueNames))]
	w.ask(func(ctx context.Context) error { return w.queue.Pause(ctx, name, "a person") }, nil)
}

func (w *world) resumeOne() {
	name := queueNames[w.random.IntN(len(queueNames))]
	w.ask(func(ctx context.Context) error { return w.queue.Resume(ctx, name) }, nil)
}

// resumeAll is what people do when everything is calm: nothing stays paused.
func (w *world) resumeAll() {
	for i, name := range queueNames {
		w.after(time.Duration(i)*time.Second, func() { w.resume(name) })
	}
}

// resume tries until the store can be reached.
func (w *world) resume(name string) {
	w.ask(func(ctx context.Context) error { return w.queue.Resume(ctx, name) }, func(err error) {
		if err != nil {
			w.after(time.Second, func() { w.resume(name) })
		}
	})
}
