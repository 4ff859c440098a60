//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/chaos/history"
)

// fault is something that can be done to processes or to their store.
type fault struct {
	name  string
	share int // how often it comes, compared with the others
	// last is how long it lasts, by the nemesis' own dice.
	last   func(*rand.Rand, times) time.Duration
	inject func(ctx context.Context, n *nemesis, of event) error
}

// event is one fault of the schedule.
type event struct {
	fault
	after  time.Duration // the one before
	length time.Duration
	victim int // of the workers, or of all processes: the number modulo how many there are
	dice   uint64
}

// nemesis injects faults.
type nemesis struct {
	fleet *fleet
	db    database
	queue *later.JobQueue // the supervisor's own
	long  bool            // a run with time for outages of a minute

	group   sync.WaitGroup
	mutex   sync.Mutex
	hit     map[string]bool // guarded by mutex: slots that a fault has in hand, and "store"
	counts  map[string]int  // guarded by mutex: faults injected, by kind
	skipped int             // guarded by mutex: faults that met another on the same process
}

// schedule draws the faults of a run. It depends on the seed alone.
func schedule(seed uint64, faults []fault, every, length time.Duration, t times) (events []event) {
	random := rand.New(rand.NewPCG(seed, 0xc4a05))
	total := 0
	for _, f := range faults {
		total += f.share
	}
	for at := time.Duration(0); ; {
		n := random.IntN(total)
		i := slices.IndexFunc(faults, func(f fault) bool { n -= f.share; return n < 0 })
		e := event{fault: faults[i], after: every/3 + time.Duration(random.ExpFloat64()*float64(every)*2/3)}
		e.length, e.victim, e.dice = e.last(random, t), random.IntN(1<<16), random.Uint64()
		if at += e.after; at > length {
			return events
		}
		events = append(events, e)
	}
}

// run injects the faults of a schedule, each at its time, and returns when all are
// over.
func (n *nemesis) run(ctx context.Context, events []event) {
	for _, e := range events {
		if pause(ctx, e.after) != nil {
			break
		}
		n.group.Go(func() { n.inject(ctx, e) })
	}
	n.group.Wait()
}

func (n *nemesis) inject(ctx context.Context, e event) {
	if err := e.inject(ctx, n, e); err != nil && ctx.Err() == nil {
		fmt.Printf("  the fault %q could not be injected: %v\n", e.name, err)
	}
}

// workers and anyone choose the victim of an event.
func (n *nemesis) worker(e event) *slot { return pick(n.fleet.ofRole("worker"), e) }

func (n *nemesis) anyone(e event) *slot { return pick(n.fleet.slots, e) }

func pick(from []*slot, e event) *slot { return from[e.victim%len(from)] }

// seize takes a slot, or the store, for one fault at a time.
func (n *nemesis) seize(what string) (free func(), ok bool) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.hit[what] {
		n.skipped++
		return nil, false
	}
	n.hit[what] = true
	return func() {
		n.mutex.Lock()
		defer n.mutex.Unlock()
		delete(n.hit, what)
	}, true
}

// note writes down a fault that was injected: the victims are names of processes,
// none for everyone.
func (n *nemesis) note(e event, began int64, victims ...string) {
	n.mutex.Lock()
	n.counts[e.name]++
	n.mutex.Unlock()
	n.fleet.write(history.Event{Kind: history.Fault, Verb: e.name, Sent: began, Ops: victims})
}
