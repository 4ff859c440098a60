// Web is a small web application with background jobs: pages by html/template, orders
// and their jobs stored in one transaction, the dashboard under /jobs/, and a graceful
// stop of both, the server and the jobs.
//
//	go run ./examples/web    and open http://localhost:8080
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"html/template"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/sqlite"
)

func main() {
	address := flag.String("listen", "localhost:8080", "address and port")
	path := flag.String("db", "shop.db", "the database, a file")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		log.Fatal(err)
	}
	log.Printf("the shop is at http://%s/", listener.Addr())
	if err := run(ctx, *path, 2*time.Second, listener, later.Config{}); err != nil {
		log.Fatal(err)
	}
}

// run serves and works until ctx ends.
func run(ctx context.Context, path string, work time.Duration, listener net.Listener, cfg later.Config) error {
	store, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	defer store.Close() // last: both need it
	queue := later.New(store, cfg)
	shop, err := NewShop(ctx, store, queue, work)
	if err != nil {
		return err
	}
	queue.Register(shop.Handlers()...)

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{Handler: pages(shop, queue), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(listener)
		stop() // a server that fails stops the jobs, too
	}()
	context.AfterFunc(ctx, func() { // requests under way may end; new ones go elsewhere
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		server.Shutdown(patience)
	})
	err = queue.Run(ctx) // jobs under way may end, too; what does not is given back
	if serving := <-served; !errors.Is(serving, http.ErrServerClosed) {
		err = errors.Join(err, serving)
	}
	return err
}

//go:embed pages.html
var page string

var orders = template.Must(template.New("orders").Parse(page))

func pages(shop *Shop, queue *later.JobQueue) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		newest, err := shop.Orders(r.Context())
		if err != nil {
			http.Error(w, "the orders cannot be read", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		orders.Execute(w, newest)
	})
	mux.HandleFunc("POST /orders", func(w http.ResponseWriter, r *http.Request) {
		if _, err := shop.Order(r.Context(), r.FormValue("item")); err != nil {
			log.Print(err)
			http.Error(w, "the order was not taken", http.StatusBadRequest)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.Handle("GET /healthz", queue.HealthHandler())
	mux.Handle("/jobs/", http.StripPrefix("/jobs", dashboard.Handler(queue, dashboard.Loopback(dashboard.Operator))))
	return mux
}
