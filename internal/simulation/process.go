package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

type state uint8

const (
	starting state = iota
	up
	stopping
	gone // stopped, or never started
	crashed
)

// process is one engine, or the people. Its fields belong to the driver, but for
// offset, which the world's mutex guards.
type process struct {
	w      *world
	number int
	name   string
	state  state
	engine *engine.Engine

	started    bool // Start returned without an error
	stopCalled bool
	stopBegan  time.Time
	hindered   bool // frozen while it stopped
	upSince    time.Time

	frozen bool
	thawed time.Time // when it last woke

	judgesSince time.Time // since when its heartbeats get through
	held        []func()  // what happens to it when it wakes

	offset   time.Duration // of its clock
	open     []*operation  // not answered yet
	attempts []*attempt    // handlers that run
	wakes    chan store.Wake
	early    *store.Wake       // came before the process had started, see wake
	said     <-chan store.Wake // by the store
	deafen   func()

	id           int64          // under which it last joined, as it knows
	beatSent     time.Time      // when the last beat that it knows to be accepted was sent
	heard        map[claim]bool // claims whose answer it has had
	beatApplied  time.Time      // of the same: when the store saw it
	beatAnswered time.Time      // and when the process heard of it
	beatHindered bool           // a beat of it was lost or late, other than in an outage
}

// startProcess lets a new process start.
func (w *world) startProcess() {
	if w.over {
		return
	}
	p := &process{w: w, number: len(w.processes) + 1, heard: map[claim]bool{}}
	p.name = fmt.Sprintf("p%d", p.number)
	w.processes = append(w.processes, p)
	p.offset = w.plan.offsetOf(w)
	cfg := w.plan.engineConfig(w, p)
	cfg.Random = rand.NewPCG(w.random.Uint64(), w.random.Uint64())
	cfg.Logger = w.history.logger(p.name)
	if w.broken.Engine != nil {
		w.broken.Engine(p.number, &cfg)
	}
	w.history.add(p.name, "starts: queues %v, %d slots, clock %v", cfg.Queues, cfg.Concurrency, p.offset)
	p.engine = engine.New(p.gate(), cfg, w.handlersOf(p), nil)
	go func() {
		err := p.engine.Start(context.Background())
		w.bring(arrival{by: p, what: "started", handled: func() { w.startEnded(p, err) }})
	}()
}

func (w *world) startEnded(p *process, err error) {
	p.started = err == nil
	switch {
	case w.over || p.state == crashed:
	case err != nil:
		w.history.add(p.name, "cannot start: %v", err)
		p.state = gone
		w.after(w.between(time.Second, 3*time.Second), w.startProcess)
	default:
		p.state, p.upSince = up, time.Now()
		if early := p.early; early != nil {
			p.early = nil
			w.after(0, func() { p.awake(func() { p.wake(*early) }) })
		}
	}
}

// stopProcess stops one gracefully; another follows.
func (w *world) stopProcess(p *process) {
	w.history.add(p.name, "is asked to stop")
	p.state, p.stopCalled, p.stopBegan, p.hindered = stopping, true, time.Now(), p.frozen
	go func() {
		report, err := p.engine.Stop(context.Background())
		w.bring(arrival{by: p, what: "stopped", handled: func() { w.stopEnded(p, report, err) }})
	}()
}

func (w *world) stopEnded(p *process, report engine.StopReport, err error) {
	if w.over || p.state == crashed {
		return
	}
	w.history.add(p.name, "has stopped in %v: %d finished, %d stopped, abandoned %v, error %v",
		report.Took, report.Finished, report.Stopped, report.Abandoned, err)
	w.checker.stopped(p, report)
	w.exit(p, gone)
	w.after(w.upTo(5*time.Second), w.startProcess)
}

// crash ends a process at once: whatever it has not done by now it will never do.
func (w *world) crash(p *process, why string) {
	w.history.add(p.name, "crashes: %s", why)
	for _, op := range p.open {
		op.doomed = !op.applied && w.chance(0.5)
	}
	w.checker.crashed(p)
	w.exit(p, crashed)
	w.after(w.upTo(5*time.Second), w.startProcess)
}

