// Package otel makes OpenTelemetry traces and metrics of what a JobQueue does.
//
//	queue := later.New(store, later.Config{Middleware: []later.Middleware{otel.Middleware()}})
//	stop, err := otel.Observe(queue)
//
// Middleware makes a span of every enqueue and of every attempt, linked to each other
// across processes by the W3C trace context that the job carries, and counts what is
// enqueued. Observe makes metrics of what only the JobQueue knows: outcomes, waits,
// claims, slots and queues. Names, units and attributes are in docs/telemetry.md. Both use the
// global providers of OpenTelemetry unless options name others.
package otel

import (
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation.
const scope = "github.com/laterjobs/later/otel"

// Option changes where traces and metrics go.
type Option func(*config)

type config struct {
	tracer     trace.Tracer
	meter      metric.Meter
	propagator propagation.TextMapPropagator
}

// WithTracerProvider takes the place of otel.GetTracerProvider().
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(c *config) { c.tracer = p.Tracer(scope) }
}

// WithMeterProvider takes the place of otel.GetMeterProvider().
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(c *config) { c.meter = p.Meter(scope) }
}

// WithPropagator says what a job carries from its enqueuer: the W3C trace context by
// default. With baggage, for example, what that says is stored with every job.
func WithPropagator(p propagation.TextMapPropagator) Option {
	return func(c *config) { c.propagator = p }
}

func configOf(opts []Option) config {
	c := config{propagator: propagation.TraceContext{}}
	for _, opt := range opts {
		opt(&c)
	}
	if c.tracer == nil {
		c.tracer = otel.GetTracerProvider().Tracer(scope)
	}
	if c.meter == nil {
		c.meter = otel.GetMeterProvider().Meter(scope)
	}
	return c
}

// Attributes of metrics, and of spans beside those of the messaging conventions.
const (
	queueKey   = attribute.Key("later.queue")
	typeKey    = attribute.Key("later.job.type")
	outcomeKey = attribute.Key("later.outcome")
	attemptKey = attribute.Key("later.job.attempt")
	statusKey  = attribute.Key("later.job.status")
)
