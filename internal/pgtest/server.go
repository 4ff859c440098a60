package pgtest

import (
	"syscall"
	"testing"
)

// Server is a PostgreSQL server of one test, whose goroutine calls its methods.
// What fails ends the test.
type Server struct {
	t       testing.TB
	cluster *cluster
}

// Start starts a server, and removes it with its data when the test ends. The
// settings are of the form name=value. Unlike the shared server, it keeps what it
// has committed.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	c, err := startCluster(settings)
	if err != nil {
		giveUp(t, err)
	}
	return newServer(t, c)
}

// newServer destroys the cluster when the test ends.
func newServer(t testing.TB, c *cluster) *Server {
	t.Cleanup(func() {
		if log := c.log(); t.Failed() {
			t.Logf("the server on port %d wrote:\n%s", c.port, log)
		}
		c.destroy()
	})
	return &Server{t: t, cluster: c}
}

// URL returns the URL of a database of the server. It stays the same when the
// server starts again.
func (s *Server) URL() string { return s.cluster.url() }

// Kill ends the server as kill -9 does, and returns when its sessions have ended
// too.
func (s *Server) Kill() {
	s.t.Helper()
	s.end(syscall.SIGKILL)
}

// Stop shuts the server down without waiting for its clients.
func (s *Server) Stop() {
	s.t.Helper()
	s.end(syscall.SIGINT)
}

// StartAgain starts the server after Kill or Stop, on the same port and data, and
// returns when it accepts connections.
func (s *Server) StartAgain() {
	s.t.Helper()
	if s.cluster.server != nil {
		s.t.Fatal("pgtest: the server runs already")
	}
	if err := s.cluster.start(); err != nil {
		s.t.Fatal(err)
	}
}

// Restart is Stop and StartAgain.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	s.StartAgain()
}

func (s *Server) end(signal syscall.Signal) {
	s.t.Helper()
	if err := s.cluster.end(signal); err != nil {
		s.t.Fatal(err)
	}
}
