package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/laterjobs/later/internal/listeners"
	"github.com/laterjobs/later/internal/processlock"
	"github.com/laterjobs/later/internal/sqlfile"
	"github.com/laterjobs/later/store"
)

// Store keeps jobs in one SQLite database. It implements store.Store.
type Store struct {
	db        *sql.DB
	owned     bool // Close closes db
	path      string
	inMemory  bool
	id        string // of the store in the database
	files     identity
	writer    *writer
	kept      kept // statements of readers
	listeners *listeners.Set
	hurry     chan struct{} // makes the poll look often for a while
	locks     *processlock.Locks
	memory    memoryGate
	closed    atomic.Bool
	foreign   atomic.Int64 // commits of others that the poll has seen
	watch     watch
}

// memoryGate keeps readers and the writer of a database in memory apart. Files
// need no such thing: their readers and their writer do not meet.
type memoryGate struct {
	on bool
	mu sync.RWMutex
}

func (g *memoryGate) Lock() {
	if g.on {
		g.mu.Lock()
	}
}

func (g *memoryGate) Unlock() {
	if g.on {
		g.mu.Unlock()
	}
}

func (g *memoryGate) RLock() {
	if g.on {
		g.mu.RLock()
	}
}

func (g *memoryGate) RUnlock() {
	if g.on {
		g.mu.RUnlock()
	}
}

// Option changes how a store is opened.
type Option func(*options)

type options struct{ withoutMigration bool }

// WithoutMigration leaves an older schema as it is: opening it is then refused
// with store.ErrVersion. By default it is brought up to date.
func WithoutMigration() Option { return func(o *options) { o.withoutMigration = true } }

// busyTimeout is how long a statement waits for other writers of the file.
const busyTimeout = 10 * time.Second

// busyTurn is how long the writer waits for them before it begins to wait anew. The
// longer SQLite waits, the more rarely it looks, in the end every 100 ms: beside a
// process that writes without a pause it would hardly ever find the gap.
const busyTurn = 4 * time.Millisecond

func setBusyTimeout(d time.Duration) string {
	return "PRAGMA busy_timeout=" + strconv.Itoa(int(d.Milliseconds()))
}

// Open opens the store in a file, and makes the file if there is none.
// ":memory:" is a store of this process alone, gone when it is closed.
//
// The errors: store.ErrUnsuitable for a file that is no database or belongs to
// another application, on a network file system, or with a version of SQLite
// that may corrupt it; store.ErrVersion for a schema newer than the program;
// store.ErrUnavailable for a file that cannot be opened or stays locked.
func Open(path string, opts ...Option) (*Store, error) {
	dsn := "file:" + (&url.URL{Path: filepath.ToSlash(path)}).EscapedPath() + "?"
	inMemory := path == ":memory:"
	if inMemory {
		dsn = "file:/later-" + strconv.FormatUint(rand.Uint64(), 36) + "?vfs=memdb&"
	} else if err := checkFileSystem(sqlfile.Network(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db, err := sql.Open("sqlite", dsn+"_txlock=immediate&_pragma=busy_timeout("+strconv.Itoa(int(busyTimeout.Milliseconds()))+")")
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, classify(err))
	}
	db.SetMaxIdleConns(maxIdle)
	s, err := open(db, absolute(path, inMemory), inMemory, opts)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	s.owned = true
	return s, nil
}

// absolute is a path that stays right when the program changes its directory.
func absolute(path string, inMemory bool) string {
	whole, err := filepath.Abs(path)
	if inMemory || err != nil {
		return path
	}
	return whole
}

// maxIdle bounds the connections that are kept for readers.
const maxIdle = 4

// minConns is what the store needs of a database that somebody else opened:
// one to write, one to listen, one to read, and one for the user's transaction.
const minConns = 4

// New opens the store in a database that you have opened, with the SQLite driver
// of your choice, on a file. Closing the store leaves db open.
func New(db *sql.DB, opts ...Option) (*Store, error) {
	if most := db.Stats().MaxOpenConnections; most > 0 && most < minConns {
		return nil, fmt.Errorf("%w: the *sql.DB allows %d connections, the store needs %d; raise SetMaxOpenConns",
			store.ErrUnsuitable, most, minConns)
	}
	var number int
	var name, path string
	if err := db.QueryRow("PRAGMA database_list").Scan(&number, &name, &path); err != nil {
		return nil, fmt.Errorf("open the store: %w", classify(err))
	}
	if path == "" {
		return nil, fmt.Errorf("%w: the *sql.DB is a database in memory, which its connections may not share; "+
			`use a file, or sqlite.Open(":memory:")`, store.ErrUnsuitable)
	}
	if err := checkFileSystem(sqlfile.Network(filepath.Dir(path))); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s, err := open(db, path, false, opts)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return s, nil
}

