package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	riverqueue "github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// river is River on one of its databases.
type river struct {
	label          string
	workers        int
	cooldown, poll time.Duration // 0: the default
	on             riverDatabase
}

// riverDatabase is how River reaches a database.
type riverDatabase interface {
	settings() string
	makeRoom(ctx context.Context, db *server) (place, error)
	migrate(ctx context.Context, address string) error
	open(ctx context.Context, address string, r river) (session, error)
}

// bestRiver has the settings that River's own benchmark command uses and a study
// of its settings found best.
func bestRiver() system {
	return river{label: "river", workers: 2000, cooldown: 2 * time.Millisecond, poll: 20 * time.Millisecond, on: riverPostgres{}}
}

// defaultRiver has the number of workers of River's documentation, for there is no
// default. It performs at most so many jobs in the 100 ms between two fetches.
func defaultRiver() system { return river{label: "river-defaults", workers: 100, on: riverPostgres{}} }

// riverPool is how many connections River may use: more gain nothing on two cores.
const riverPool = 10

func (r river) name() string  { return r.label }
func (river) version() string { return "River " + moduleVersion("github.com/riverqueue/river") }

func (r river) settings() string {
	if r.cooldown == 0 {
		return fmt.Sprintf("MaxWorkers %d, %s", r.workers, r.on.settings())
	}
	return fmt.Sprintf("MaxWorkers %d, FetchCooldown %v, FetchPollInterval %v, %s",
		r.workers, r.cooldown, r.poll, r.on.settings())
}

func (r river) prepare(ctx context.Context, db *server) (place, error) {
	room, err := r.on.makeRoom(ctx, db)
	if err != nil {
		return nil, err
	}
	return room, r.on.migrate(ctx, room.address())
}

func (r river) open(ctx context.Context, address string) (session, error) {
	return r.on.open(ctx, address, r)
}

func riverMigrate[T any](ctx context.Context, driver riverdriver.Driver[T]) error {
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: warnings()})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

// riverPostgres is River through pgx.
type riverPostgres struct{}

func (riverPostgres) settings() string { return fmt.Sprintf("pool of %d", riverPool) }

func (riverPostgres) makeRoom(ctx context.Context, db *server) (place, error) {
	database, err := db.createDatabase(ctx, "bench_river")
	return database, err
}

func (riverPostgres) migrate(ctx context.Context, address string) error {
	pool, err := riverConnect(ctx, address)
	if err != nil {
		return err
	}
	defer pool.Close()
	return riverMigrate(ctx, riverpgxv5.New(pool))
}

func (riverPostgres) open(ctx context.Context, address string, r river) (session, error) {
	pool, err := riverConnect(ctx, address)
	if err != nil {
		return nil, err
	}
	return newRiverSession(r, riverpgxv5.New(pool), riverReads{
		left: func(ctx context.Context) (some bool, err error) {
			err = pool.QueryRow(ctx, riverUnfinished).Scan(&some)
			return some, err
		},
		queues: func(ctx context.Context) ([]string, error) {
			rows, err := pool.Query(ctx, riverQueues)
			if err != nil {
				return nil, err
			}
			return pgx.CollectRows(rows, pgx.RowTo[string])
		},
		closeOver: pool.Close,
	})
}

func riverConnect(ctx context.Context, address string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = riverPool
	return pgxpool.NewWithConfig(ctx, cfg)
}

const riverQueues = `SELECT DISTINCT queue FROM river_job`

const riverUnfinished = `SELECT EXISTS (SELECT 1 FROM river_job
	WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled'))`

// config is that of a client that only inserts. Its cooldown limits the
// notifications that it sends: with the default of 100 ms a worker would often
// learn of a job from its next poll.
func (r river) config() *riverqueue.Config {
	return &riverqueue.Config{FetchCooldown: r.cooldown, FetchPollInterval: r.poll, Logger: warnings()}
}

type riverSession[T any] struct {
	settings river
	driver   riverdriver.Driver[T]
	client   *riverqueue.Client[T] // inserts; once started, also works
	riverReads
}

// riverReads are what River's own interface does not tell.
type riverReads struct {
	left      func(context.Context) (bool, error)
	queues    func(context.Context) ([]string, error) // that hold jobs
	closeOver func()
}

