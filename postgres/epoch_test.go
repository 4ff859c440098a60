package postgres_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/laterjobs/later/internal/pgtest"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/store"
)

// otherHistory makes the store believe that it knew the database with another history.
func otherHistory(t testing.TB, url, schema string) {
	t.Helper()
	exec(t, url, "UPDATE "+schema+".meta SET value = '1/00000001' WHERE name = 'epoch'")
}

// TestEpoch: whoever connects first after a database has another history lets ids go
// on far above the last ones; nobody else does so.
func TestEpoch(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	for name, at := range map[string]string{
		"by default": url, "in serializable sessions": withParameter(t, url, "default_transaction_isolation", "serializable"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			own := ownSchema(t, url)
			first := enqueueOne(t, open(t, at, postgres.Schema(own)))
			if second := enqueueOne(t, open(t, at, postgres.Schema(own))); second != first+1 {
				t.Errorf("id %d after %d, with the same history", second, first)
			}
			otherHistory(t, url, own)
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					s, err := postgres.Open(t.Context(), at, postgres.Schema(own), silent)
					if err != nil {
						t.Error(err)
						return
					}
					defer s.Close()
					if id := enqueueOne(t, s); id < first+1e9 || id > first+1e9+100 {
						t.Errorf("id %d after %d, with another history", id, first)
					}
				})
			}
			all.Wait()
		})
	}
}

// TestEpochAboveEveryJob: a copy of the database may have lost the sequence's value, as
// logical replication does.
func TestEpochAboveEveryJob(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	enqueueOne(t, open(t, url, postgres.Schema(own)))
	exec(t, url, fmt.Sprintf("UPDATE %[1]s.job SET id = 5000000000; UPDATE %[1]s.ready SET job_id = 5000000000", own))
	exec(t, url, "UPDATE "+own+".meta SET value = '' WHERE name = 'epoch'") // as docs/postgres.md says
	if id := enqueueOne(t, open(t, url, postgres.Schema(own), silent)); id < 6000000000 {
		t.Errorf("id %d", id)
	}
}

// TestEpochWithoutTheRight: a role that may not set the sequence works, and says so.
func TestEpochWithoutTheRight(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t)
	own := ownSchema(t, url)
	open(t, url, postgres.Schema(own))
	exec(t, url, fmt.Sprintf(`CREATE ROLE meek_%[1]s LOGIN; GRANT USAGE ON SCHEMA %[1]s TO meek_%[1]s;
		GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %[1]s TO meek_%[1]s; GRANT USAGE ON ALL SEQUENCES IN SCHEMA %[1]s TO meek_%[1]s`, own))
	t.Cleanup(func() { exec(t, url, fmt.Sprintf("DROP OWNED BY meek_%[1]s; DROP ROLE meek_%[1]s", own)) })
	otherHistory(t, url, own)
	var said safeBuffer
	s := open(t, asRole(t, url, "meek_"+own), postgres.Schema(own), postgres.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	enqueueOne(t, s)
	if _, err := s.Processes(t.Context()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "the role lacks a right") || strings.Count(said.String(), "\n") != 1 {
		t.Errorf("it said: %s", said.String())
	}
}

func enqueueOne(t testing.TB, s *postgres.Store) int64 {
	t.Helper()
	stored, err := s.Enqueue(t.Context(), []store.NewJob{plain}, s.Now())
	if err != nil {
		t.Fatal(err)
	}
	return stored[0].ID
}
