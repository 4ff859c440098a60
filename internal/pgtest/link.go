package pgtest

import (
	"bufio"
	"net"
	"sync"
)

// link is one connection through the proxy. One goroutine forwards what the client
// says, another what the server answers; whoever ends first ends both.
type link struct {
	client, server net.Conn
	gates          *gates
	trap           *trap
	said           heard // what the client says
	once           sync.Once
	closed         chan struct{}
}

func newLink(client, server net.Conn, gates *gates, trap *trap) *link {
	return &link{client: client, server: server, gates: gates, trap: trap, closed: make(chan struct{})}
}

// forward returns when the connection has ended.
func (l *link) forward() {
	var group sync.WaitGroup
	group.Go(l.forwardRequests)
	l.forwardAnswers()
	group.Wait()
}

func (l *link) forwardRequests() {
	defer l.close()
	chunk := make([]byte, 32<<10)
	for {
		n, err := l.client.Read(chunk)
		l.said.add(chunk[:n])
		if !l.gates.pass(&l.gates.requests, l) || err != nil {
			return
		}
		if _, err := l.server.Write(chunk[:n]); err != nil {
			return
		}
	}
}

func (l *link) forwardAnswers() {
	defer l.close()
	server, client := bufio.NewReader(l.server), bufio.NewWriter(l.client)
	var current answer
	for {
		m, err := readMessage(server)
		if !l.gates.pass(&l.gates.answers, l) || err != nil {
			return
		}
		passed := current.add(m, l.trap.isArmed())
		if current.committed() {
			if fired := l.trap.take(); fired != nil {
				l.reset()
				close(fired)
				return
			}
		}
		client.Write(passed) // Flush returns its error
		if server.Buffered() == 0 && client.Flush() != nil {
			return
		}
	}
}

// close ends both sides in peace.
func (l *link) close() {
	l.once.Do(func() {
		close(l.closed)
		l.client.Close()
		l.server.Close()
	})
}

// reset ends both sides as a network does that loses a connection.
func (l *link) reset() {
	l.once.Do(func() {
		close(l.closed)
		resetConnection(l.client)
		resetConnection(l.server)
	})
}

// resetConnection: without lingering, closing sends RST instead of FIN.
func resetConnection(c net.Conn) {
	c.(*net.TCPConn).SetLinger(0)
	c.Close()
}
