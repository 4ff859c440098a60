// Package engine works the jobs of a store in one process. A job meets its
// files in this order: producer.go claims it, lane.go holds it until a slot is
// free, executor.go performs one attempt, outcome.go decides what that led to,
// completer.go stores the outcomes of many at once. Beside them heartbeat.go (with when to search in search.go),
// fence.go, recover.go, promote.go, tick.go (with the decisions in schedule.go), prune.go, orphans.go and alarm.go each run one verb of
// the store on the loop of every.go; stop.go ends it all in order.
package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laterjobs/later/store"
)

// Config is what an Engine works by. The caller has filled in every field.
type Config struct {
	Settings
	StartDelay time.Duration // between Start and the first claim
	SoftStop   time.Duration // how long Stop lets jobs end by themselves
	HardStop   time.Duration // how long Stop then waits for cancelled ones
	Heartbeat  time.Duration
	Observers  *Observers    // nil: nobody
	TimeToDie  time.Duration // silence after which others declare this process dead
	Retention  store.Retention
	Version    string // of the program
	Logger     *slog.Logger
	Events     *Events                             // who is told what happens; nil: nobody
	Schedules  map[string]store.ScheduleDefinition // that are defined in code, by name
	Tick       TickFunc                            // takes the steps of schedules; nil: the store's Tick
	Random     rand.Source                         // of ids, tokens and jitter; nil: the runtime's
}

// Settings may change while the engine runs.
type Settings struct {
	Concurrency  int            // slots, where Queues is nil
	Queues       map[string]int // slots per queue; nil: every queue
	PollInterval time.Duration
}

// Handler is one type of job that the engine can perform.
type Handler struct {
	Type    store.JobType // published when the process joins
	Former  []string      // names under which older jobs of this type are stored
	Rules   Rules
	Perform Perform

	// Discarded is told, before that is stored, that a job has failed for good, and
	// whether it would have been retried if limits allowed it. Nil: nobody is told.
	Discarded func(ctx context.Context, run *Run, job store.Job, err error, exhausted bool)
}

// Perform runs one attempt and returns the job's result, if it has one.
type Perform func(ctx context.Context, run *Run) (json.RawMessage, error)

// Engine works jobs between one Start and one Stop.
type Engine struct {
	store    store.Store
	cfg      Config
	log      *slog.Logger
	handlers map[string]*Handler // by type and former name; never changes
	names    []string            // the keys of handlers, sorted

	processID atomic.Int64
	startedAt time.Time
	beatSent  atomic.Int64 // when the last accepted beat was sent, in ns since startedAt
	sleep     *sleep

	base     context.Context // of every handler
	patience context.Context // of Stop: ends when a caller of Stop loses it
	hurry    context.CancelFunc
	verbs    context.Context // of the store's verbs: ends when Stop gives up
	giveUp   context.CancelFunc
	loops    context.Context // of the loops: ends when Stop begins
	endLoops context.CancelFunc
	running  sync.WaitGroup // the loops

	stopBegan chan struct{} // closed when stopping becomes true
	stopOnce  sync.Once     // guards the two below
	stopped   StopReport
	stopErr   error

	outcomes    chan concluded
	lastOutcome chan struct{}  // closed when no executor will send any more
	completed   sync.WaitGroup // the completer

	claimSoon, beatSoon, fenceSoon, promoteSoon, reportSoon, endedSoon, tickSoon chan struct{} // nudges for the loops
	slotFreed                                                                    chan struct{} // nudges whoever waits for the last executor

	onFinished func() // told when outcomes were accepted
	events     *Events

	completing dice             // the completer's
	introduced introducedCauses // the completer's
	memory     []store.Outcome  // the completer's, of its last batch
	chance     dice             // of the delays of retries: see random

	rollups rollups

	reporting     chan struct{} // holds one token: one store.Report at a time
	reportTrouble trouble       // guarded by reporting

	mu       sync.Mutex // guards all below
	settings Settings
	lanes    map[string]*lane // by queue; "" is the lane that every queue shares
	held     map[claim]*held
	inFlight map[int64]bool // tokens of claims whose answer has not come yet
	answered map[int64]bool // tokens of claims whose answer has come since the beat at hand was sent; nil: it does not search
	losses   uint64         // counts reasons to think that the store may say more is held
	wakes    uint64         // counts reasons to think that there may be work
	reports  map[claim]*pendingReport
	pending  int         // log lines in reports
	stopping bool        // nothing more is claimed or started
	fenced   bool        // the lease may be lost: nothing is started until a beat succeeds
	draining bool        // nothing more is claimed until somebody asks to resume
	quiet    bool        // the producer waits for held to be empty
	ended    []concluded // outcomes that come from no executor

	lookForSuspects bool // there may be some

	schedules    map[string]defined // in code, by name
	unreconciled bool               // some have not been compared with the store's
}

// New makes an engine that is not working yet. onFinished is called, if not
// nil, whenever jobs have finished in this process.
func New(s store.Store, cfg Config, handlers []*Handler, onFinished func()) *Engine {
	e := &Engine{
		store: s, cfg: cfg, log: cfg.Logger, onFinished: onFinished, events: cfg.Events,
		handlers:    map[string]*Handler{},
		stopBegan:   make(chan struct{}),
		outcomes:    make(chan concluded, maxBatch),
		lastOutcome: make(chan struct{}),
		claimSoon:   make(chan struct{}, 1),
		beatSoon:    make(chan struct{}, 1),
		fenceSoon:   make(chan struct{}, 1),
		promoteSoon: make(chan struct{}, 1),
		reportSoon:  make(chan struct{}, 1),
		endedSoon:   make(chan struct{}, 1),
		tickSoon:    make(chan struct{}, 1),
		slotFreed:   make(chan struct{}, 1),
		reporting:   make(chan struct{}, 1),
		lanes:       map[string]*lane{},
		held:        map[claim]*held{},
		inFlight:    map[int64]bool{},
		reports:     map[claim]*pendingReport{},
		schedules:   map[string]defined{},
		wakes:       1,
		sleep:       newSleep(),
	}
	for _, h := range handlers {
		e.handlers[h.Type.Name] = h
		for _, former := range h.Former {
			e.handlers[former] = h
		}
	}
	for name := range e.handlers {
		e.names = append(e.names, name)
	}
	slices.Sort(e.names)
	for name, d := range cfg.Schedules {
		e.schedules[name] = defined{d, hashOf(d)}
	}
	e.completing, e.chance = e.newDice(), e.newDice()
	e.apply(cfg.Settings)
	return e
}

