package later

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// JobQueue stores jobs and, once started, performs those that it has handlers
// for. Its methods may be called by any number of goroutines.
type JobQueue struct {
	store     store.Store
	cfg       Config
	cfgErr    error
	finished  broadcast // sent when jobs may have finished
	observers engine.Observers
	counting  recentStats
	looking   looking
	events    engine.Events

	mu       sync.Mutex
	handlers map[string]Handler // by type and former name
	engine   *engine.Engine     // nil unless started
	settings Settings

	scheduled    map[string]store.ScheduleDefinition // by Schedule
	scheduleErrs []error                             // of Schedule, for Start
}

// Config is how a JobQueue works. Every zero field means its default.
type Config struct {
	Concurrency  int            // jobs performed at once: 5
	Queues       map[string]int // jobs performed at once per queue, only these; nil: every queue, sharing Concurrency
	PollInterval time.Duration  // 5 s, at least 10 ms; only a fallback, wake-ups are immediate

	StartDelay time.Duration // between Start and the first claim: none
	SoftStop   time.Duration // how long Stop lets jobs end by themselves: 30 s
	HardStop   time.Duration // how long it then waits for those whose context it cancelled: 10 s

	Heartbeat time.Duration // 3 s, at least 10 ms; at most a third of TimeToDie
	TimeToDie time.Duration // silence after which others take over this process's jobs: 15 s

	Retention  Retention    // 7 days for each finished status; negative: for ever
	MaxArgs    int          // bytes of arguments, metadata and results: 1 MiB each
	Logger     *slog.Logger // slog.Default()
	Middleware []Middleware // around every enqueueing and performing, the first outermost
	Version    string       // of the program, for people who look at its processes
}

// Settings are the parts of Config that can change while the JobQueue works.
type Settings struct {
	Concurrency  int
	Queues       map[string]int
	PollInterval time.Duration
}

// StopReport says how the jobs of a process ended when it stopped.
type StopReport = engine.StopReport

// New makes a JobQueue over a store. It stores jobs at once and performs them
// once started. Mistakes in cfg are all reported by Start or Run.
func New(s store.Store, cfg Config) *JobQueue {
	cfg.Queues, cfg.Middleware = maps.Clone(cfg.Queues), slices.Clone(cfg.Middleware)
	err := cfg.check()
	cfg.fillIn()
	return &JobQueue{counting: recentStats{turn: make(chan struct{}, 1)}, looking: looking{turn: make(chan struct{}, 1)},
		store: s, cfg: cfg, cfgErr: err, handlers: map[string]Handler{},
		settings:  Settings{cfg.Concurrency, cfg.Queues, cfg.PollInterval},
		scheduled: map[string]store.ScheduleDefinition{},
	}
}

// Register adds handlers. It panics if a type has a handler already, naming
// both places, and if the JobQueue has been started.
func (q *JobQueue) Register(handlers ...Handler) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.engine != nil {
		panic("later: Register after Start: register every handler before")
	}
	for _, h := range handlers {
		if h.definition == nil {
			panic("later: Register of a zero Handler: use what Do returns")
		}
		for _, name := range append([]string{h.definition.name}, h.definition.former...) {
			if other, taken := q.handlers[name]; taken {
				panic(fmt.Sprintf("later: two handlers for %q: one bound at %s, one at %s", name, other.place, h.place))
			}
			q.handlers[name] = h
		}
	}
}

// Run works until ctx ends, then stops gracefully. That ctx ends before it works is no
// error either.
func (q *JobQueue) Run(ctx context.Context) error {
	if err := q.Start(ctx); err != nil {
		if ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx))) {
			return nil // ctrl-C at once is ctrl-C
		}
		return err
	}
	<-ctx.Done()
	_, err := q.Stop(context.WithoutCancel(ctx))
	return err
}

// Start begins to perform jobs, in the background, until Stop. Handlers see the
// values of ctx; its end does not stop the JobQueue. ErrInvalidOption lists all
// mistakes in Config and in the registered definitions.
func (q *JobQueue) Start(ctx context.Context) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.engine != nil {
		return fmt.Errorf("%w: the JobQueue is working already", ErrConflict)
	}
	started, err := q.newEngine()
	if err != nil {
		return err
	}
	if err := started.Start(ctx); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	q.engine = started
	return nil
}

// Stop claims nothing more, lets running jobs end within Config.SoftStop, cancels
// the others with ErrStopping and waits for Config.HardStop, then gives back to
// the queue what is left. No job loses an attempt. The end of ctx cuts the
// waiting short, also that of a second call, which otherwise waits for the first one:
// for whoever loses patience. Stop returns within the two timeouts plus 1 s; on a
// JobQueue that does not work, at once.
func (q *JobQueue) Stop(ctx context.Context) (StopReport, error) {
	q.mu.Lock()
	working := q.engine
	q.mu.Unlock()
	if working == nil {
		return StopReport{}, nil
	}
	report, err := working.Stop(ctx)
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.engine == working {
		q.engine = nil
	}
	if err != nil {
		return report, fmt.Errorf("stop: %w", err)
	}
	return report, nil
}

// Drain performs every job that is due, one after the other in the caller's
// goroutine, and those enqueued meanwhile, and returns how many it performed. It
// is for tests and scripts, in the place of Start and Stop.
func (q *JobQueue) Drain(ctx context.Context) (int, error) {
	q.mu.Lock()
	drained, err := q.newEngine()
	q.mu.Unlock()
	if err != nil {
		return 0, err
	}
	performed, err := drained.Drain(ctx)
	if err != nil {
		return performed, fmt.Errorf("drain: %w", err)
	}
	return performed, nil
}

// Configure changes settings, at once if the JobQueue works. change gets the
// present ones. It panics if they become impossible, and leaves the old ones.
func (q *JobQueue) Configure(change func(*Settings)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	settings := q.settings
	settings.Queues = maps.Clone(settings.Queues)
	change(&settings)
	cfg := Config{Concurrency: settings.Concurrency, Queues: settings.Queues, PollInterval: settings.PollInterval}
	if err := cfg.check(); err != nil {
		panic("later: Configure: " + err.Error())
	}
	cfg.fillIn()
	q.settings = Settings{cfg.Concurrency, maps.Clone(cfg.Queues), cfg.PollInterval}
	if q.engine != nil {
		q.engine.Configure(engine.Settings(q.settings))
	}
}

// newEngine runs under the mutex.
func (q *JobQueue) newEngine() (*engine.Engine, error) {
	problems := []error{q.cfgErr}
	var handlers []*engine.Handler
	for _, name := range slices.Sorted(maps.Keys(q.handlers)) {
		h := q.handlers[name]
		if h.definition.name == name {
			problems = append(problems, h.definition.invalid(name))
			handlers = append(handlers, h.forEngine(q))
		}
	}
	schedules, err := q.schedulesInCode()
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, err
	}
	cfg := engine.Config{
		Settings:   engine.Settings(q.settings),
		StartDelay: q.cfg.StartDelay, SoftStop: q.cfg.SoftStop, HardStop: q.cfg.HardStop,
		Heartbeat: q.cfg.Heartbeat, TimeToDie: q.cfg.TimeToDie,
		Observers: &q.observers, Events: &q.events,
		Retention: q.cfg.Retention, Version: q.cfg.Version, Logger: q.cfg.Logger, Schedules: schedules, Tick: q.tick,
	}
	return engine.New(q.store, cfg, handlers, q.finished.send), nil
}
