//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/chaos/history"
	"github.com/laterjobs/later/internal/pgtest"
)

// How long faults last.

func atOnce(*rand.Rand, times) time.Duration { return 0 }

// between draws a length in shares of the time to die.
func between(least, most float64) func(*rand.Rand, times) time.Duration {
	return func(random *rand.Rand, t times) time.Duration {
		return time.Duration((least + random.Float64()*(most-least)) * float64(t.TimeToDie))
	}
}

func fixed(least, most time.Duration) func(*rand.Rand, times) time.Duration {
	return func(random *rand.Rand, _ times) time.Duration {
		return least + time.Duration(random.Int64N(int64(most-least)+1))
	}
}

// processFaults need nothing of the store.
var processFaults = []fault{
	{name: "kill", share: 24, last: atOnce, inject: kill},
	{name: "freeze", share: 6, last: between(0.2, 0.7), inject: freeze},
	{name: "freeze", share: 8, last: between(1.2, 4), inject: freeze},
	{name: "stop", share: 10, last: atOnce, inject: stop},
	{name: "deploy", share: 2, last: atOnce, inject: deploy},
	{name: "wrong clock", share: 6, last: fixed(2*time.Second, 10*time.Second), inject: wrongClock},
	{name: "poison", share: 3, last: atOnce, inject: enqueued("poison", 1)},
	{name: "hog", share: 4, last: atOnce, inject: enqueued("hog", 6)},
	{name: "pause", share: 4, last: fixed(2*time.Second, 6*time.Second), inject: pauseQueue},
}

// longFaults take a minute.
var longFaults = []fault{
	{name: "freeze", share: 1, last: fixed(60*time.Second, 61*time.Second), inject: freeze},
}

func kill(_ context.Context, n *nemesis, e event) error {
	s := n.anyone(e)
	began := monotonic()
	if name, ok := s.signal(syscall.SIGKILL, "killed"); ok {
		n.note(e, began, name)
	}
	return nil
}

// freeze stops a process within whatever it does, and lets it go on later.
func freeze(ctx context.Context, n *nemesis, e event) error {
	s := n.worker(e)
	free, ok := n.seize(s.id)
	if !ok {
		return nil
	}
	defer free()
	began := monotonic()
	name, ok := s.signal(syscall.SIGSTOP, "")
	if !ok {
		return nil
	}
	_ = pause(ctx, e.length)
	s.resume(name)
	n.note(e, began, name)
	return nil
}

func stop(_ context.Context, n *nemesis, e event) error {
	began := monotonic()
	if name, ok := n.anyone(e).signal(syscall.SIGTERM, ""); ok {
		n.note(e, began, name)
	}
	return nil
}

// deploy stops one worker after the other, as a new version does.
func deploy(ctx context.Context, n *nemesis, e event) error {
	for _, s := range n.fleet.ofRole("worker") {
		began := monotonic()
		if name, ok := s.signal(syscall.SIGTERM, ""); ok {
			n.note(e, began, name)
		}
		if pause(ctx, 700*time.Millisecond) != nil {
			return nil
		}
	}
	return nil
}

// wrongClock sets the clock of a worker an hour ahead or back for a while.
func wrongClock(ctx context.Context, n *nemesis, e event) error {
	s := n.worker(e)
	free, ok := n.seize(s.id + " clock")
	if !ok {
		return nil
	}
	defer free()
	offset := time.Hour
	if e.dice%2 == 0 {
		offset = -offset
	}
	began, name := monotonic(), s.present()
	if err := n.fleet.setClock(s, offset); err != nil {
		return err
	}
	_ = pause(ctx, e.length)
	n.note(e, began, name)
	return n.fleet.setClock(s, 0)
}

// setClock sets the clock of a slot's processes: see observed.followClock.
func (f *fleet) setClock(s *slot, offset time.Duration) error {
	return replaceFile(filepath.Join(f.Folder, s.id+".clock"), []byte(strconv.FormatInt(int64(offset), 10)))
}

// enqueued is a fault that jobs make.
func enqueued(kindName string, jobs int) func(context.Context, *nemesis, event) error {
	return func(ctx context.Context, n *nemesis, e event) error {
		began := monotonic()
		ctx, stop := context.WithTimeout(ctx, patience)
		defer stop()
		for i := range jobs {
			op := fmt.Sprintf("nemesis.%d.%d", e.dice, i)
			n.fleet.write(history.Event{Kind: history.Invoke, Op: op + " " + kindName, Verb: "single", Ops: []string{op + " " + kindName}})
			job, err := definitions[kindName].PerformLater(ctx, n.queue, workFor(op, kindName), later.Priority(5))
			end := history.Event{Kind: history.OK, Op: op + " " + kindName, Jobs: []int64{job.ID}}
			if err != nil {
				end = history.Event{Kind: history.Unknown, Op: end.Op, Text: err.Error()}
			}
			n.fleet.write(end)
		}
		n.note(e, began, "the workers that get them")
		return nil
	}
}

