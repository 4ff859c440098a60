package pgtest

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a network between clients and a server that fails on purpose. It
// forwards connections until a method says otherwise. The methods may be called
// from any goroutine.
type Proxy struct {
	listener net.Listener
	gates    gates
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
	p, err := StartProxy(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Stop)
	return p
}

// StartProxy is NewProxy for a program that is no test: it calls Stop itself.
func StartProxy(target string) (*Proxy, error) { return StartProxyAt("127.0.0.1", target) }

// StartProxyAt is StartProxy on an address of this machine. A client that has gone
// without a word is found out within seconds, as by a server whose tcp_keepalives_idle is
// set for a network that fails.
func StartProxyAt(address, target string) (*Proxy, error) {
	config := net.ListenConfig{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3}}
	listener, err := config.Listen(context.Background(), "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return nil, err
	}
	p := &Proxy{target: target, listener: listener, links: map[*link]bool{}}
	p.group.Go(p.accept)
	return p, nil
}

// Addr returns the host:port to connect to. Clients must not use TLS.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// URL returns the URL of the server, rewritten to go through the proxy.
func (p *Proxy) URL(of string) string { return through(of, p.Addr()) }

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
func (p *Proxy) Freeze(freeze bool) {
	p.FreezeRequests(freeze)
	p.FreezeAnswers(freeze)
}

// FreezeRequests is Freeze for what clients say: the server hears nothing, and what
// it says arrives.
func (p *Proxy) FreezeRequests(freeze bool) { p.gates.requests.set(freeze) }

// FreezeAnswers is Freeze for what the server says: it hears its clients and acts,
// and they never learn of it.
func (p *Proxy) FreezeAnswers(freeze bool) { p.gates.answers.set(freeze) }

// FreezeWhoSaid is Freeze for those connections over which a client has ever said
// the words, a piece of a statement.
func (p *Proxy) FreezeWhoSaid(words string, freeze bool) { p.gates.saying(words, freeze) }

// Delay holds each piece of a conversation for so long, in each direction.
func (p *Proxy) Delay(by time.Duration) { p.gates.delay.Store(int64(by)) }

// CutAfterCommit waits for the next transaction that the server commits over this
// proxy, of any connection, drops the server's answer and resets the connection:
// the client cannot know whether it committed. That is a COMMIT or a statement
// outside of a transaction, read-only ones included. The channel closes when it
// has happened; later transactions pass.
func (p *Proxy) CutAfterCommit() <-chan struct{} { return p.trap.arm() }

// ForgetCommit takes CutAfterCommit back, if it has not happened yet.
func (p *Proxy) ForgetCommit() { p.trap.take() }

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
	l := newLink(client, server, &p.gates, &p.trap)
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

// Stop cuts all connections and takes no more.
func (p *Proxy) Stop() {
	p.listener.Close()
	p.Refuse(true)
	p.Cut()
	p.group.Wait()
}
