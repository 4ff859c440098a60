package sqlite_test

import (
	"database/sql"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// busy lets somebody else write to the file until the returned function is called.
func busy(t *testing.T, path string) (commit func()) {
	t.Helper()
	conn, err := shell(t, path).Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	exec := func(text string) {
		t.Helper()
		if _, err := conn.ExecContext(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	exec("BEGIN IMMEDIATE")
	return func() { exec("COMMIT"); conn.Close() }
}

// TestWaitsForOtherWriters: a file that somebody writes to is no trouble, neither to a
// heartbeat nor to a caller. They wait.
func TestWaitsForOtherWriters(t *testing.T) {
	path := file(t)
	s := open(t, path)
	if err := s.Join(t.Context(), store.Process{ID: 1, Host: "elsewhere", StartedAt: time.Now()}, time.Now()); err != nil {
		t.Fatal(err)
	}
	for name, verb := range map[string]func() error{
		"Beat": func() error {
			_, err := s.Beat(t.Context(), store.Heartbeat{ProcessID: 1, State: store.ProcessRunning}, time.Now())
			return err
		},
		"Enqueue": func() error {
			_, err := s.Enqueue(t.Context(), []store.NewJob{{Type: "MyJob", Queue: "default", Args: []byte("1")}}, time.Now())
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			commit := busy(t, path)
			answer := make(chan error, 1)
			go func() { answer <- verb() }()
			select {
			case err := <-answer:
				t.Errorf("while somebody writes: %v", err)
				commit()
				return
			case <-time.After(300 * time.Millisecond):
			}
			commit()
			if err := <-answer; err != nil {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

// TestOneBadCallStopsNoOther: calls that meet are committed together, unless one of
// them cannot be, here for want of space: then each is tried alone.
func TestOneBadCallStopsNoOther(t *testing.T) {
	path := file(t)
	s, err := sqlite.New(pool(t, path+"?_pragma=max_page_count(150)"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit := busy(t, path) // so that they meet
	const calls, bad = 20, 13
	errs := make([]error, calls)
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			job := store.NewJob{Type: "MyJob", Queue: "default", Args: []byte(`1`)}
			if i == bad {
				job.Args = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
			}
			_, errs[i] = s.Enqueue(t.Context(), []store.NewJob{job}, time.Now())
		})
	}
	commit()
	all.Wait()
	for i, err := range errs {
		if (err != nil) != (i == bad) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if n := countJobs(t, s.DB()); n != calls-1 {
		t.Errorf("%d jobs are stored", n)
	}
}

func countJobs(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM jobs").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAcknowledgedIsCommitted: what is stored can be seen from outside as soon as the
// caller has its answer.
func TestAcknowledgedIsCommitted(t *testing.T) {
	path := file(t)
	s, outside := open(t, path), shell(t, path)
	for n := range 200 {
		id := enqueue(t, s, 1)[0]
		var found int
		if err := outside.QueryRowContext(t.Context(), "SELECT count(*) FROM jobs WHERE id = ?1", id).Scan(&found); err != nil || found != 1 {
			t.Fatalf("job %d, the %dth: found %d, %v", id, n, found, err)
		}
	}
}
