package pgtest

import "sync"

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
