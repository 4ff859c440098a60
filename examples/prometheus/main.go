// Prometheus is a worker whose metrics Prometheus collects, and whose health an
// orchestrator probes. It is a module of its own, so that the libraries of Prometheus
// stay out of programs that do not use them.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/otel"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

type greetArgs struct {
	Name string `json:"name" validate:"required"`
}

var greet = later.Define[greetArgs]("GreetJob", later.Description("Greets somebody"))

// worker is a JobQueue with its metrics, and the addresses under which they are asked for.
func worker(s store.Store) (*later.JobQueue, http.Handler, error) {
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	meters := metric.NewMeterProvider(metric.WithReader(reader))

	queue := later.New(s, later.Config{Middleware: []later.Middleware{otel.Middleware(otel.WithMeterProvider(meters))}})
	if _, err := otel.Observe(queue, otel.WithMeterProvider(meters)); err != nil {
		return nil, nil, err
	}
	queue.Register(greet.Do(func(_ context.Context, args greetArgs) error {
		if args.Name == "nobody" {
			return later.Discard(errors.New("there is nobody to greet"))
		}
		log.Println("Hello,", args.Name)
		return nil
	}))

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("GET /healthz", queue.HealthHandler())
	mux.Handle("GET /latency", queue.LatencyHandler())
	return queue, mux, nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	s, err := sqlite.Open("jobs.db")
	if err != nil {
		return err
	}
	defer s.Close()
	queue, pages, err := worker(s)
	if err != nil {
		return err
	}
	server := &http.Server{Addr: "localhost:9464", Handler: pages}
	context.AfterFunc(ctx, func() { server.Close() })
	go func() { log.Println(server.ListenAndServe()) }()
	return queue.Run(ctx)
}