// exit ends the handlers of a process with it.
func (w *world) exit(p *process, how state) {
	p.state, p.held, p.frozen = how, nil, false
	if p.said != nil {
		p.deafen()
		p.said = nil
	}
	for _, a := range p.attempts {
		a.ended = true
		w.ledger.end(a)
	}
	p.attempts = nil
}

func (w *world) freeze(p *process, d time.Duration) {
	w.history.add(p.name, "freezes for %v", d)
	p.frozen, p.hindered = true, true
	w.after(d, func() { w.thaw(p) })
}

// thaw wakes a process: what it had waiting happens in any order.
func (w *world) thaw(p *process) {
	if !p.frozen {
		return
	}
	w.history.add(p.name, "thaws")
	p.frozen, p.thawed = false, time.Now()
	held := p.held
	p.held = nil
	for _, happen := range held {
		w.after(w.upTo(2*time.Millisecond), func() { p.awake(happen) })
	}
}

// awake lets something happen to a process, when it wakes if it is frozen, never if
// it is gone.
func (p *process) awake(happen func()) {
	switch {
	case p.state == crashed:
	case p.frozen:
		p.held = append(p.held, happen)
	default:
		happen()
	}
}

func (p *process) closed(op *operation) {
	for i, other := range p.open {
		if other == op {
			p.open = append(p.open[:i], p.open[i+1:]...)
			return
		}
	}
}

// listen runs in the driver. ctx is the caller's.
func (p *process) listen(ctx context.Context, s store.Store) (<-chan store.Wake, error) {
	inner, deafen := context.WithCancel(context.Background())
	said, err := s.Listen(inner)
	if err != nil {
		deafen()
		return nil, err
	}
	wakes := make(chan store.Wake, 1)
	p.said, p.deafen, p.wakes = said, deafen, wakes
	context.AfterFunc(ctx, func() {
		p.w.bring(arrival{by: p, what: "deaf", handled: func() {
			deafen()
			p.said, p.wakes = nil, nil
			close(wakes)
		}})
	})
	return wakes, nil
}

// passWakes takes what the store says to those who listen, or not.
func (w *world) passWakes() {
	for _, p := range w.processes {
		if p.said == nil {
			continue
		}
		select {
		case wake, ok := <-p.said:
			if ok {
				w.passWake(p, wake)
			}
		default:
		}
	}
}

func (w *world) passWake(p *process, wake store.Wake) {
	wait := w.latency()
	if !w.quiet {
		switch {
		case w.chance(w.plan.dropped):
			w.faults++
			return
		case w.chance(w.plan.delayed):
			w.faults++
			wait += w.delay()
		case w.chance(w.plan.doubled):
			w.faults++
			w.after(w.delay(), func() { p.awake(func() { p.wake(wake) }) })
		}
	}
	w.after(wait, func() { p.awake(func() { p.wake(wake) }) })
}

// wake wakes a process. While it starts the wake has to wait: whether its listener or
// its loops run first is for the runtime to decide, and so it would be whether the wake
// is news to them.
func (p *process) wake(wake store.Wake) {
	if p.wakes == nil {
		return
	}
	if p.state == starting {
		if p.early != nil {
			wake = wake.Merge(*p.early)
		}
		p.early = &wake
		return
	}
	select {
	case waiting := <-p.wakes:
		wake = wake.Merge(waiting)
	default:
	}
	p.wakes <- wake
}

// sendHome lets every goroutine of the process go on, to its end.
func (p *process) sendHome() {
	p.exitQuietly()
	for _, op := range p.open {
		if !op.answered {
			op.answered = true
			op.answer <- store.ErrClosed
		}
	}
	p.open = nil
}

func (p *process) exitQuietly() {
	p.held, p.frozen = nil, false
	for _, a := range p.w.ledger.parked[p] {
		close(a.acts)
	}
	delete(p.w.ledger.parked, p)
}
