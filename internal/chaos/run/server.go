//go:build linux

package main

import (
	"context"
	_ "embed"
	"net/url"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/chaos/check"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

//go:embed server_triggers.sql
var serverTriggers string

// pgServer is a PostgreSQL server of the run's own. Every child has a proxy in front
// of it.
type pgServer struct {
	*postgres.Store
	mutex   sync.Mutex // one at a time kills and starts it
	program *pgtest.Program
	proxies []*pgtest.Proxy
}

// serverSettings: nothing is acknowledged that is not on the disk.
var serverSettings = []string{
	"fsync=on", "synchronous_commit=on", "full_page_writes=on", "max_connections=200", "shared_buffers=64MB", "max_wal_size=256MB",
}

func openServer() (database, error) {
	program, err := pgtest.StartProgram(serverSettings...)
	if err != nil {
		return nil, err
	}
	s := &pgServer{program: program}
	ctx := context.Background()
	if s.Store, err = postgres.Open(ctx, program.URL()); err == nil {
		_, err = s.Pool().Exec(ctx, serverTriggers)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *pgServer) store() store.Store { return s.Store }

func (s *pgServer) proxy(at string) (*pgtest.Proxy, error) {
	u, err := url.Parse(s.program.URL())
	if err != nil {
		return nil, err
	}
	p, err := pgtest.StartProxyAt(at, u.Host)
	if err == nil {
		s.proxies = append(s.proxies, p)
	}
	return p, err
}

func (s *pgServer) address(p *pgtest.Proxy) string {
	if p == nil {
		return s.program.URL()
	}
	return p.URL(s.program.URL())
}

func (s *pgServer) heal() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.program.Running() {
		return s.program.StartAgain()
	}
	return nil
}

func (s *pgServer) close() {
	if s.Store != nil {
		s.Store.Close()
	}
	for _, p := range s.proxies {
		p.Stop()
	}
	s.program.Close()
}

// outage kills the server and starts it again after a while.
func (s *pgServer) outage(ctx context.Context, d time.Duration) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.program.Kill(); err != nil {
		return err
	}
	_ = pause(ctx, d)
	return s.program.StartAgain()
}

// terminate ends every session of the server but those of the supervisor.
func (s *pgServer) terminate(ctx context.Context) error {
	return s.directly(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'")
		return err
	})
}

// pin leaves a transaction with an old snapshot idle for a while.
func (s *pgServer) pin(ctx context.Context, d time.Duration) error {
	return s.directly(ctx, func(conn *pgx.Conn) error {
		tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
		if err != nil {
			return err
		}
		defer tx.Rollback(context.WithoutCancel(ctx))
		if _, err := tx.Exec(ctx, "SELECT count(*) FROM later.meta"); err != nil {
			return err
		}
		return pause(ctx, d)
	})
}

func (s *pgServer) directly(ctx context.Context, fn func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, s.program.URL())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return fn(conn)
}

func (s *pgServer) moves(ctx context.Context) ([]check.Move, error) {
	return collectPgx(ctx, s, `SELECT job_id, (extract(epoch FROM at) * 1000000)::bigint, place, coalesce(token, 0), coalesce(process_id, 0), attempt, crashes,
		coalesce(kind, 0), coalesce((extract(epoch FROM run_at) * 1000000)::bigint, 0) FROM chaos.move ORDER BY seq`, scanMove)
}

func (s *pgServer) attempts(ctx context.Context) ([]check.Attempt, error) {
	return collectPgx(ctx, s, "SELECT job_id, token, outcome FROM later.attempt", scanAttempt)
}

func (s *pgServer) rows(ctx context.Context) (map[int64]int, error) {
	return countedRows(collectPgx(ctx, s, "SELECT job_id FROM chaos.effect", scanID))
}

func (s *pgServer) audit(ctx context.Context) (a check.Audit, err error) {
	err = s.Pool().QueryRow(ctx, `WITH place AS (
		SELECT job_id FROM later.waiting UNION ALL SELECT job_id FROM later.ready UNION ALL SELECT job_id FROM later.claimed UNION ALL SELECT job_id FROM later.finished),
		places AS (SELECT job_id, count(*) AS n FROM place GROUP BY job_id)
		SELECT (SELECT count(*) FROM later.job), (SELECT count(*) FROM place),
			(SELECT count(*) FROM later.job LEFT JOIN places ON job_id = id WHERE coalesce(n, 0) <> 1)`).Scan(&a.Rows, &a.Placed, &a.Lost)
	if err != nil {
		return a, err
	}
	a.Counted, err = countStatuses(collectPgx(ctx, s, "SELECT status, count(*) FROM later.jobs GROUP BY status", scanStatus))
	return a, err
}

func collectPgx[T any](ctx context.Context, s *pgServer, query string, scan func(row) (T, error)) (all []T, err error) {
	found, err := s.Pool().Query(ctx, query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(found, func(r pgx.CollectableRow) (T, error) { return scan(r) })
}
