package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// link is one connection of the store's own, opened when it is needed and again
// after it broke. One caller at a time has it.
type link struct {
	store     *Store
	roundTrip time.Duration // bounds one use: a server that takes longer is taken for gone
	turn      chan struct{} // holds one token; whoever has it has the connection
	conn      *pgx.Conn
}

func newLink(s *Store, roundTrip time.Duration) *link {
	l := &link{store: s, roundTrip: roundTrip, turn: make(chan struct{}, 1)}
	l.turn <- struct{}{}
	return l
}

const (
	// workTime bounds one batch, however large.
	workTime = 15 * time.Second
	// beatTime bounds a heartbeat: there must be time for another before the process
	// is taken for dead.
	beatTime = 5 * time.Second
)

// use calls fn with the connection.
func (l *link) use(ctx context.Context, fn func(context.Context, *pgx.Conn) error) error {
	select {
	case <-l.turn:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { l.turn <- struct{}{} }()
	if err := l.open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.roundTrip)
	defer cancel()
	err := fn(ctx, l.conn)
	if readOnly(err) {
		l.hangUp() // another connection may lead to another server
	}
	return err
}

// open connects if there is no connection that lives.
func (l *link) open(ctx context.Context) (err error) {
	if l.conn != nil && !l.conn.IsClosed() {
		return nil
	}
	l.conn, err = l.store.connect(ctx)
	return err
}

// close waits for the present caller.
func (l *link) close() {
	<-l.turn
	if l.conn != nil {
		l.hangUp()
	}
	l.turn <- struct{}{}
}

func (l *link) hangUp() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = l.conn.Close(ctx) // the server notices, at the latest when the program ends
}

const (
	// connectTimeout bounds one attempt to connect.
	connectTimeout = 4 * time.Second
	// hostTimeout bounds it for each of several hosts: one that is off the network must
	// not take the time in which another would have answered.
	hostTimeout = 2 * time.Second
)

// shareTimeout bounds the time for each host if the URL names several.
func shareTimeout(cfg *pgx.ConnConfig) (whole time.Duration) {
	hosts := map[string]bool{fmt.Sprint(cfg.Host, ":", cfg.Port): true}
	for _, other := range cfg.Fallbacks {
		hosts[fmt.Sprint(other.Host, ":", other.Port)] = true
	}
	if len(hosts) == 1 {
		return connectTimeout
	}
	if cfg.ConnectTimeout == 0 || cfg.ConnectTimeout > hostTimeout {
		cfg.ConnectTimeout = hostTimeout
	}
	return max(connectTimeout, time.Duration(len(hosts))*hostTimeout)
}

// plannerSettings leave one sensible plan to each statement, whatever the
// statistics say: the tables swing between empty and full, and a plan that was made
// for one is wrong for the other.
const plannerSettings = `SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
	SET enable_mergejoin = off; SET enable_hashagg = off; SET enable_bitmapscan = off; SET jit = off; SET client_min_messages = warning`

// pooledSettings are the same for one transaction. Through a pooler each transaction has
// to set them anew: what is set for longer stays with a connection of the server's that
// serves somebody else next.
var pooledSettings = func() string {
	var calls []string
	for _, name := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_hashagg", "enable_bitmapscan", "jit"} {
		calls = append(calls, "set_config('"+name+"', 'off', true)")
	}
	return strings.Join(calls, ", ")
}()

// settings are what a transaction of the store's own has to set, as calls of set_config.
// One that need not survive a crash of the server does not wait for its disk.
func (s *Store) settings(durable bool) string {
	const relaxed = "set_config('synchronous_commit', 'off', true)"
	switch {
	case s.pooled && durable:
		return pooledSettings
	case s.pooled:
		return relaxed + ", " + pooledSettings
	case durable:
		return ""
	}
	return relaxed
}

// own is a session on one of the store's own connections, for single statements.
func (s *Store) own(ctx context.Context, conn *pgx.Conn) *session {
	if s.pooled {
		return &session{s, ctx, settled{conn}}
	}
	return &session{s, ctx, conn}
}

// settled sends the settings of the planner along with each statement: one round trip,
// which the server makes one transaction.
type settled struct{ conn *pgx.Conn }

func (p settled) Query(ctx context.Context, text string, args ...any) (pgx.Rows, error) {
	b := &pgx.Batch{}
	b.Queue("SELECT " + pooledSettings)
	b.Queue(text, args...)
	answers := p.conn.SendBatch(ctx, b)
	if _, err := answers.Exec(); err != nil {
		return nil, errors.Join(err, answers.Close())
	}
	found, err := answers.Query()
	if err != nil {
		return nil, errors.Join(err, answers.Close())
	}
	return &settledRows{Rows: found, answers: answers}, nil
}

func (p settled) Exec(ctx context.Context, text string, args ...any) (pgconn.CommandTag, error) {
	found, err := p.Query(ctx, text, args...)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	found.Close()
	return found.CommandTag(), found.Err()
}

// settledRows end the batch that they come from.
type settledRows struct {
	pgx.Rows
	answers pgx.BatchResults
	closed  error
}

func (r *settledRows) Close() {
	r.Rows.Close()
	r.closed = r.answers.Close()
}

func (r *settledRows) Err() error { return cmp.Or(r.Rows.Err(), r.closed) }

// connect opens a connection of the store's own, to a server that takes writes.
func (s *Store) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	if err := s.lookAtHistory(ctx, conn); err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("%w: %w", errNotBegun, err)
	}
	writeColumnsAtOnce(conn)
	return conn, nil
}

// dial opens a connection and sets what its statements rely on.
func (s *Store) dial(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, s.connConfig.Copy())
	if err != nil || s.pooled {
		return conn, err // what is set through a pooler would stay with somebody else's connection
	}
	if _, err := conn.PgConn().Exec(ctx, plannerSettings).ReadAll(); err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("set up a connection: %w", err)
	}
	return conn, nil
}

// throughPooler reports whether a connection goes through a pooler that lends
// connections of the server: such a one invents the process id that it tells.
func throughPooler(ctx context.Context, conn *pgx.Conn) (bool, error) {
	var pid uint32
	err := conn.QueryRow(ctx, "SELECT pg_backend_pid()", pgx.QueryExecModeExec).Scan(&pid)
	return pid != conn.PgConn().PID(), err
}
