package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The times of the stream. Variables of the hub, so that a test need not wait.
const (
	lookEvery   = time.Second      // between two looks at the store, while somebody watches
	lookFor     = 5 * time.Second  // how long one may take
	breathEvery = 15 * time.Second // a comment, so that proxies keep the stream open
	streamFor   = 10 * time.Minute // then the page opens another one: who may see may have changed
	streamsMost = 200              // pages of all others look for themselves
)

// hub tells every open page that something has changed. It looks at the store once a
// second, however many pages there are, and not at all if there is none.
type hub struct {
	revision func(context.Context) (string, error)
	every    time.Duration
	most     int

	mu      sync.Mutex
	number  int64 // of the newest change that was seen
	streams map[chan int64]bool
	stop    context.CancelFunc // of the look-out
	servers map[*http.Server]bool
	ended   chan struct{} // closed when a server shuts down
}

func newHub(revision func(context.Context) (string, error)) *hub {
	return &hub{
		revision: revision, every: lookEvery, most: streamsMost, streams: map[chan int64]bool{},
		servers: map[*http.Server]bool{}, ended: make(chan struct{}),
	}
}

// join opens a stream, unless there are too many. It holds the number of the newest
// change that the page has not been told.
func (h *hub) join() (stream chan int64, leave func(), joined bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.streams) >= h.most {
		return nil, nil, false
	}
	stream = make(chan int64, 1)
	stream <- h.number
	h.streams[stream] = true
	if len(h.streams) == 1 {
		var ctx context.Context
		ctx, h.stop = context.WithCancel(context.Background())
		go h.lookOut(ctx)
	}
	return stream, func() { h.leave(stream) }, true
}

func (h *hub) leave(stream chan int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.streams, stream)
	if len(h.streams) == 0 {
		h.stop()
	}
}

// lookOut asks the store for its revision until ctx ends. That the store cannot be
// asked is news as well, once: the page shows why.
func (h *hub) lookOut(ctx context.Context) {
	ticker := time.NewTicker(h.every)
	defer ticker.Stop()
	last := ""
	for {
		asking, cancel := context.WithTimeout(ctx, lookFor)
		revision, err := h.revision(asking)
		cancel()
		if err != nil {
			revision = "unknown"
		}
		if ctx.Err() == nil && revision != last {
			last = revision
			h.tell()
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// tell gives every page the number of a new change. Who has not taken the last one gets
// this one instead.
func (h *hub) tell() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.number++
	for stream := range h.streams {
		select {
		case <-stream:
		default:
		}
		stream <- h.number
	}
}

// endWith lets the streams end when the server of a request shuts down: it would wait
// for them otherwise.
func (h *hub) endWith(r *http.Request) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if server == nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.servers[server] {
		h.servers[server] = true
		server.RegisterOnShutdown(h.end)
	}
}

// end ends the streams that are open. A handler may have several servers: those that
// live on get them back, since pages ask again.
func (h *hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.ended)
	h.ended = make(chan struct{})
}

func (h *hub) ending() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended
}

// events is the stream of a page: it says only that something has changed, with a
// number. What has, the page finds out by asking for itself again.
func (b *board) events(w http.ResponseWriter, r *http.Request) {
	if _, err := b.newView(r, View, "events"); err != nil {
		b.fail(w, r, err)
		return
	}
	b.hub.endWith(r)
	ending := b.hub.ending()
	stream, leave, joined := b.hub.join()
	if !joined {
		http.Error(w, "Too many pages are open: this one looks for itself.", http.StatusServiceUnavailable)
		return
	}
	defer leave()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store, no-transform")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it
	breath, enough := time.NewTicker(breathEvery), time.NewTimer(streamFor)
	defer breath.Stop()
	defer enough.Stop()
	out := http.NewResponseController(w)
	text := "retry: 2000\n\n"
	for {
		if !send(w, out, text) {
			return
		}
		select {
		case number := <-stream:
			text = fmt.Sprintf("event: change\ndata: %d\n\n", number)
		case <-breath.C:
			text = ": still here\n\n"
		case <-enough.C:
			return
		case <-ending:
			return
		case <-r.Context().Done():
			return
		}
	}
}

// send writes a part of the stream at once. The server's own limit for an answer would
// end the stream, so each part has one of its own.
func send(w http.ResponseWriter, out *http.ResponseController, text string) bool {
	_ = out.SetWriteDeadline(time.Now().Add(2 * breathEvery)) // where it cannot be set, the server's holds
	if _, err := w.Write([]byte(text)); err != nil {
		return false
	}
	return out.Flush() == nil
}
