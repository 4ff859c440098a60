package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestDatabasesThatCannotBeOpened: whatever is wrong, the error says so, soon, and
// never tells the password.
func TestDatabasesThatCannotBeOpened(t *testing.T) {
	t.Parallel()
	guarded := withPasswords(t, pgtest.Start(t, "fsync=off").URL())
	for name, test := range map[string]struct {
		url     string
		want    error
		message string
	}{
		"wrong password":       {guarded("postgres", "sesame", "postgres"), store.ErrUnavailable, "password authentication failed"},
		"no such role":         {guarded("nobody", "sesame", "postgres"), store.ErrUnavailable, "password authentication failed"},
		"no such database":     {guarded("postgres", "right", "missing"), store.ErrUnavailable, `database "missing" does not exist`},
		"nobody there":         {"postgres://postgres:sesame@127.0.0.1:1/postgres", store.ErrUnavailable, "connection refused"},
		"no such host":         {"postgres://postgres:sesame@host.invalid/postgres", store.ErrUnavailable, "host.invalid"},
		"no port":              {"postgres://postgres:sesame@127.0.0.1:port/postgres", store.ErrUnsuitable, ""},
		"unknown setting":      {"postgres://postgres:sesame@127.0.0.1/postgres?sslmode=perhaps", store.ErrUnsuitable, "sslmode is invalid"},
		"odd number":           {"postgres://postgres:sesame@127.0.0.1/postgres?pool_max_conns=many", store.ErrUnsuitable, "pool_max_conns"},
		"words":                {"host=127.0.0.1 password=sesame port=many", store.ErrUnsuitable, ""},
		"a broken escape":      {"postgres://postgres:%zzsesame@127.0.0.1/postgres", store.ErrUnsuitable, ""},
		"a password in quotes": {"host=127.0.0.1 password='sesame port=1", store.ErrUnsuitable, ""},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			err := opened(postgres.Open(t.Context(), test.url))
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %v with %q", err, test.want, test.message)
			}
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, errors.Unwrap(err)), "sesame") {
				t.Errorf("it tells the password: %v", err)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
	if err := opened(postgres.Open(t.Context(), guarded("postgres", "right", "postgres"))); err != nil {
		t.Errorf("with the right password: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := opened(postgres.Open(ctx, guarded("postgres", "right", "postgres"))); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// withPasswords makes a server ask for passwords, and returns its URLs.
func withPasswords(t *testing.T, server string) func(role, password, database string) string {
	t.Helper()
	exec(t, server, "ALTER ROLE postgres PASSWORD 'right'")
	file := ask(t, server, "SHOW hba_file")[0]
	if err := os.WriteFile(file, []byte("host all all 127.0.0.1/32 scram-sha-256\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	exec(t, server, "SELECT pg_reload_conf()")
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	return func(role, password, database string) string {
		guarded := *u
		guarded.User, guarded.Path = url.UserPassword(role, password), "/"+database
		return guarded.String()
	}
}

// TestPoolOfTheUser: closing the store leaves it open.
func TestPoolOfTheUser(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	pool := poolFor(t, withParameter(t, url, "application_name", own))
	s, err := postgres.New(pool, postgres.Schema(own))
	if err != nil {
		t.Fatal(err)
	}
	if s.Pool() != pool {
		t.Error("Pool is another one")
	}
	if _, err := s.Enqueue(t.Context(), []store.NewJob{plain}, s.Now()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var jobs int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM "+own+".jobs").Scan(&jobs); err != nil || jobs != 1 {
		t.Errorf("after Close: %d jobs, %v", jobs, err)
	}
	connectionsLeft(t, url, own, int(pool.Stat().TotalConns()))
}

// connectionsLeft waits until a store has no more connections than the given number.
func connectionsLeft(t *testing.T, url, application string, most int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; {
		left := ask(t, url, "SELECT query FROM pg_stat_activity WHERE application_name = $1", application)
		if len(left) <= most {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("connections that were left open: %q", left)
		}
	}
}

// TestFullPool: reading waits, as long as the caller does; the work goes on.
func TestFullPool(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	s := open(t, withParameter(t, url, "pool_max_conns", "1"), inOwnSchema(t, url))
	conn, err := s.Pool().Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.List(ctx, store.Filter{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("List: %v", err)
	}
	m := mover{t: t, s: s, now: s.Now()}
	stored, err := s.Enqueue(t.Context(), []store.NewJob{plain}, m.now)
	m.must(err)
	m.must(s.Join(t.Context(), store.Process{ID: 1, Host: "elsewhere", StartedAt: m.now}, m.now))
	claimed := claimFrom(t, s, 1)
	_, err = s.Beat(t.Context(), store.Heartbeat{ProcessID: 1, State: store.ProcessRunning}, m.now)
	m.must(err)
	lost, err := s.Enqueue(t.Context(), []store.NewJob{plain}, m.now)
	m.must(err)
	_, err = s.Claim(t.Context(), store.Demand{ProcessID: 404, Token: 404, Types: []string{"MyJob"}, Limit: 1}, m.now)
	m.must(err)
	back, err := s.Recover(t.Context(), nil, m.now)
	m.must(err)
	if len(back) != 1 || back[0].JobID != lost[0].ID {
		t.Errorf("recovered %v of a process that nobody knows", back)
	}
	_, err = s.Promote(t.Context(), 1, m.now)
	m.must(err)
	_, err = s.Finish(t.Context(), []store.Outcome{{JobID: claimed[0].ID, Token: 7, Kind: store.Complete}}, m.now)
	m.must(err)
	conn.Release()
	if job, err := s.Get(t.Context(), stored[0].ID); err != nil || job.Status != store.Completed {
		t.Errorf("job is %s, %v", job.Status, err)
	}
}

// TestPoolThatIsClosedFirst: the store says so, and closes.
func TestPoolThatIsClosedFirst(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	pool := poolFor(t, url)
	s, err := postgres.New(pool, inOwnSchema(t, url))
	if err != nil {
		t.Fatal(err)
	}
	pool.Close()
	if _, err := s.List(t.Context(), store.Filter{}); !errors.Is(err, store.ErrClosed) {
		t.Errorf("List: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
}

// TestCloseUnderWay: whoever waits for an answer gets one, and what was acknowledged
// is there.
func TestCloseUnderWay(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	s := open(t, withParameter(t, url, "application_name", own), postgres.Schema(own))
	acknowledged := &ids{}
	var all sync.WaitGroup
	ready := make(chan struct{}, 100)
	for verb, call := range someVerbs(t, s, acknowledged) {
		for range 4 {
			all.Go(func() {
				for n := 0; ; n++ {
					if err := call(); err != nil {
						if !errors.Is(err, store.ErrClosed) {
							t.Errorf("%s while the store closes: %v", verb, err)
						}
						return
					}
					if n == 5 {
						ready <- struct{}{}
					}
				}
			})
		}
	}
	for range 24 {
		<-ready
	}
	began := time.Now()
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	all.Wait()
	if took := time.Since(began); took > 8*time.Second { // a control whose connection is lost is tried again for 10 s
		t.Errorf("Close took %v", took)
	}
	if found := ask(t, url, "SELECT count(*) FROM "+own+".job WHERE id = ANY ($1)", acknowledged.list); found[0] != fmt.Sprint(len(acknowledged.list)) {
		t.Errorf("%s jobs of %d acknowledged ones", found[0], len(acknowledged.list))
	}
	connectionsLeft(t, url, own, 0)
}

// ids are of jobs that were stored by several goroutines.
type ids struct {
	mu   sync.Mutex
	list []int64 // guarded by mu
}

func (i *ids) add(id int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.list = append(i.list, id)
}

// someVerbs are six calls of a store, of every kind of way that they take through it.
func someVerbs(t *testing.T, s *postgres.Store, acknowledged *ids) map[string]func() error {
	return map[string]func() error{
		"Enqueue": func() error {
			stored, err := s.Enqueue(t.Context(), []store.NewJob{plain}, s.Now())
			if err == nil {
				acknowledged.add(stored[0].ID)
			}
			return err
		},
		"Claim": func() error {
			_, err := s.Claim(t.Context(), store.Demand{ProcessID: 1, Token: 7, Types: []string{"MyJob"}, Limit: 3}, s.Now())
			return err
		},
		"Finish": func() error {
			_, err := s.Finish(t.Context(), []store.Outcome{{JobID: 1, Token: 7, Kind: store.Complete}}, s.Now())
			return err
		},
		"Beat": func() error {
			_, err := s.Beat(t.Context(), store.Heartbeat{ProcessID: 1, State: store.ProcessRunning}, s.Now())
			if errors.Is(err, store.ErrProcessGone) {
				return nil
			}
			return err
		},
		"List": func() error { _, err := s.List(t.Context(), store.Filter{}); return err },
		"Cancel": func() error {
			_, err := s.Cancel(t.Context(), store.Filter{IDs: []int64{1}}, "", s.Now(), nil)
			return err
		},
	}
}
