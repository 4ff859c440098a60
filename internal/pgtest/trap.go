package pgtest

import "sync"

// trap waits for one commit. Its methods may be called at the same time.
type trap struct {
	mutex sync.Mutex
	fired chan struct{} // guarded by mutex; nil: not armed
}

func (t *trap) arm() <-chan struct{} {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.fired == nil {
		t.fired = make(chan struct{})
	}
	return t.fired
}

func (t *trap) isArmed() bool {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return t.fired != nil
}

// take disarms the trap. It returns nil if it was not armed, or another
// connection took it; else the channel to close.
func (t *trap) take() chan<- struct{} {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	fired := t.fired
	t.fired = nil
	return fired
}
