package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/laterjobs/later/internal/listeners"
	"github.com/laterjobs/later/internal/processlock"
	"github.com/laterjobs/later/store"
)

// Store keeps jobs in a PostgreSQL database. It implements store.Store and
// store.Clock.
type Store struct {
	options
	pool           *pgxpool.Pool
	owned          bool // Close closes pool
	connConfig     *pgx.ConnConfig
	connectTimeout time.Duration
	pooled         bool // connections go through a pooler
	statements     map[string]string
	id             string // of the store in the database

	entry     *writer // stores jobs and outcomes, and does the upkeep that may take a while
	work      *writer // claims and promotes
	beat      *link   // heartbeats
	messenger *messenger
	listeners *listeners.Set
	lanes     allLanes
	due       dueHint
	clock     clock
	locks     *processlock.Locks
	keyed     chan struct{} // holds one for each enqueue with unique keys that uses the pool
	stranger  strangerWatch
	vanished  vanished
	hearing   hearing

	lookingLater atomic.Bool
	meek         atomic.Bool // that a right is missing has been said
	closed       atomic.Bool
}

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	schema           string
	withoutMigration bool
	withMigration    bool
	withoutListen    bool
	log              *slog.Logger
}

// Schema names the schema of the tables; "later" by default. Several systems
// live side by side in one database, each in its own.
func Schema(name string) Option { return func(o *options) { o.schema = name } }

// WithMigration brings an older schema up to date. By default a schema is made
// where there is none, and an older one is refused with store.ErrVersion.
func WithMigration() Option { return func(o *options) { o.withMigration = true } }

// WithoutMigration does not even make a schema where there is none.
func WithoutMigration() Option { return func(o *options) { o.withoutMigration = true } }

// WithoutListen neither sends nor receives messages (NOTIFY): jobs of other
// processes are found by polling.
func WithoutListen() Option { return func(o *options) { o.withoutListen = true } }

// Logger is told when messages do not arrive; slog.Default() by default.
func Logger(log *slog.Logger) Option { return func(o *options) { o.log = log } }

// Open opens the store in the database of a URL or a connection string, as libpq
// takes them, with a pool of its own: Pool.
//
// The errors: store.ErrUnavailable for a database that cannot be reached;
// store.ErrUnsuitable for one that is too old or not in UTF-8; store.ErrVersion for
// a schema that is older or newer than the program.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnsuitable, withoutPassword(url, err))
	}
	shareTimeout(cfg.ConnConfig)
	s := newStore(cfg.ConnConfig, opts)
	if err := s.probe(ctx); err != nil {
		return nil, fmt.Errorf("open the store: %w", s.classify(ctx, err))
	}
	cfg.ConnConfig.DefaultQueryExecMode = s.connConfig.DefaultQueryExecMode
	cfg.ConnConfig.RuntimeParams["application_name"] = s.connConfig.RuntimeParams["application_name"]
	if s.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open the store: %w", classify(err))
	}
	s.owned = true
	return s.start(ctx)
}

// withoutPassword: the driver's message quotes the connection string, and takes the
// password out where it finds it, which is certain in a well-formed URL only.
func withoutPassword(text string, err error) error {
	_, malformed := url.Parse(text)
	isURL := strings.Contains(text, "://") && malformed == nil
	if !isURL && (strings.Contains(text, "password") || strings.Contains(text, "@")) {
		return errors.New("cannot read the connection string")
	}
	return err
}

// New opens the store in the database of a pool of yours. Reading goes through
// it; claims, outcomes and heartbeats use connections of the store's own. Closing the
// store leaves the pool open.
func New(pool *pgxpool.Pool, opts ...Option) (*Store, error) {
	s := newStore(pool.Config().ConnConfig, opts)
	ctx, cancel := context.WithTimeout(context.Background(), 2*s.connectTimeout)
	defer cancel()
	s.pool = pool
	if err := s.probe(ctx); err != nil {
		return nil, fmt.Errorf("open the store: %w", s.classify(ctx, err))
	}
	return s.start(ctx)
}

func newStore(cfg *pgx.ConnConfig, opts []Option) *Store {
	s := &Store{options: optionsOf(opts), connConfig: cfg.Copy()}
	s.connectTimeout = shareTimeout(s.connConfig)
	if s.connConfig.RuntimeParams["application_name"] == "" {
		s.connConfig.RuntimeParams["application_name"] = "later"
	}
	s.statements = statementsIn(s.schema)
	s.lanes.byTypes = map[string]*lanes{}
	s.listeners = &listeners.Set{}
	s.messenger = newMessenger(s)
	return s
}

func optionsOf(opts []Option) options {
	o := options{schema: defaultSchema, log: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// probe looks at the server and prepares the schema, over a connection that it
// closes again.
func (s *Store) probe(ctx context.Context) error {
	s.pooled = true // no settings until that is known
	conn, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if s.pooled, err = throughPooler(ctx, conn); err != nil {
		return err
	}
	if s.pooled {
		// Prepared statements stay with one connection of the server.
		s.connConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		s.connConfig.StatementCacheCapacity = 0
	}
	if err := s.checkServer(ctx, conn); err != nil {
		return err
	}
	if err := s.prepare(ctx, conn); err != nil {
		return err
	}
	if err := s.hearClock(ctx, conn); err != nil {
		return err
	}
	if err := s.lookAtHistory(ctx, conn); err != nil && !errors.Is(err, errStandby) {
		return err
	}
	return conn.QueryRow(ctx, s.query("store_id"), pgx.QueryExecModeExec).Scan(&s.id)
}

func (s *Store) start(ctx context.Context) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	s.locks = locksOf(s.id)
	s.keyed = make(chan struct{}, max(1, s.pool.Config().MaxConns/2))
	s.entry, s.work, s.beat = newWriter(s), newWriter(s), newLink(s, beatTime)
	switch {
	case s.withoutListen:
	case s.pooled:
		// LISTEN would stay with one connection of the server, and its messages go to
		// whoever borrows that next.
		s.log.Info("the database is reached through a pooler, where no messages arrive; jobs of other processes are found by polling")
	default:
		s.listeners.Watch = s.messenger.listen
	}
	return s, nil
}

// locksOf are the locks of the processes on this host that work on a store. Without a
// folder for them there are none, and deaths are observed.
func locksOf(storeID string) *processlock.Locks {
	folder := processlock.UserFolder()
	if folder == "" {
		return processlock.New("")
	}
	return processlock.New(filepath.Join(folder, storeID+"-"))
}

// Pool returns the pool, for transactions of your own: see Tx.
func (s *Store) Pool() *pgxpool.Pool { return s.pool }

// alive is the error of a call that has nothing to do.
func (s *Store) alive(ctx context.Context) error {
	if s.closed.Load() {
		return store.ErrClosed
	}
	return ctx.Err()
}

// Close answers what has been asked and closes the store's connections. Later calls
// get store.ErrClosed; a second Close does nothing.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.listeners.Close()
	s.entry.close()
	s.work.close()
	s.messenger.close()
	s.beat.close()
	s.locks.ReleaseAll()
	if s.owned {
		s.pool.Close()
	}
	return nil
}
