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
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"
)

// river is River on PostgreSQL through pgx.
type river struct {
	label          string
	workers        int
	cooldown, poll time.Duration // 0: the default
}

// bestRiver has the settings that River's own benchmark command uses and a study
// of its settings found best.
func bestRiver() system {
	return river{label: "river", workers: 2000, cooldown: 2 * time.Millisecond, poll: 20 * time.Millisecond}
}

// defaultRiver has the number of workers of River's documentation, for there is no
// default. It performs at most so many jobs in the 100 ms between two fetches.
func defaultRiver() system { return river{label: "river-defaults", workers: 100} }

// riverPool is how many connections River may use: more gain nothing on two cores.
const riverPool = 10

func (r river) name() string  { return r.label }
func (river) version() string { return "River " + moduleVersion("github.com/riverqueue/river") }

func (r river) settings() string {
	if r.cooldown == 0 {
		return fmt.Sprintf("MaxWorkers %d, pool of %d", r.workers, riverPool)
	}
	return fmt.Sprintf("MaxWorkers %d, FetchCooldown %v, FetchPollInterval %v, pool of %d",
		r.workers, r.cooldown, r.poll, riverPool)
}

func (river) prepare(ctx context.Context, db *server) (place, error) {
	database, err := db.createDatabase(ctx, "bench_river")
	if err != nil {
		return nil, err
	}
	pool, err := riverConnect(ctx, database.address())
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: warnings()})
	if err != nil {
		return nil, err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return database, err
}

func riverConnect(ctx context.Context, address string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = riverPool
	return pgxpool.NewWithConfig(ctx, cfg)
}

func (r river) open(ctx context.Context, address string) (session, error) {
	pool, err := riverConnect(ctx, address)
	if err != nil {
		return nil, err
	}
	client, err := riverqueue.NewClient(riverpgxv5.New(pool), r.config())
	if err != nil {
		pool.Close()
		return nil, err
	}
	return &riverSession{settings: r, pool: pool, client: client}, nil
}

// config is that of a client that only inserts. Its cooldown limits the
// notifications that it sends: with the default of 100 ms a worker would often
// learn of a job from its next poll.
func (r river) config() *riverqueue.Config {
	return &riverqueue.Config{FetchCooldown: r.cooldown, FetchPollInterval: r.poll, Logger: warnings()}
}

type riverSession struct {
	settings river
	pool     *pgxpool.Pool
	client   *riverqueue.Client[pgx.Tx] // inserts; once started, also works
}

type riverArgs struct {
	N int64 `json:"n"`
}

func (riverArgs) Kind() string { return "noop" }

func (s *riverSession) enqueue(ctx context.Context, n int64) error {
	_, err := s.client.Insert(ctx, riverArgs{n}, nil)
	return err
}

func (s *riverSession) enqueueMany(ctx context.Context, ns []int64, ids bool) error {
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

func (s *riverSession) start(ctx context.Context, events events) error {
	workers := riverqueue.NewWorkers()
	riverqueue.AddWorker(workers, riverqueue.WorkFunc(func(_ context.Context, job *riverqueue.Job[riverArgs]) error {
		events.performed(job.Args.N)
		return nil
	}))
	cfg := s.settings.config()
	cfg.Workers = workers
	cfg.Queues = map[string]riverqueue.QueueConfig{riverqueue.QueueDefault: {MaxWorkers: s.settings.workers}}
	if events.claimed != nil {
		cfg.Plugins = []rivertype.Plugin{riverFetches(events.claimed)}
	}
	client, err := riverqueue.NewClient(riverpgxv5.New(s.pool), cfg)
	if err != nil {
		return err
	}
	s.client = client
	return client.Start(ctx)
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

func (s *riverSession) stop(ctx context.Context) error {
	err := s.client.Stop(ctx)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (s *riverSession) unfinished(ctx context.Context) (bool, error) {
	var some bool
	err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM river_job
		WHERE state IN ('available', 'pending', 'retryable', 'running', 'scheduled'))`).Scan(&some)
	return some, err
}

func (s *riverSession) close() { s.pool.Close() }