// Start joins the store and begins to work. Values of ctx reach the handlers;
// its end does not stop the engine: Stop does.
func (e *Engine) Start(ctx context.Context) error {
	e.prepare(ctx)
	wakes, err := e.store.Listen(e.loops)
	if err != nil {
		e.endLoops()
		return fmt.Errorf("listen: %w", err)
	}
	if err := e.join(ctx, e.newDice()); err != nil {
		e.endLoops()
		return err
	}
	e.fence(ctx) // if joining took too long, nothing is claimed until a beat gets through
	e.completed.Go(e.complete)
	e.running.Go(func() { e.listen(wakes) })
	promoter, producer := e.newPromoter(), e.newProducer()
	e.running.Go(func() { e.work(promoter, producer) })
	ticker := e.newTicker()
	if err := ticker.reconcile(ctx); err != nil {
		e.log.Error("cannot keep schedules; trying again", "error", err)
	}
	e.loop(ticker.horizon, e.tickSoon, ticker.tick)
	e.loop(constant(e.cfg.Heartbeat), e.beatSoon, e.newHeart().beat)
	e.loop(constant(e.cfg.TimeToDie), e.fenceSoon, e.fence)
	e.loop(constant(reportEvery), e.reportSoon, e.report)
	e.loop(constant(min(recoverEvery, e.cfg.Heartbeat)), nil, e.newWatch().recover)
	e.loop(constant(pruneEvery), nil, e.newPruner().prune)
	e.loop(constant(operateEvery), nil, e.newOperator().operate)
	e.loop(constant(orphansEvery), nil, e.newOrphans().look)
	e.loop(constant(alarmEvery), nil, e.newAlarm().look)
	roller := e.newRoller()
	e.loop(roller.interval, nil, roller.roll)
	return nil
}

// work claims and promotes, after the delay that was asked for.
func (e *Engine) work(promoter *promoter, producer *producer) {
	select {
	case <-e.loops.Done():
		return
	case <-time.After(e.cfg.StartDelay):
	}
	e.running.Go(func() { every(e.loops, e.pollInterval, e.promoteSoon, promoter.dice, promoter.promote) })
	every(e.loops, e.pollInterval, e.claimSoon, producer.dice, producer.produce)
}

func (e *Engine) prepare(ctx context.Context) {
	e.startedAt = time.Now()
	e.base = context.WithoutCancel(ctx)
	e.patience, e.hurry = context.WithCancel(e.base)
	e.verbs, e.giveUp = context.WithCancel(e.base)
	e.loops, e.endLoops = context.WithCancel(e.base)
}

func (e *Engine) loop(interval func() time.Duration, soon <-chan struct{}, fn func(context.Context) time.Duration) {
	d := e.newDice()
	e.running.Go(func() { every(e.loops, interval, soon, d, fn) })
}

// listen passes the store's wakes on to the loops that they concern.
func (e *Engine) listen(wakes <-chan store.Wake) {
	for wake := range wakes {
		if wake.Work {
			e.wake()
			nudge(e.promoteSoon)
		}
		if wake.Cancels {
			nudge(e.beatSoon)
		}
		if wake.Finished && e.onFinished != nil {
			e.onFinished()
		}
	}
}

func (e *Engine) wake() {
	e.mu.Lock()
	e.wakes++
	e.mu.Unlock()
	nudge(e.claimSoon)
}

// join makes this process known under a fresh id.
func (e *Engine) join(ctx context.Context, d dice) error {
	host, _ := os.Hostname() // an unknown host only costs the quick proof of death
	process := store.Process{
		ID: d.id(), State: e.state(), Performs: e.names,
		Host: host, PID: os.Getpid(), Version: e.cfg.Version, StartedAt: e.now().Add(-time.Since(e.startedAt)),
	}
	e.mu.Lock()
	process.Queues = e.settings.Queues
	process.Slots = e.slots()
	e.mu.Unlock()
	for _, name := range e.names {
		if h := e.handlers[name]; h.Type.Name == name {
			process.Types = append(process.Types, h.Type)
		}
	}
	sent := e.sinceStart()
	if err := e.store.Join(ctx, process, e.now()); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	e.processID.Store(process.ID)
	e.beatSent.Store(int64(sent))
	return nil
}

// Configure applies new settings at once. Jobs that run are not disturbed;
// claimed ones that have no slot any more are given back.
func (e *Engine) Configure(s Settings) {
	e.apply(s)
	e.wake()
	nudge(e.promoteSoon)
}

func (e *Engine) pollInterval() time.Duration {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.settings.PollInterval
}

// sinceBeat is how long ago the last accepted beat was sent.
func (e *Engine) sinceBeat() time.Duration {
	return e.sinceStart() - time.Duration(e.beatSent.Load())
}

// sinceStart includes the time that the machine was suspended.
func (e *Engine) sinceStart() time.Duration { return time.Since(e.startedAt) + e.sleep.slept() }
