package demo

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// web serves the dashboard to this machine.
type web struct {
	server  *http.Server
	address string
}

// usualPort is that of later web.
const usualPort = 8100

// startWeb listens on the usual port, or on a free one if somebody has that.
func startWeb(queue *later.JobQueue, mails *sink) (*web, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", usualPort))
	if err != nil {
		if listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("serve the dashboard: %w", err)
		}
	}
	access, mux := dashboard.Loopback(dashboard.Admin), http.NewServeMux()
	mux.Handle("/", dashboard.Handler(queue, access, dashboard.Environment("demo")))
	mux.Handle("GET /mail/{$}", inbox(access, mails))
	w := &web{
		server: &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: 10 * time.Second,
		},
		address: "http://" + listener.Addr().String() + "/",
	}
	go func() { _ = w.server.Serve(listener) }() // until close
	return w, nil
}

func (w *web) close() {
	if w != nil {
		_ = w.server.Close() // nobody is left who could be told
	}
}
