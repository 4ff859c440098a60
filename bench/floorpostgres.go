package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// floorPostgres is the same durable work by hand, without a library: a job, its place
// in line and its outcome are rows, written in batches. It has no retries, no queues, no
// types, no recovery and no notifications; it shows what the database can do.
type floorPostgres struct{}

func floorOnPostgres() system { return floorPostgres{} }

const (
	floorBatch       = 1000
	floorConnections = 2 // of a process that performs; more gain nothing on two cores
)

const floorTables = `
	CREATE TABLE job (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, type text NOT NULL, queue text NOT NULL,
		priority smallint NOT NULL, args text NOT NULL, queued_at timestamptz NOT NULL DEFAULT now());
	CREATE TABLE ready (id bigint PRIMARY KEY);
	CREATE TABLE finished (id bigint PRIMARY KEY, status smallint NOT NULL, started_at timestamptz NOT NULL,
		finished_at timestamptz NOT NULL DEFAULT now())`

const floorStore = `
	WITH stored AS (
		INSERT INTO job (type, queue, priority, args) SELECT 'NoopJob', 'default', 0, a FROM unnest($1::text[]) a RETURNING id
	)
	INSERT INTO ready SELECT id FROM stored RETURNING id`

const floorTake = `
	WITH taken AS (
		DELETE FROM ready WHERE id IN (SELECT id FROM ready ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED) RETURNING id
	)
	SELECT job.id, job.args FROM taken JOIN job USING (id)`

const floorFinish = `INSERT INTO finished (id, status, started_at) SELECT id, 1, now() FROM unnest($1::bigint[]) id`

func (floorPostgres) name() string    { return "floor" }
func (floorPostgres) version() string { return "hand-written batches" }
func (floorPostgres) settings() string {
	return fmt.Sprintf("%d jobs taken and finished in one transaction, %d connections", floorBatch, floorConnections)
}

func (floorPostgres) prepare(ctx context.Context, db *server) (place, error) {
	database, err := db.createDatabase(ctx, "bench_floor")
	if err != nil {
		return nil, err
	}
	return database, database.command(ctx, floorTables)
}

func (floorPostgres) open(ctx context.Context, address string) (session, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = 50 // one for each caller of enqueue-50
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	return &floorPostgresSession{pool: pool}, err
}

type floorPostgresSession struct {
	pool *pgxpool.Pool
	hands
}

func (s *floorPostgresSession) enqueue(ctx context.Context, n int64) error {
	return s.enqueueMany(ctx, []int64{n}, true)
}

func (s *floorPostgresSession) enqueueMany(ctx context.Context, ns []int64, _ bool) error {
	args := make([]string, len(ns))
	for i, n := range ns {
		args[i] = floorArgs(n)
	}
	rows, err := s.pool.Query(ctx, floorStore, args)
	if err != nil {
		return err
	}
	_, err = pgx.CollectRows(rows, pgx.RowTo[int64])
	return err
}

func (s *floorPostgresSession) start(ctx context.Context, events events) error {
	if events.claimed != nil {
		return errSkip // it has no wake-ups: pinning it would show how it polls
	}
	s.work(ctx, floorConnections, func(ctx context.Context) (int, error) { return s.turn(ctx, events) })
	return nil
}

// turn takes a batch, performs it and finishes it, in one transaction: a crash
// gives all of it back.
func (s *floorPostgresSession) turn(ctx context.Context, events events) (jobs int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, floorTake, floorBatch)
		if err != nil {
			return err
		}
		var ids []int64
		var id int64
		var args []byte
		_, err = pgx.ForEachRow(rows, []any{&id, &args}, func() error {
			ids = append(ids, id)
			return performFloor(args, events)
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		jobs = len(ids)
		_, err = tx.Exec(ctx, floorFinish, ids)
		return err
	})
	return jobs, err
}

func (s *floorPostgresSession) unfinished(ctx context.Context) (some bool, err error) {
	err = s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM ready)").Scan(&some)
	return some, err
}

func (s *floorPostgresSession) close() { s.pool.Close() }
