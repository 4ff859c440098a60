package pgtest_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
)

func TestProxyForwards(t *testing.T) {
	_, url := proxy(t)
	if length := get[int](t, connect(t, url), "SELECT length(repeat('x', 3000000) || $1)", "y"); length != 3000001 {
		t.Errorf("length: %d", length)
	}
	if text := get[string](t, connect(t, url), "SELECT repeat('x', 3000000)"); len(text) != 3000000 {
		t.Errorf("length: %d", len(text))
	}
}

func TestProxyCuts(t *testing.T) {
	p, url := proxy(t)
	session := connect(t, url)
	p.Cut()
	if err := session.Ping(t.Context()); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("error: %v", err)
	}
	connect(t, url)
}

func TestProxyRefuses(t *testing.T) {
	p, url := proxy(t)
	session := connect(t, url)
	p.Refuse(true)
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("a refused connection works")
	}
	if err := session.Ping(t.Context()); err != nil {
		t.Errorf("the present connection: %v", err)
	}
	p.Refuse(false)
	connect(t, url)
}

// TestProxyFreezes: what was sent while the network stood still arrives later, and
// a frozen connection can be cut.
func TestProxyFreezes(t *testing.T) {
	p, url := proxy(t)
	session := connect(t, url)
	p.Freeze(true)
	pinged := make(chan error, 1)
	go func() { pinged <- session.Ping(context.Background()) }()
	select {
	case err := <-pinged:
		t.Fatalf("a frozen connection answers: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	p.Freeze(false)
	if err := <-pinged; err != nil {
		t.Error(err)
	}
	p.Freeze(true)
	go func() { pinged <- session.Ping(context.Background()) }()
	p.Cut()
	if err := <-pinged; err == nil {
		t.Error("a connection that was cut answers")
	}
}

// TestProxyCutsAfterCommit: the client sees an error, and the row is there.
func TestProxyCutsAfterCommit(t *testing.T) {
	direct := connect(t, pgtest.URL(t))
	exec(t, direct, "CREATE TABLE commits (way text)")
	t.Cleanup(func() { direct.Exec(context.Background(), "DROP TABLE commits") })
	const insert = "INSERT INTO commits VALUES ($1)"
	for way, commit := range map[string]func(context.Context, *pgx.Conn, string) error{
		"simple": func(ctx context.Context, session *pgx.Conn, way string) error {
			_, err := session.Exec(ctx, "INSERT INTO commits VALUES ('"+way+"')")
			return err
		},
		"extended": func(ctx context.Context, session *pgx.Conn, way string) error {
			_, err := session.Exec(ctx, insert, way)
			return err
		},
		"returning": func(ctx context.Context, session *pgx.Conn, way string) error {
			err := session.QueryRow(ctx, insert+" RETURNING way", way).Scan(&way)
			return err
		},
		"batch": func(ctx context.Context, session *pgx.Conn, way string) error {
			batch := &pgx.Batch{}
			batch.Queue(insert, way)
			batch.Queue("SELECT 1")
			return session.SendBatch(ctx, batch).Close()
		},
		"copy": func(ctx context.Context, session *pgx.Conn, way string) error {
			_, err := session.CopyFrom(ctx, pgx.Identifier{"commits"}, []string{"way"}, pgx.CopyFromRows([][]any{{way}}))
			return err
		},
		"transaction": commitTransaction,
	} {
		t.Run(way, func(t *testing.T) {
			p, url := proxy(t)
			session := connect(t, url)
			fired := p.CutAfterCommit()
			harmless(t, session)
			mustNotHaveFired(t, fired)
			if err := commit(t.Context(), session, way); err == nil {
				t.Error("the client saw that it committed")
			}
			<-fired
			if n := get[int](t, direct, "SELECT count(*) FROM commits WHERE way = $1", way); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
			get[int](t, connect(t, url), "SELECT 1") // it fires once
		})
	}
}

// commitTransaction returns what Commit returns, and nil if anything failed before.
func commitTransaction(ctx context.Context, session *pgx.Conn, way string) error {
	tx, err := session.Begin(ctx)
	if err != nil {
		return nil
	}
	if _, err := tx.Exec(ctx, "INSERT INTO commits VALUES ($1)", way); err != nil {
		return nil
	}
	return tx.Commit(ctx)
}

// harmless does much that commits nothing.
func harmless(t *testing.T, session *pgx.Conn) {
	t.Helper()
	if err := session.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, session, "LISTEN anything")
	if _, err := session.Prepare(t.Context(), "one", "SELECT 1"); err != nil {
		t.Fatal(err)
	}
	if _, err := session.Exec(t.Context(), "INSERT INTO nowhere VALUES ($1)", 1); err == nil {
		t.Fatal("there is a table nowhere")
	}
	exec(t, session, "BEGIN")
	exec(t, session, "INSERT INTO commits VALUES ('rolled back')")
	exec(t, session, "ROLLBACK")
}

func mustNotHaveFired(t *testing.T, fired <-chan struct{}) {
	t.Helper()
	select {
	case <-fired:
		t.Fatal("it fired without a commit")
	default:
	}
}

// TestProxyDeliversNotificationsWhileArmed: they arrive between answers.
func TestProxyDeliversNotificationsWhileArmed(t *testing.T) {
	p, url := proxy(t)
	session := connect(t, url)
	exec(t, session, "LISTEN news")
	p.CutAfterCommit()
	exec(t, connect(t, pgtest.URL(t)), "NOTIFY news")
	if _, err := session.WaitForNotification(t.Context()); err != nil {
		t.Error(err)
	}
}

// proxy returns a proxy in front of the shared server, and the URL through it.
func proxy(t *testing.T) (*pgtest.Proxy, string) {
	t.Helper()
	url := pgtest.URL(t)
	p := pgtest.NewProxy(t, pgtest.Address(t, url))
	return p, p.URL(url)
}

// TestProxyFreezesOneDirection: the server acts on what it hears, and its answer
// comes late; or it hears nothing.
func TestProxyFreezesOneDirection(t *testing.T) {
	direct := connect(t, pgtest.URL(t))
	exec(t, direct, "CREATE TABLE directions (way text)")
	t.Cleanup(func() { direct.Exec(context.Background(), "DROP TABLE directions") })
	rows := func(way string) int {
		return get[int](t, direct, "SELECT count(*) FROM directions WHERE way = $1", way)
	}
	for way, freeze := range map[string]func(*pgtest.Proxy, bool){
		"requests": (*pgtest.Proxy).FreezeRequests, "answers": (*pgtest.Proxy).FreezeAnswers,
		"sayers": func(p *pgtest.Proxy, freeze bool) { p.FreezeWhoSaid("INSERT INTO directions", freeze) },
	} {
		t.Run(way, func(t *testing.T) {
			p, url := proxy(t)
			session := connect(t, url)
			freeze(p, true)
			inserted := make(chan error, 1)
			go func() {
				_, err := session.Exec(context.Background(), "INSERT INTO directions VALUES ('"+way+"')")
				inserted <- err
			}()
			if way == "answers" {
				for rows(way) == 0 {
					select {
					case err := <-inserted:
						t.Fatalf("the answer came through: %v", err)
					default:
					}
				}
			}
			select {
			case err := <-inserted:
				t.Fatalf("it came through: %v", err)
			case <-time.After(50 * time.Millisecond):
			}
			if n := rows(way); (n == 1) != (way == "answers") {
				t.Errorf("%d rows", n)
			}
			if way == "sayers" {
				get[int](t, connect(t, url), "SELECT 1")
			}
			freeze(p, false)
			if err := <-inserted; err != nil || rows(way) != 1 {
				t.Errorf("%d rows, %v", rows(way), err)
			}
		})
	}
}

func TestProxyDelays(t *testing.T) {
	p, url := proxy(t)
	session := connect(t, url)
	p.Delay(40 * time.Millisecond)
	began := time.Now()
	get[int](t, session, "SELECT 1")
	if took := time.Since(began); took < 80*time.Millisecond {
		t.Errorf("an answer after %v", took)
	}
}
