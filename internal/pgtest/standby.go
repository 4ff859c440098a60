package pgtest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Standby is a server that follows another one and answers what only reads, until it
// is promoted.
type Standby struct {
	*Server
	primary *Server
	way     *Proxy // from the standby to the primary
}

// Standby starts a standby that streams from the server. It is asynchronous:
// Synchronous changes that.
func (s *Server) Standby() *Standby {
	s.t.Helper()
	way := NewProxy(s.t, Address(s.t, s.URL()))
	c, err := startStandby(s.cluster, way)
	if err != nil {
		s.t.Fatal(err)
	}
	standby := &Standby{Server: newServer(s.t, c), primary: s, way: way}
	standby.awaitStreaming("async")
	return standby
}

// standbyName is how the primary knows its standby.
const standbyName = "later_standby"

func startStandby(primary *cluster, way *Proxy) (*cluster, error) {
	source := parse(way.t, way.URL(primary.url()))
	// The proxy knows no encryption, nor how a client asks for it.
	c, err := emptyCluster([]string{"hot_standby=on", "cluster_name=" + standbyName, "wal_retrieve_retry_interval=100ms",
		fmt.Sprintf("primary_conninfo=host=%s port=%s user=postgres sslmode=disable gssencmode=disable", source.Hostname(), source.Port())})
	if err != nil {
		return nil, err
	}
	if err = c.copyOf(primary); err == nil {
		err = c.startOnFreePort()
	}
	if err != nil {
		c.destroy()
		return nil, err
	}
	return c, nil
}

// copyOf fills an empty cluster with the data of a server that runs.
func (c *cluster) copyOf(primary *cluster) error {
	output, err := c.run("pg_basebackup", "--pgdata", c.data(), "--write-recovery-conf", "--checkpoint", "fast", "--no-sync",
		"--host", "127.0.0.1", "--port", fmt.Sprint(primary.port), "--username", "postgres")
	if err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, output)
	}
	return nil
}

// Synchronous makes the primary wait at each commit until the standby has it.
func (s *Standby) Synchronous() {
	s.t.Helper()
	ask[string](s.t, s.primary.URL(), "ALTER SYSTEM SET synchronous_standby_names = '"+standbyName+"'")
	ask[string](s.t, s.primary.URL(), "SELECT pg_reload_conf()::text")
	s.awaitStreaming("sync")
}

// Lag says whether what the primary commits is held back from the standby.
func (s *Standby) Lag(lag bool) { s.way.Freeze(lag) }

// Promote makes a primary of the standby, and returns when it accepts writes. The
// old primary must have been killed: nothing else keeps it from going on.
func (s *Standby) Promote() {
	s.t.Helper()
	s.way.Refuse(true)
	s.way.Cut()
	if promoted := ask[string](s.t, s.URL(), "SELECT pg_promote()::text"); promoted != "true" {
		s.t.Fatal("pgtest: the standby was not promoted")
	}
}

func (s *Standby) awaitStreaming(state string) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		found := ask[string](s.t, s.primary.URL(), "SELECT coalesce(max(sync_state), '') FROM pg_stat_replication WHERE state = 'streaming'")
		switch {
		case found == state:
			return
		case time.Now().After(deadline):
			s.t.Fatalf("pgtest: the standby is %q, not %q", found, state)
		}
	}
}

// ask runs a statement and returns its answer, if it has one.
func ask[T any](t testing.TB, url, text string) (answer T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	session, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(ctx)
	found, err := session.Query(ctx, text)
	if err == nil {
		for found.Next() {
			err = found.Scan(&answer)
		}
	}
	if err == nil {
		err = found.Err()
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return answer
}