// faults of a file.
func (f *sqliteFile) faults(*nemesis) []fault {
	all := []fault{
		{name: "write lock", share: 3, last: fixed(200*time.Millisecond, 3*time.Second), inject: onStore(f.lock)},
		{name: "write lock", share: 2, last: fixed(5*time.Second, 20*time.Second), inject: onStore(f.lock)},
		{name: "old snapshot", share: 2, last: fixed(5*time.Second, 20*time.Second), inject: onStore(f.pin)},
	}
	all = append(all,
		fault{name: "disk errors", share: 8, last: fixed(300*time.Millisecond, 4*time.Second), inject: failDisk},
		fault{name: "disk errors of all", share: 3, last: fixed(300*time.Millisecond, 4*time.Second), inject: failEveryDisk})
	if f.mounted {
		all = append(all, fault{name: "full disk", share: 5, last: fixed(500*time.Millisecond, 5*time.Second), inject: onStore(f.fill)})
	}
	return all
}

// onStore is a fault that everyone suffers from, one at a time.
func onStore(inject func(context.Context, time.Duration) error) func(context.Context, *nemesis, event) error {
	return func(ctx context.Context, n *nemesis, e event) error {
		free, ok := n.seize("store")
		if !ok {
			return nil
		}
		defer free()
		began := monotonic()
		err := inject(ctx, e.length)
		n.note(e, began)
		return err
	}
}

// faults of a server and the network before it.
func (s *pgServer) faults(n *nemesis) []fault {
	all := []fault{
		{name: "server killed", share: 3, last: fixed(0, 5*time.Second), inject: onStore(s.outage)},
		{name: "backends terminated", share: 4, last: atOnce, inject: onStore(func(ctx context.Context, _ time.Duration) error { return s.terminate(ctx) })},
		{name: "old snapshot", share: 2, last: fixed(5*time.Second, 20*time.Second), inject: onStore(s.pin)},
		{name: "cut", share: 10, last: atOnce, inject: onProxy(func(_ context.Context, p *pgtest.Proxy, _ time.Duration) { p.Cut() })},
		{name: "cut after commit", share: 14, last: fixed(3*time.Second, 3*time.Second), inject: onProxy(cutAfterCommit)},
		{name: "latency", share: 6, last: fixed(2*time.Second, 8*time.Second), inject: onProxy(latency)},
		{name: "requests lost", share: 5, last: between(0.4, 3), inject: onProxy(held((*pgtest.Proxy).FreezeRequests))},
		{name: "answers lost", share: 5, last: between(0.4, 3), inject: onProxy(held((*pgtest.Proxy).FreezeAnswers))},
		{name: "partition", share: 5, last: between(0.4, 3), inject: onProxy(held((*pgtest.Proxy).Freeze))},
		{name: "heartbeats lost", share: 5, last: between(0.5, 3), inject: onProxy(held(freezeBeats))},
		{name: "refused", share: 4, last: between(0.4, 3), inject: onProxy(refused)},
	}
	if len(n.fleet.networked()) > 0 {
		all = append(all,
			fault{name: "packets there lost", share: 4, last: between(0.4, 3), inject: dropped((*network).dropRequests)},
			fault{name: "packets back lost", share: 4, last: between(0.4, 3), inject: dropped((*network).dropAnswers)},
			fault{name: "packets lost", share: 2, last: between(0.4, 3), inject: dropped((*network).dropRequests, (*network).dropAnswers)})
	}
	if n.long {
		all = append(all, fault{name: "server killed", share: 1, last: fixed(50*time.Second, 61*time.Second), inject: onStore(s.outage)})
	}
	return all
}

// onProxy is a fault of one process's network.
func onProxy(inject func(context.Context, *pgtest.Proxy, time.Duration)) func(context.Context, *nemesis, event) error {
	return func(ctx context.Context, n *nemesis, e event) error {
		s := n.anyone(e)
		free, ok := n.seize(s.id + " network")
		if !ok {
			return nil
		}
		defer free()
		began, first := monotonic(), s.present()
		inject(ctx, s.proxy, e.length)
		victims := []string{first}
		if last := s.present(); last != first {
			victims = append(victims, last) // it has been replaced meanwhile
		}
		n.note(e, began, victims...)
		return nil
	}
}

func cutAfterCommit(ctx context.Context, p *pgtest.Proxy, atMost time.Duration) {
	select {
	case <-p.CutAfterCommit():
	case <-time.After(atMost):
	case <-ctx.Done():
	}
	p.ForgetCommit()
}

func latency(ctx context.Context, p *pgtest.Proxy, d time.Duration) {
	p.Delay(d / 40) // 50 to 200 ms, in each direction
	_ = pause(ctx, d)
	p.Delay(0)
}

// held holds bytes for a while. Half of the connections' owners give up before.
func held(freeze func(*pgtest.Proxy, bool)) func(context.Context, *pgtest.Proxy, time.Duration) {
	return func(ctx context.Context, p *pgtest.Proxy, d time.Duration) {
		freeze(p, true)
		_ = pause(ctx, d)
		freeze(p, false)
	}
}

func freezeBeats(p *pgtest.Proxy, freeze bool) { p.FreezeWhoSaid("beat = beat + 1", freeze) }

func refused(ctx context.Context, p *pgtest.Proxy, d time.Duration) {
	p.Refuse(true)
	p.Cut()
	_ = pause(ctx, d)
	p.Refuse(false)
}