func open(db *sql.DB, path string, inMemory bool, opts []Option) (*Store, error) {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	ctx := context.Background()
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, classify(err)
	}
	s := &Store{db: db, kept: kept{db: db}, path: path, inMemory: inMemory, listeners: &listeners.Set{}, hurry: make(chan struct{}, 1), locks: newLocks(path, inMemory)}
	s.memory.on = inMemory
	if !inMemory {
		s.listeners.Watch = s.poll
	}
	if err := s.ready(ctx, conn, o); err != nil {
		return nil, errors.Join(classify(err), conn.Close())
	}
	if !inMemory {
		if s.files, err = identify(ctx, conn, path); err != nil {
			return nil, errors.Join(classify(err), conn.Close())
		}
	}
	s.writer = newWriter(s, conn)
	go s.writer.loop()
	return s, nil
}

// newLocks are files beside the database. No other process sees one in memory.
func newLocks(path string, inMemory bool) *processlock.Locks {
	if inMemory {
		return processlock.New("")
	}
	return processlock.New(path + "-lock-")
}

// ready checks the database and prepares it for the writer's connection.
func (s *Store) ready(ctx context.Context, conn *sql.Conn, o options) error {
	if err := checkVersion(ctx, conn); err != nil {
		return err
	}
	if err := checkOwner(ctx, conn); err != nil {
		return err
	}
	if err := s.configure(ctx, conn); err != nil {
		return err
	}
	if err := migrate(ctx, conn, !o.withoutMigration); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, setBusyTimeout(busyTurn)); err != nil {
		return err
	}
	return conn.QueryRowContext(ctx, query("store_id")).Scan(&s.id)
}

// configure sets what the writer relies on, whoever opened the database.
func (s *Store) configure(ctx context.Context, conn *sql.Conn) error {
	pragmas := []string{
		setBusyTimeout(busyTimeout),
		"PRAGMA synchronous=FULL",
		"PRAGMA cache_size=-5000",     // KiB
		"PRAGMA wal_autocheckpoint=0", // the writer does it between transactions
		"PRAGMA journal_size_limit=" + strconv.Itoa(8*checkpointAt),
	}
	for _, pragma := range pragmas {
		if _, err := conn.ExecContext(ctx, pragma); err != nil {
			return fmt.Errorf("%s: %w", pragma, err)
		}
	}
	if s.inMemory {
		return nil
	}
	return useWAL(ctx, conn)
}

// useWAL turns on the write-ahead log. Of several processes that do so at once
// some are told that the file is busy, without waiting: they try again.
func useWAL(ctx context.Context, conn *sql.Conn) error {
	deadline := time.Now().Add(busyTimeout)
	for {
		var mode string
		err := conn.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode)
		if err == nil && mode == "wal" {
			err = checkWAL(ctx, conn)
		}
		switch {
		case err == nil && mode == "wal":
			return nil
		case err == nil:
			return fmt.Errorf("%w: its file system has no shared memory for the write-ahead log (journal mode is %s)",
				store.ErrUnsuitable, mode)
		case !isLocked(err) || time.Now().After(deadline):
			return fmt.Errorf("turn on the write-ahead log: %w", err)
		}
		pause := time.NewTimer(5 * time.Millisecond)
		<-pause.C
	}
}

// isLocked tells a file that somebody else has locked from one that the disk refuses.
func isLocked(err error) bool {
	return errors.Is(classify(err), store.ErrUnavailable) && doubtAfter(err) == noDoubt && !errors.Is(err, errNoLog)
}

// errNoLog: there is no write-ahead log.
var errNoLog = fmt.Errorf("%w: the disk refused it", store.ErrUnavailable)

// checkWAL insists that there is a write-ahead log. SQLite says so before it has
// changed the file, and goes on saying so when that has failed: with a journal
// that would lose the last commit in a power failure.
func checkWAL(ctx context.Context, conn *sql.Conn) error {
	var busy, frames, moved int
	err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(NOOP)").Scan(&busy, &frames, &moved)
	if err != nil || frames >= 0 {
		return err
	}
	_, err = conn.ExecContext(ctx, "PRAGMA journal_mode=DELETE") // so that it can be tried again
	return errors.Join(errNoLog, err)
}

// DB returns the database, for transactions of your own: see Tx.
func (s *Store) DB() *sql.DB { return s.db }

// Close answers what has been asked, moves the write-ahead log into the file and
// lets go of it. Later calls get store.ErrClosed; a second Close does nothing.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	s.listeners.Close()
	err := s.writer.close()
	s.kept.close()
	s.locks.ReleaseAll()
	if s.owned && !errors.Is(err, errLogLost) { // the last connection to go would move the log into the file
		err = errors.Join(err, s.db.Close())
	}
	return err
}
