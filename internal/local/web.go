// Package local is what later demo and later dev serve to this machine, and to nobody
// else: the dashboard, a mail server that delivers nothing, and a page of its mails.
package local

import (
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
)

// Web serves the dashboard, with the mails below mail/.
type Web struct {
	Address string // http://127.0.0.1:8100/

	server *http.Server
}

// WebPort is that of later web.
const WebPort = 8100

// NewWeb listens on an address of this machine; without one on the usual port, or on a free
// one if somebody has that.
func NewWeb(address string, queue *later.JobQueue, mails *Mailbox, opts ...dashboard.Option) (*Web, error) {
	listener, err := listenAt(address)
	if err != nil {
		return nil, fmt.Errorf("serve the dashboard: %w", err)
	}
	access, mux := dashboard.Loopback(dashboard.Admin), http.NewServeMux()
	mux.Handle("/", dashboard.Handler(queue, access, append(opts, dashboard.Link("Mail", "mail/"))...))
	mux.Handle("GET /mail/{$}", inbox(access, mails))
	w := &Web{
		Address: "http://" + listener.Addr().String() + "/",
		server: &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: 10 * time.Second,
		},
	}
	go func() { _ = w.server.Serve(listener) }() // until Close
	return w, nil
}

// Close ends the server. It can be called on nil.
func (w *Web) Close() {
	if w != nil {
		_ = w.server.Close() // nobody is left who could be told
	}
}

// listenAt takes the address, or if there is none the usual port.
func listenAt(address string) (net.Listener, error) {
	if address == "" {
		return listen(WebPort)
	}
	return net.Listen("tcp", address)
}

// listen takes a port of this host that only this host reaches, or another one if
// somebody has it.
func listen(port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil && port != 0 {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	return listener, err
}
