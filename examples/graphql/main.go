// Graphql is a GraphQL server whose resolvers enqueue jobs, in the order in which such a
// program starts: the database first, GraphQL second, and the queue one second later,
// when the server answers already.
//
//	go run .                    and open http://localhost:8080
//	SMTP=localhost:25 go run .  sends real mail; otherwise an inbox inside prints it
package main

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/99designs/gqlgen/graphql/playground"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/dashboard"
	"github.com/laterjobs/later/examples/batch"
	"github.com/laterjobs/later/examples/email"
	"github.com/laterjobs/later/examples/graphql/graph"
	"github.com/laterjobs/later/sqlite"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("tcp", "localhost:8080")
	if err != nil {
		log.Fatal(err)
	}
	if err := run(ctx, "app.db", os.Getenv("SMTP"), listener); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends. Then it stops in the opposite order: no more requests, no
// more jobs, and the database last.
func run(ctx context.Context, path, smtpAddress string, listener net.Listener) error {
	mailer, closeInbox, err := newMailer(smtpAddress)
	if err != nil {
		return err
	}
	defer closeInbox()

	store, err := openDatabase(ctx, path)
	if err != nil {
		return err
	}
	defer store.Close()

	queue := later.New(store, later.Config{StartDelay: time.Second})
	queue.Register(mailer.Handlers()...)
	queue.Register(batch.Handler(processRecords))

	server := &http.Server{Handler: pages(store, queue), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	log.Printf("GraphQL is at http://%s/, the dashboard at http://%[1]s/jobs/", listener.Addr())

	if err := queue.Start(ctx); err != nil { // the first job is claimed after StartDelay
		return errors.Join(err, server.Close())
	}
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if server.Shutdown(patience) != nil { // a subscription may still be open
		err = errors.Join(err, server.Close())
	}
	_, stopped := queue.Stop(context.WithoutCancel(ctx))
	return errors.Join(err, stopped)
}

func openDatabase(ctx context.Context, path string) (*sqlite.Store, error) {
	store, err := sqlite.Open(path)
	if err != nil {
		return nil, err
	}
	_, err = store.DB().ExecContext(ctx, `CREATE TABLE IF NOT EXISTS users (
		id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE)`)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	return store, nil
}

func pages(store *sqlite.Store, queue *later.JobQueue) http.Handler {
	api := handler.New(graph.NewExecutableSchema(graph.Config{Resolvers: &graph.Resolver{Store: store, Queue: queue}}))
	api.AddTransport(transport.SSE{}) // before POST: both are one
	api.AddTransport(transport.Websocket{KeepAlivePingInterval: 10 * time.Second})
	api.AddTransport(transport.POST{})
	api.Use(extension.Introspection{})

	mux := http.NewServeMux()
	mux.Handle("/graphql", api)
	mux.Handle("GET /{$}", playground.Handler("later", "/graphql"))
	mux.Handle("GET /healthz", queue.HealthHandler())
	mux.Handle("/jobs/", http.StripPrefix("/jobs", dashboard.Handler(queue, dashboard.Loopback(dashboard.Operator))))
	return mux
}

// processRecords stands for work on 1,000 records of a table.
func processRecords(ctx context.Context, _ string, _, _ int) error {
	select {
	case <-time.After(100 * time.Millisecond):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// newMailer sends by the SMTP server at an address, or to an inbox of its own.
func newMailer(address string) (email.Mailer, func(), error) {
	closeInbox := func() {}
	if address == "" {
		inbox, err := openInbox(func(to, mail string) { log.Printf("mail for %s:\n%s", to, mail) })
		if err != nil {
			return email.Mailer{}, nil, err
		}
		address, closeInbox = inbox.Address, inbox.Close
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return email.Mailer{}, nil, err
	}
	number, err := strconv.Atoi(port)
	return email.Mailer{Host: host, Port: number, From: "app@example.com"}, closeInbox, err
}
