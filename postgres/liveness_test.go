package postgres_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// TestLeaveWaitsForNobody: a process leaves in time, whatever keeps its claims from being
// released, and others find what it has left behind.
func TestLeaveWaitsForNobody(t *testing.T) {
	t.Parallel()
	for name, hindrance := range map[string]string{
		"the search takes too long":    "LOCK TABLE later.claimed IN EXCLUSIVE MODE",
		"the release takes too long":   "LOCK TABLE later.ready IN EXCLUSIVE MODE",
		"a transaction has it in hand": "SELECT FROM later.claimed FOR UPDATE",
		"its steps are being stored":   "SELECT FROM later.claimed FOR KEY SHARE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, url := t.Context(), pgtest.URL(t)
			schema := ownSchema(t, url)
			s := open(t, url, postgres.Schema(schema))
			job := aProcess(t, s)
			tx, err := s.Pool().Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.WithoutCancel(ctx))
			if _, err := tx.Exec(ctx, strings.ReplaceAll(hindrance, "later.", schema+".")); err != nil {
				t.Fatal(err)
			}
			if err := s.Leave(ctx, 1, s.Now()); err != nil {
				t.Errorf("Leave: %v", err)
			}
			if processes, err := s.Processes(ctx); err != nil || len(processes) != 0 {
				t.Errorf("it has not left: %v, %v", processes, err)
			}
			if err := tx.Rollback(ctx); err != nil {
				t.Fatal(err)
			}
			back, err := s.Recover(ctx, nil, s.Now())
			if err != nil || len(back) != 1 || back[0].JobID != job.ID {
				t.Errorf("recovered %v, %v", back, err)
			}
		})
	}
}

// slowClaims makes each read of a claim take a while.
func slowClaims(t *testing.T, url, schema, seconds string) {
	t.Helper()
	exec(t, url, strings.ReplaceAll(`ALTER TABLE later.claimed RENAME TO slow;
		CREATE VIEW later.claimed AS SELECT * FROM later.slow WHERE pg_sleep(`+seconds+`) IS NOT NULL`, "later.", schema+"."))
}

// TestSearchIsGivenUp: a search that takes too long spoils no heartbeat.
func TestSearchIsGivenUp(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	aProcess(t, s)
	slowClaims(t, url, schema, "3")
	beaten, err := s.Beat(ctx, store.Heartbeat{ProcessID: 1, State: store.ProcessStopping, Search: true}, s.Now())
	if err != nil || beaten.Searched || len(beaten.Claims) != 0 {
		t.Errorf("Beat: %+v, %v", beaten, err)
	}
	if processes, err := s.Processes(ctx); err != nil || len(processes) != 1 || processes[0].Beat != 1 || processes[0].State != store.ProcessStopping {
		t.Errorf("processes %+v, %v", processes, err)
	}
}

// TestNobodyWaitsForALookAtStrangers: reading all claims takes long where millions of dead
// ones are among them. Jobs are stored meanwhile.
func TestNobodyWaitsForALookAtStrangers(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	aProcess(t, s)
	slowClaims(t, url, schema, "1")
	looked := make(chan error, 1)
	go func() {
		_, err := s.Recover(t.Context(), nil, s.Now())
		looked <- err
	}()
	for len(ask(t, url, "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%\"' || $1 || '\".%'", schema)) == 0 {
		runtime.Gosched()
	}
	storeOne(t, s)
	if len(looked) != 0 {
		t.Error("it was stored after the look")
	}
	if err := <-looked; err != nil {
		t.Error(err)
	}
}

// TestStrangersAreFoundHoweverLongItTakes: a look that is cut off on the connection of the
// heartbeat goes on over the pool.
func TestStrangersAreFoundHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	ctx, url := t.Context(), pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	job := aProcess(t, s)
	exec(t, url, "DELETE FROM "+schema+".process")
	tx, err := s.Pool().Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if _, err := tx.Exec(ctx, "LOCK TABLE "+schema+".claimed"); err != nil {
		t.Fatal(err)
	}
	type recovered struct {
		jobs []store.Recovered
		err  error
	}
	back := make(chan recovered, 1)
	go func() {
		jobs, err := s.Recover(ctx, nil, s.Now())
		back <- recovered{jobs, err}
	}()
	looks := map[string]bool{} // by the connections over which they wait
	for deadline := time.Now().Add(30 * time.Second); len(looks) < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) || len(back) > 0 {
			t.Fatalf("looked over %d connections", len(looks))
		}
		for _, pid := range ask(t, url, "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"' || $1 || '\".%'", schema) {
			looks[pid] = true
		}
	}
	if err := tx.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if got := <-back; got.err != nil || len(got.jobs) != 1 || got.jobs[0].JobID != job.ID {
		t.Errorf("recovered %v, %v", got.jobs, got.err)
	}
}
