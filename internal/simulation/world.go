package simulation

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
	"github.com/laterjobs/later/storetest"
)

// Break is a mistake made on purpose, to see that it is found. Nil fields make none.
type Break struct {
	Store  func(store.Store) store.Store       // wraps the reference
	Engine func(process int, c *engine.Config) // changes what a process works by
	// Hides takes a claim out of what a heartbeat answers. heard: the process has
	// had an answer to it.
	Hides func(heard bool) bool
}

func (b Break) made() bool { return b.Store != nil || b.Engine != nil || b.Hides != nil }

// Result is what came out of one seed.
type Result struct {
	Violations []string
	History    []byte        // what happened, in order
	Hash       [32]byte      // of the history
	Simulated  time.Duration // fake time
	Steps      int           // operations and other events
	Faults     int           // injected
	Jobs       int           // stored
}

// Run simulates one seed. With a mistake made on purpose it ends when that is found.
func Run(t *testing.T, seed uint64, broken Break) (result Result) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(seed, broken)
		w.live()
		result = w.result()
		w.end()
	})
	return result
}

// world is one simulation. Its fields belong to the driver's goroutine, but for
// those that mu guards.
type world struct {
	plan
	random  *rand.Rand
	truth   *storetest.Reference
	subject store.Store // the reference, or what wraps it
	broken  Break
	began   time.Time
	history history
	checker *checker
	ledger  *ledger
	durable *durable
	ticked  map[instant]*order // the jobs of schedules

	events    events
	scheduled int // events ever, to order those of one instant
	steps     int
	ticks     int // of watch
	faults    int

	processes []*process // every one that ever was
	people    *process   // who enqueue, cancel, pause
	queue     *later.JobQueue
	orders    []*order // what people have asked for, by number
	asked     int      // what people have done, counted
	paused    map[string]bool
	stopped   int  // schedules that people have paused in the end
	out       bool // the store cannot be reached
	backAt    time.Time
	snapshots []*storetest.Snapshot // one a second, the newest last
	unowned   map[claim]time.Time   // running jobs without a known process, since when
	quiet     bool                  // no more faults: everything must come to its end
	over      bool                  // the goroutines are being sent home

	mu       sync.Mutex
	arrivals []arrival
	arrived  chan struct{}
}

// arrival is what some goroutine has brought to the driver: a call, a handler that
// began, a context that ended.
type arrival struct {
	by      *process
	what    string
	id      int64 // of the job that it is about, or a number
	token   int64
	handled func() // by the driver
}

func newWorld(seed uint64, broken Break) *world {
	w := &world{
		random: rand.New(rand.NewPCG(seed, 0x6c61746572)), truth: storetest.NewReference(),
		broken: broken, began: time.Now(), arrived: make(chan struct{}, 1), paused: map[string]bool{},
	}
	w.subject = w.truth
	if broken.Store != nil {
		w.subject = broken.Store(w.truth)
	}
	w.plan = newPlan(w.random)
	w.history.began = w.began
	w.checker, w.ledger, w.durable = newChecker(w), newLedger(w), newDurable(w)
	w.ticked = map[instant]*order{}
	w.people = &process{w: w, name: "people", state: up}
	w.queue = later.New(w.people.gate(), later.Config{Logger: w.history.logger("people")})
	w.history.add("plan", "%s", w.plan)
	return w
}

// live runs the script: a time with faults, then a quiet one until nothing is left
// to do.
func (w *world) live() {
	for range w.plan.processes {
		w.after(w.upTo(time.Second), w.startProcess)
	}
	w.after(0, w.actAsPerson)
	w.after(0, w.saveSchedules)
	w.after(w.plan.calm(), w.injectFault)
	w.after(tick, w.watch)
	w.after(w.plan.length, w.calmDown)
	found := func() bool { return w.broken.made() && len(w.checker.violations) > 0 }
	w.drive(func() bool { return w.quiet && w.settled() || w.steps > maxSteps || found() })
	w.checkEnd()
}

const (
	tick     = 250 * time.Millisecond // how often the world is looked at, beside its steps
	maxSteps = 400_000
)

// drive takes one step after the other until done says so. All other goroutines
// are parked while the driver acts.
func (w *world) drive(done func() bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		synctest.Wait()
		w.take()
		if done() {
			return
		}
		if wait := time.Until(w.events[0].at); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-w.arrived:
			}
			continue
		}
		w.steps++
		heap.Pop(&w.events).(*event).happen()
	}
}

// take handles what has arrived, in an order that does not depend on who was first.
func (w *world) take() {
	w.mu.Lock()
	arrivals := w.arrivals
	w.arrivals = nil
	w.mu.Unlock()
	slices.SortStableFunc(arrivals, func(a, b arrival) int {
		return cmp.Or(cmp.Compare(a.by.number, b.by.number), cmp.Compare(a.what, b.what),
			cmp.Compare(a.id, b.id), cmp.Compare(a.token, b.token))
	})
	for _, a := range arrivals {
		a.handled()
	}
}

// bring tells the driver of something. Any goroutine may call it.
func (w *world) bring(a arrival) {
	w.mu.Lock()
	w.arrivals = append(w.arrivals, a)
	w.mu.Unlock()
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// after lets something happen in a while.
func (w *world) after(wait time.Duration, happen func()) {
	w.scheduled++
	heap.Push(&w.events, &event{at: time.Now().Add(wait), number: w.scheduled, happen: happen})
}

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.random.Int64N(int64(d))) }

func (w *world) between(least, most time.Duration) time.Duration { return least + w.upTo(most-least) }

func (w *world) chance(p float64) bool { return p > 0 && w.random.Float64() < p }

func (w *world) now() time.Duration { return time.Since(w.began) }

// settled: whatever was stored has come to its end, and nobody holds anything.
func (w *world) settled() bool {
	return w.checker.unfinished == 0 && len(w.people.open) == 0 && !w.out && w.now() > w.plan.length+4*w.plan.timeToDie &&
		w.stopped == len(w.plan.schedules())
}

func (w *world) result() Result {
	return Result{
		Violations: w.checker.violations, History: w.history.all(), Hash: w.history.hash(),
		Simulated: w.now(), Steps: w.steps, Faults: w.faults, Jobs: len(w.checker.rows),
	}
}

// end sends every goroutine home, so that the bubble can burst.
func (w *world) end() {
	w.over = true
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	left := 0
	for _, p := range w.processes {
		p.sendHome()
	}
	synctest.Wait()
	w.take() // one that was about to start may have started
	for _, p := range w.processes {
		if p.engine != nil && p.started && !p.stopCalled {
			left++
			go func() {
				_, _ = p.engine.Stop(gone)
				w.bring(arrival{by: p, what: "home", handled: func() { left-- }})
			}()
		}
	}
	w.people.sendHome()
	for range 100 { // some wait for a while before they look whether all is over
		synctest.Wait()
		w.take()
		<-time.After(200 * time.Millisecond)
	}
	if left > 0 {
		panic(fmt.Sprintf("%d engines do not end", left))
	}
}

// event is something that will happen.
type event struct {
	at     time.Time
	number int
	happen func()
}

// events is a heap, the next first.
type events []*event

func (e events) Len() int      { return len(e) }
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e events) Less(i, j int) bool {
	return cmp.Or(e[i].at.Compare(e[j].at), cmp.Compare(e[i].number, e[j].number)) < 0
}
func (e *events) Push(x any) { *e = append(*e, x.(*event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}
