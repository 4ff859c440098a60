// Deploy is a worker as it is run in production: a store that the environment names,
// probes over HTTP, and an orderly end at SIGTERM. Beside it are a Dockerfile, a unit of
// systemd and manifests of Kubernetes. docs/production.md explains them.
//
//	LATER_DB=jobs.db go run ./examples/deploy
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/postgres"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

// ReindexArgs are the arguments of a ReindexJob.
type ReindexArgs struct {
	Documents int `json:"documents" validate:"min=1"`
}

// Reindex takes long, longer than a deploy may wait.
var Reindex = later.Define[ReindexArgs]("ReindexJob",
	later.Description("Indexes all documents, and goes on where a deploy has stopped it"),
	later.Timeout(12*time.Hour))

func reindex(ctx context.Context, args ReindexArgs) error {
	cursor, err := later.Cursor(ctx, "documents", 0)
	if err != nil {
		return err
	}
	job := later.Running(ctx)
	for next := cursor.Get(); next < args.Documents; next++ {
		select {
		case <-time.After(100 * time.Millisecond): // stands for the work on one document
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := cursor.Set(next + 1); err != nil { // ErrStopping as soon as the process is to stop
			return err
		}
		job.Progress(int64(next+1), int64(args.Documents), "documents")
	}
	return nil
}

func main() {
	migrate := flag.Bool("migrate", false, "bring the schema of the store up to date, and end")
	listen := flag.String("listen", ":8080", "address and port of the probes")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv("LATER_DB"), *listen, *migrate); err != nil {
		slog.Error("the worker failed", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, db, listen string, migrate bool) error {
	s, err := open(ctx, db, migrate)
	if err != nil {
		return err
	}
	defer s.Close()
	if migrate {
		return nil
	}
	queue := later.New(s, later.Config{Version: os.Getenv("VERSION")})
	queue.Register(Reindex.Do(reindex))

	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: probes(queue), ReadHeaderTimeout: 10 * time.Second}
	defer server.Close() // after the jobs: probes are answered until the end
	go server.Serve(listener)
	slog.Info("working", "probes", listener.Addr().String())
	return queue.Run(ctx)
}

// open opens a file, or a PostgreSQL database.
func open(ctx context.Context, db string, migrate bool) (store.Store, error) {
	switch {
	case db == "":
		return nil, errors.New("LATER_DB is not set: it names a file, or a database such as postgres://app@db/app")
	case !strings.HasPrefix(db, "postgres://"):
		s, err := sqlite.Open(db) // migrates by itself
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	var opts []postgres.Option
	if migrate {
		opts = append(opts, postgres.WithMigration())
	}
	s, err := postgres.Open(ctx, db, opts...)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// probes: /alive is for liveness. It does not look at the database, because to restart a
// worker mends no outage of it. /ready is the queue's own opinion.
func probes(queue *later.JobQueue) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /alive", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "alive") })
	mux.Handle("GET /ready", queue.HealthHandler())
	mux.Handle("GET /latency", queue.LatencyHandler())
	return mux
}