func newRiverSession[T any](r river, driver riverdriver.Driver[T], reads riverReads) (session, error) {
	client, err := riverqueue.NewClient(driver, r.config())
	if err != nil {
		reads.closeOver()
		return nil, err
	}
	return &riverSession[T]{settings: r, driver: driver, client: client, riverReads: reads}, nil
}

type riverArgs struct {
	N int64 `json:"n"`
}

func (riverArgs) Kind() string { return "noop" }

func (s *riverSession[T]) enqueue(ctx context.Context, n int64) error {
	_, err := s.client.Insert(ctx, riverArgs{n}, nil)
	return err
}

func (s *riverSession[T]) enqueueMany(ctx context.Context, ns []int64, ids bool) error {
	params := make([]riverqueue.InsertManyParams, len(ns))
	for i, n := range ns {
		params[i].Args = riverArgs{n}
	}
	if ids {
		_, err := s.client.InsertMany(ctx, params)
		return err
	}
	_, err := s.client.InsertManyFast(ctx, params) // COPY
	return err
}

func (s *riverSession[T]) enqueueIn(ctx context.Context, queue string, ns []int64) error {
	return s.enqueueWith(ctx, ns, &riverqueue.InsertOpts{Queue: queue})
}

func (s *riverSession[T]) enqueueAt(ctx context.Context, at time.Time, ns []int64) error {
	return s.enqueueWith(ctx, ns, &riverqueue.InsertOpts{ScheduledAt: at})
}

func (s *riverSession[T]) enqueueWith(ctx context.Context, ns []int64, opts *riverqueue.InsertOpts) error {
	params := make([]riverqueue.InsertManyParams, len(ns))
	for i, n := range ns {
		params[i] = riverqueue.InsertManyParams{Args: riverArgs{n}, InsertOpts: opts}
	}
	_, err := s.client.InsertManyFast(ctx, params)
	return err
}

func (s *riverSession[T]) start(ctx context.Context, events events) error {
	workers := riverqueue.NewWorkers()
	riverqueue.AddWorker(workers, riverqueue.WorkFunc(func(_ context.Context, job *riverqueue.Job[riverArgs]) error {
		events.performed(job.Args.N)
		return nil
	}))
	cfg := s.settings.config()
	cfg.Workers = workers
	cfg.Queues = map[string]riverqueue.QueueConfig{riverqueue.QueueDefault: {MaxWorkers: s.settings.workers}}
	if err := s.addQueues(ctx, cfg); err != nil {
		return err
	}
	if events.claimed != nil {
		cfg.Plugins = []rivertype.Plugin{riverFetches(events.claimed)}
	}
	client, err := riverqueue.NewClient(s.driver, cfg)
	if err != nil {
		return err
	}
	s.client = client
	return client.Start(ctx)
}

// addQueues adds the queues that hold jobs: a client works only on those that it is
// told of, and fetches for each apart: with many it gets its default intervals, for
// the short ones would be most of the work.
func (s *riverSession[T]) addQueues(ctx context.Context, cfg *riverqueue.Config) error {
	names, err := s.queues(ctx)
	for _, name := range names {
		if _, known := cfg.Queues[name]; !known {
			cfg.Queues[name] = riverqueue.QueueConfig{MaxWorkers: 100}
			cfg.FetchCooldown, cfg.FetchPollInterval = 0, 0
		}
	}
	return err
}

// riverFetches reports the fetches that found jobs. River emits the duration and
// then the count of each, and fetches for one queue one after the other.
func riverFetches(claimed func(time.Duration, int)) rivertype.Plugin {
	var took atomic.Int64
	return riverqueue.HookMetricEmitFunc(func(_ context.Context, params *rivertype.HookMetricEmitParams) {
		switch metric := params.Metric.(type) {
		case *rivertype.JobGetAvailableDurationMetric:
			took.Store(int64(metric.Duration))
		case *rivertype.JobGetAvailableCountMetric:
			if metric.Count > 0 {
				claimed(time.Duration(took.Load()), metric.Count)
			}
		}
	})
}

func (s *riverSession[T]) stop(ctx context.Context) error {
	err := s.client.Stop(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *riverSession[T]) unfinished(ctx context.Context) (bool, error) { return s.left(ctx) }

func (s *riverSession[T]) close() { s.closeOver() }
