package pgtest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
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
// Synchronous changes that. The server restarts meanwhile, since its data is copied
// when nobody writes: pg_basebackup does not come with every PostgreSQL.
func (s *Server) Standby() *Standby {
	s.t.Helper()
	way := NewProxy(s.t, Address(s.t, s.URL()))
	s.Stop()
	c, err := copyCluster(s.cluster, way)
	if err != nil {
		s.t.Fatal(err)
	}
	standby := &Standby{Server: newServer(s.t, c), primary: s, way: way}
	s.StartAgain()
	if err := c.startOnFreePort(); err != nil {
		s.t.Fatal(err)
	}
	standby.awaitStreaming("async")
	return standby
}

// standbyName is how the primary knows its standby.
const standbyName = "later_standby"

// copyCluster copies the data of a server that does not run, for one that follows it.
func copyCluster(primary *cluster, way *Proxy) (*cluster, error) {
	host, port, err := net.SplitHostPort(way.Addr())
	if err != nil {
		return nil, err
	}
	// The proxy knows no encryption, nor how a client asks for it.
	follow := fmt.Sprintf("primary_conninfo=host=%s port=%s user=postgres sslmode=disable gssencmode=disable", host, port)
	c, err := emptyCluster([]string{"hot_standby=on", "cluster_name=" + standbyName, "wal_retrieve_retry_interval=100ms", follow})
	if err != nil {
		return nil, err
	}
	if output, err := exec.Command("cp", "-a", primary.data(), c.data()).CombinedOutput(); err != nil { // keeps the owner
		c.destroy()
		return nil, fmt.Errorf("copy the data: %w: %s", err, output)
	}
	if err := os.WriteFile(filepath.Join(c.data(), "standby.signal"), nil, 0o644); err != nil {
		c.destroy()
		return nil, err
	}
	return c, nil
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

// Await returns when the standby has replayed what the primary has committed by now.
func (s *Standby) Await() {
	s.t.Helper()
	written := ask[string](s.t, s.primary.URL(), "SELECT pg_current_wal_lsn()::text")
	for deadline := time.Now().Add(patience); ask[string](s.t, s.URL(), "SELECT (pg_last_wal_replay_lsn() >= '"+written+"')::text") != "true"; {
		if time.Now().After(deadline) {
			s.t.Fatalf("pgtest: the standby has not replayed %s after %v", written, patience)
		}
	}
}

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
