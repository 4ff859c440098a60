package postgres_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// waitsForLock returns when a statement on a schema waits for a lock.
func waitsForLock(t *testing.T, url, schema string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		if found := ask(t, url, "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%\"' || $1 || '\".%'", schema); len(found) > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody waits for a lock")
		}
	}
}

// aProcess makes a process known that has claimed one job.
func aProcess(t *testing.T, s *postgres.Store) store.Job {
	t.Helper()
	if err := s.Join(t.Context(), store.Process{ID: 1, Host: "elsewhere", StartedAt: s.Now()}, s.Now()); err != nil {
		t.Fatal(err)
	}
	storeOne(t, s)
	return claimFrom(t, s, 1)[0]
}

func storeOne(t *testing.T, s *postgres.Store) int64 {
	t.Helper()
	stored, err := s.Enqueue(t.Context(), []store.NewJob{plain}, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return stored[0].ID
}

// TestRecoveryMeetsAnOutcome: the process is declared dead while its outcome is being
// committed. The outcome stands, and nothing is taken back.
func TestRecoveryMeetsAnOutcome(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	job := aProcess(t, s)
	tx, err := s.Pool().Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	verdicts, err := s.Tx(tx).Finish(t.Context(), []store.Outcome{{JobID: job.ID, Token: job.Token, Kind: store.Complete}}, s.Now())
	if err != nil || verdicts[0] != store.Accepted {
		t.Fatalf("verdicts %v, %v", verdicts, err)
	}
	if back := recoverFrom(t, s, 1); len(back) != 0 {
		t.Errorf("recovered %v while the transaction was open", back)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if back := recoverFrom(t, s, 1); len(back) != 0 {
		t.Errorf("recovered %v", back)
	}
	if again := claimFrom(t, s, 10); len(again) != 0 {
		t.Errorf("claimed again: %v", again)
	}
	if job, err := s.Get(t.Context(), job.ID); err != nil || job.Status != store.Completed {
		t.Errorf("the job is %s, %v", job.Status, err)
	}
}

// TestCrashOfTheServerKillsNoProcess: after a restart the processes are known as
// before, with their claims.
func TestCrashOfTheServerKillsNoProcess(t *testing.T) {
	t.Parallel()
	server := pgtest.Start(t)
	s := open(t, server.URL())
	job := aProcess(t, s)
	storeOne(t, s) // what was committed before without waiting for the disk, such as a claim, is on the disk then
	server.Kill()
	server.StartAgain()
	var beaten store.Beaten
	untilBack(t, func() (err error) {
		beaten, err = s.Beat(t.Context(), store.Heartbeat{ProcessID: 1, State: store.ProcessRunning, Search: true}, time.Time{})
		return err
	})
	if len(beaten.Claims) != 1 || beaten.Claims[0].JobID != job.ID {
		t.Errorf("claims %v", beaten.Claims)
	}
	untilBack(t, func() error {
		back, err := s.Recover(t.Context(), nil, s.Now())
		if len(back) != 0 {
			t.Errorf("recovered %v", back)
		}
		return err
	})
}

// TestStoresClaimApart: two processes claim from the same line at once. They never meet
// in a job, and neither stands in the way of the other.
func TestStoresClaimApart(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := inOwnSchema(t, url)
	stores := []*postgres.Store{open(t, url, schema), open(t, url, schema)}
	const jobs = 1000
	if _, err := stores[0].Enqueue(t.Context(), repeated(jobs), stores[0].Now()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	times := map[int64]int{}
	var all sync.WaitGroup
	for process, s := range stores {
		all.Go(func() {
			for token := int64(1); ; token++ {
				demand := store.Demand{ProcessID: int64(process) + 1, Token: token, Types: []string{"MyJob"}, Limit: 5}
				claimed, err := s.Claim(t.Context(), demand, s.Now())
				if err != nil || len(claimed) == 0 {
					if err != nil {
						t.Errorf("claim: %v", err)
					}
					return
				}
				mu.Lock()
				for _, job := range claimed {
					times[job.ID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	for id, n := range times {
		if n != 1 {
			t.Errorf("job %d was claimed %d times", id, n)
		}
	}
	if len(times) != jobs {
		t.Errorf("%d of %d jobs were claimed", len(times), jobs)
	}
}

// TestClaimPassesLockedJobs: a claim does not wait for those of others that are under
// way. It takes what comes next; and if they fail, nothing is forgotten.
func TestClaimPassesLockedJobs(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	jobs, err := s.Enqueue(t.Context(), repeated(6), s.Now())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	underWay := "BEGIN; DELETE FROM " + schema + ".ready WHERE job_id IN (SELECT job_id FROM " + schema + ".ready ORDER BY position LIMIT 3)"
	if _, err := conn.Exec(t.Context(), underWay); err != nil {
		t.Fatal(err)
	}
	wantClaims(t, s, jobs[3:])
	if _, err := conn.Exec(t.Context(), "ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	wantClaims(t, s, jobs[:3])
}

// wantClaims claims until there are as many jobs as wanted, and checks that it is those.
func wantClaims(t *testing.T, s *postgres.Store, want []store.Enqueued) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for got := 0; got < len(want); {
		demand := store.Demand{ProcessID: 1, Token: 1, Types: []string{"MyJob"}, Limit: len(want) - got}
		claimed, err := s.Claim(ctx, demand, s.Now())
		if err != nil {
			t.Fatalf("after %d of %d jobs: %v", got, len(want), err)
		}
		for _, job := range claimed {
			if job.ID != want[got].ID {
				t.Fatalf("claimed job %d instead of %d", job.ID, want[got].ID)
			}
			got++
		}
	}
}

func repeated(n int) []store.NewJob {
	jobs := make([]store.NewJob, n)
	for i := range jobs {
		jobs[i] = plain
	}
	return jobs
}

// TestLateCommitIsFound: a transaction draws its place in line, others overtake it, and
// its commit is announced to nobody.
func TestLateCommitIsFound(t *testing.T) {
	t.Parallel()
	for name, inLine := range map[string]int{"nothing else is in line": 1, "the line never ends": 100} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := pgtest.URL(t)
			schema := inOwnSchema(t, url)
			s, other := open(t, url, schema), open(t, url, schema, postgres.WithoutListen())
			tx, err := other.Pool().Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer tx.Rollback(context.Background())
			late, err := other.Tx(tx).Enqueue(t.Context(), []store.NewJob{plain}, other.Now())
			if err != nil {
				t.Fatal(err)
			}
			for range inLine {
				storeOne(t, s)
			}
			claimFrom(t, s, 1)
			if err := tx.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
				if inLine > 1 {
					storeOne(t, s)
				}
				if claimed := claimFrom(t, s, 1); len(claimed) == 1 && claimed[0].ID == late[0].ID {
					return
				}
			}
			t.Error("nobody finds the job")
		})
	}
}

// TestOneBadCallStopsNoOther: calls that meet are one statement, unless that fails:
// then each is tried alone.
func TestOneBadCallStopsNoOther(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	schema := ownSchema(t, url)
	s := open(t, url, postgres.Schema(schema))
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), "BEGIN; LOCK TABLE "+schema+".ready IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	const calls, bad = 20, 13
	errs := make([]error, calls)
	var all sync.WaitGroup
	for i := range calls {
		all.Go(func() {
			job := plain
			if i == bad {
				job.Args = []byte(`{broken`)
			}
			_, errs[i] = s.Enqueue(t.Context(), []store.NewJob{job}, s.Now())
		})
	}
	waitsForLock(t, url, schema) // the first; the others meet meanwhile
	if _, err := conn.Exec(t.Context(), "COMMIT"); err != nil {
		t.Fatal(err)
	}
	all.Wait()
	for i, err := range errs {
		if (err != nil) != (i == bad) {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if claimed := claimFrom(t, s, 100); len(claimed) != calls-1 {
		t.Errorf("%d jobs are stored", len(claimed))
	}
}
