package postgres_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"hash/crc32"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
	"github.com/laterjobs/later/storetest"
)

// TestStoreThroughBouncer: the contract through PgBouncer in transaction mode. A third of
// it, another one each day: the same statements run without it in TestStore. The variable
// LATER_TEST_ALL takes all. Of the random operations a tenth will do.
func TestStoreThroughBouncer(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	url := pgtest.URL(t)
	pooled := pgtest.Bouncer(t, url)
	setFlag(t, "rapid.checks", "5")
	storetest.Run(t, func(t testing.TB) store.Store {
		if _, test, _ := strings.Cut(t.Name(), "/"); os.Getenv("LATER_TEST_ALL") == "" && strings.Contains(test, "/") {
			if crc32.ChecksumIEEE([]byte(test))%3 != uint32(time.Now().YearDay()%3) {
				t.Skip("its turn is another day")
			}
		}
		return open(t, pooled, inOwnSchema(t, url), silent)
	})
}

// silent: that there is a pooler need not be said hundreds of times.
var silent = postgres.Logger(slog.New(slog.DiscardHandler))

func setFlag(t testing.TB, name, value string) {
	t.Helper()
	before := flag.Lookup(name).Value.String()
	if err := flag.Set(name, value); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { flag.Set(name, before) })
}

// TestQueueThroughBouncer: from end to end, in transactions too. The jobs of another
// process are found by polling.
func TestQueueThroughBouncer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pooled, schema := pgtest.Bouncer(t, url), inOwnSchema(t, url)
	s := open(t, pooled, schema, silent)
	var performed counted
	worker := newQueue(t, s, quickly, numberJob.Do(func(ctx context.Context, args numberArgs) error {
		if args.N%2 == 0 {
			return performed.perform(ctx, args)
		}
		return pgx.BeginFunc(ctx, s.Pool(), func(tx pgx.Tx) error {
			return errors.Join(performed.perform(ctx, args), later.CompleteTx(ctx, s.Tx(tx), args.N))
		})
	}))
	start(t, worker)
	other := open(t, pooled, schema, silent)
	producer := newQueue(t, other, later.Config{})
	var ids []int64
	for n := range int64(200) {
		if n%3 == 0 {
			ids = append(ids, inTx(t, other, true, func(e later.Enqueuer) later.Job { return enqueue(t, e, n) }).ID)
			continue
		}
		ids = append(ids, enqueue(t, producer, n).ID)
	}
	allCompleted(t, worker, ids)
	for n := range int64(200) {
		if performed.of(n) != 1 {
			t.Errorf("job %d was performed %d times", n, performed.of(n))
		}
	}
}

// TestPoolThroughBouncer: a pool of the user's own that prepares statements, which
// this pooler does not know, does for reading and for transactions.
func TestPoolThroughBouncer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := poolFor(t, pgtest.Bouncer(t, url))
	s, err := postgres.New(pool, inOwnSchema(t, url), silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if err := readAndWrite(t.Context(), s, pool.Begin); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func readAndWrite(ctx context.Context, s *postgres.Store, begin func(context.Context) (pgx.Tx, error)) error {
	tx, err := begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	stored, err := s.Tx(tx).Enqueue(ctx, []store.NewJob{plain}, s.Now())
	if err != nil {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return err
	}
	_, err = s.Get(ctx, stored[0].ID)
	return err
}

// TestTransactionsThroughBouncer: what docs/postgres.md says of transactions on a pool
// or a *sql.DB that goes through PgBouncer, whether the store does so or not.
func TestTransactionsThroughBouncer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pooled, own := pgtest.Bouncer(t, url), ownSchema(t, url)
	told := withParameter(t, pooled, "default_query_exec_mode", "exec")
	through, direct := open(t, pooled, postgres.Schema(own), silent), open(t, url, postgres.Schema(own))
	db, err := sql.Open("pgx", told)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	plainPool, toldPool := poolFor(t, pooled), poolFor(t, told)
	for name, enqueue := range map[string]func(context.Context) error{
		"store.Tx, the store through PgBouncer":    func(ctx context.Context) error { return readAndWrite(ctx, through, plainPool.Begin) },
		"store.Tx, the store on the server":        func(ctx context.Context) error { return readAndWrite(ctx, direct, toldPool.Begin) },
		"store.SQLTx, the store through PgBouncer": func(ctx context.Context) error { return enqueueInSQL(ctx, through, db) },
		"store.SQLTx, the store on the server":     func(ctx context.Context) error { return enqueueInSQL(ctx, direct, db) },
	} {
		t.Run(name, func(t *testing.T) {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					for range 10 {
						if err := enqueue(t.Context()); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			all.Wait()
		})
	}
}

func enqueueInSQL(ctx context.Context, s *postgres.Store, db *sql.DB) error {
	return within(ctx, db, func(tx *sql.Tx) error {
		_, err := s.SQLTx(tx).Enqueue(ctx, []store.NewJob{plain}, s.Now())
		return err
	})
}

// TestNobodyListensThroughBouncer: LISTEN would stay with a connection of the
// server's, and whoever borrows that next would get the messages. That is said once.
func TestNobodyListensThroughBouncer(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pooled, own := pgtest.Bouncer(t, url), ownSchema(t, url)
	var said safeBuffer
	s := open(t, pooled, postgres.Schema(own), postgres.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	queue := newQueue(t, s, quickly, numberJob.Do(func(context.Context, numberArgs) error { return nil }))
	start(t, queue)
	wait(t, queue, enqueue(t, queue, 1).ID)

	direct := open(t, url, postgres.Schema(own))
	woken, err := direct.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	<-woken // it listens
	enqueue(t, queue, 2)
	<-woken // messages go out all the same

	if heard := borrowAndNotify(t, pooled, url, own); heard > 0 {
		t.Errorf("a stranger got %d messages", heard)
	}
	if n := strings.Count(said.String(), "\n"); n != 1 || !strings.Contains(said.String(), "found by polling") {
		t.Errorf("%d lines: %s", n, said.String())
	}
}

// borrowAndNotify counts the messages that arrive at connections that a pooler lends.
func borrowAndNotify(t *testing.T, pooled, direct, channel string) (heard int) {
	t.Helper()
	config, err := pgx.ParseConfig(pooled + "&default_query_exec_mode=exec")
	if err != nil {
		t.Fatal(err)
	}
	config.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) { heard++ }
	var borrowed []*pgx.Conn
	for range 10 { // more than the store has
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(t.Context(), "BEGIN"); err != nil {
			t.Fatal(err)
		}
		borrowed = append(borrowed, conn)
	}
	exec(t, direct, "NOTIFY "+channel)
	for _, conn := range borrowed {
		// A message to a session that is in a transaction comes with its end.
		if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
			t.Fatal(err)
		}
	}
	return heard
}

// safeBuffer is a buffer that several goroutines write to.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
