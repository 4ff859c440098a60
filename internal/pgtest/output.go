package pgtest

import (
	"bytes"
	"sync"
)

// outputKept is how many bytes of the newest output are kept for messages.
const outputKept = 16 << 10

// output is what a server writes. Its methods may be called at the same time.
type output struct {
	words string        // that say that the server is ready
	ready chan struct{} // closed when they were written

	mutex sync.Mutex
	text  []byte // guarded by mutex
	isUp  bool   // guarded by mutex
}

func newOutput(words string) *output { return &output{words: words, ready: make(chan struct{})} }

func (o *output) Write(text []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.text = append(o.text, text...)
	if !o.isUp && bytes.Contains(o.text, []byte(o.words)) {
		o.isUp = true
		close(o.ready)
	}
	if o.isUp && len(o.text) > 2*outputKept {
		o.text = append([]byte(nil), o.text[len(o.text)-outputKept:]...)
	}
	return len(text), nil
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return string(o.text)
}
