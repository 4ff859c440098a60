package pgtest

import (
	"net"
	"sync"
	"testing"
)

// Proxy is a network between clients and a server that fails on purpose. It
// forwards connections until a method says otherwise. The methods may be called
// from any goroutine.
type Proxy struct {
	t        testing.TB
	listener net.Listener
	gate     gate
	trap     trap
	group    sync.WaitGroup // all goroutines

	mutex    sync.Mutex
	target   string         // guarded by mutex
	refusing bool           // guarded by mutex
	links    map[*link]bool // guarded by mutex: the present connections
}

// NewProxy starts a proxy in front of the target, a host:port as Address returns
// it, and stops it when the test ends.
func NewProxy(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{t: t, target: target, listener: listener, links: map[*link]bool{}}
	p.group.Go(p.accept)
	t.Cleanup(p.stop)
	return p
}

// Addr returns the host:port to connect to. Clients must not use TLS.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL returns the URL of the server, rewritten to go through the proxy.
func (p *Proxy) URL(of string) string {
	p.t.Helper()
	return through(p.t, of, p.Addr())
}

// Cut resets all present connections, on both sides.
func (p *Proxy) Cut() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for l := range p.links {
		l.reset()
	}
}

// Refuse says whether new connections are reset at once; present ones stay.
// Refuse(true) and then Cut leave none.
func (p *Proxy) Refuse(refuse bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.refusing = refuse
}

// Redirect sends new connections to another server; present ones stay.
func (p *Proxy) Redirect(target string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.target = target
}

// Freeze says whether all bytes are held, in both directions and on new
// connections too, while the connections stay open. Freeze(false) delivers what
// was held.
func (p *Proxy) Freeze(freeze bool) { p.gate.set(freeze) }

// CutAfterCommit waits for the next transaction that the server commits over this
// proxy, of any connection, drops the server's answer and resets the connection:
// the client cannot know whether it committed. That is a COMMIT or a statement
// outside of a transaction, read-only ones included. The channel closes when it
// has happened; later transactions pass.
func (p *Proxy) CutAfterCommit() <-chan struct{} { return p.trap.arm() }

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return // stopped
		}
		p.group.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	server, err := net.Dial("tcp", p.destination())
	if err != nil {
		resetConnection(client)
		return
	}
	l := newLink(client, server, &p.gate, &p.trap)
	if !p.enter(l) {
		l.reset()
		return
	}
	defer p.leave(l)
	l.forward()
}

func (p *Proxy) destination() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.target
}

func (p *Proxy) enter(l *link) bool {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.refusing {
		p.links[l] = true
	}
	return !p.refusing
}

func (p *Proxy) leave(l *link) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	delete(p.links, l)
}

func (p *Proxy) stop() {
	p.listener.Close()
	p.Refuse(true)
	p.Cut()
	p.group.Wait()
}
