package pgtest

import "syscall"

// Program is a server for a program that is no test: nothing ends it but its
// methods, which one goroutine at a time calls, or the end of the program.
type Program struct{ cluster *cluster }

// StartProgram starts a server with settings of the form name=value. It keeps what
// it has committed.
func StartProgram(settings ...string) (*Program, error) {
	c, err := startCluster(settings)
	if err != nil {
		return nil, err
	}
	return &Program{c}, nil
}

// URL returns the URL of a database of the server. It stays the same when the
// server starts again.
func (p *Program) URL() string { return p.cluster.url() }

// Kill ends the server as kill -9 does, and returns when its sessions have ended
// too.
func (p *Program) Kill() error { return p.cluster.end(syscall.SIGKILL) }

// StartAgain starts the server after Kill, on the same port and data.
func (p *Program) StartAgain() error { return p.cluster.start() }

// Running reports whether the server has been started and not been killed.
func (p *Program) Running() bool { return p.cluster.server != nil }

// Close ends the server and removes its data.
func (p *Program) Close() { p.cluster.destroy() }
