package pgtest

import (
	"bytes"
	"sync"
	"sync/atomic"
	"time"
)

// gate holds whoever wants to pass while it is frozen. The zero gate is open.
type gate struct {
	mutex sync.Mutex
	thaw  chan struct{} // guarded by mutex; closed when it opens again, nil: open
}

func (g *gate) set(frozen bool) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if frozen == (g.thaw != nil) {
		return
	}
	if frozen {
		g.thaw = make(chan struct{})
		return
	}
	close(g.thaw)
	g.thaw = nil
}

// pass waits until the gate is open. It returns false if closed comes first.
func (g *gate) pass(closed <-chan struct{}) bool {
	g.mutex.Lock()
	thaw := g.thaw
	g.mutex.Unlock()
	if thaw == nil {
		return true
	}
	select {
	case <-thaw:
		return true
	case <-closed:
		return false
	}
}

// gates are what stands in the way of a proxy's connections.
type gates struct {
	requests, answers gate         // for every connection, by direction
	sayers            gate         // for connections over which somebody has said the words
	delay             atomic.Int64 // of each piece, in each direction

	mutex sync.Mutex
	words string // guarded by mutex
}

func (g *gates) saying(words string, frozen bool) {
	if !frozen {
		words = "" // nobody has to look for them any more
	}
	g.mutex.Lock()
	g.words = words
	g.mutex.Unlock()
	g.sayers.set(frozen)
}

// pass waits until a piece may go on in its direction. It returns false if the
// connection ends before.
func (g *gates) pass(direction *gate, l *link) bool {
	if delay := time.Duration(g.delay.Load()); delay > 0 {
		select {
		case <-time.After(delay):
		case <-l.closed:
			return false
		}
	}
	g.mutex.Lock()
	words := g.words
	g.mutex.Unlock()
	if l.said.has(words) && !g.sayers.pass(l.closed) {
		return false
	}
	return direction.pass(l.closed)
}

// heard keeps what a client has said, as far as it may contain statements.
type heard struct {
	mutex sync.Mutex
	text  []byte // guarded by mutex
}

// maxHeard is more than the prepared statements of a connection take.
const maxHeard = 256 << 10

func (h *heard) add(said []byte) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.text = append(h.text, said[:min(len(said), maxHeard-len(h.text))]...)
}

func (h *heard) has(words string) bool {
	if words == "" {
		return false
	}
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return bytes.Contains(h.text, []byte(words))
}
