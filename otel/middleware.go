package otel

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/engine"
)

// Middleware traces both ends of every job. A bulk enqueue is one span. An attempt is
// the root of a trace of its own, linked to the span that enqueued its job: it may come
// days later, and often. What PerformNow performs is a child of its caller's span.
func Middleware(opts ...Option) later.Middleware {
	m := &middleware{config: configOf(opts), carry: later.Carry[map[string]string](carriedName, carriedKey{})}
	var err error
	m.enqueued, err = m.meter.Int64Counter("later.jobs.enqueued", metric.WithUnit("{job}"),
		metric.WithDescription("Jobs that were enqueued; those of a transaction when they are handed to it"))
	if err != nil {
		otel.Handle(err)
	}
	return later.Middleware{Enqueue: m.enqueue, Perform: m.perform, Step: m.step}
}

// carriedName is the name under which a job carries its trace.
const carriedName = "trace"

// carriedKey is where a context has the trace that a job carries.
type carriedKey struct{}

type middleware struct {
	config
	carry    later.Middleware
	enqueued metric.Int64Counter
}

func (m *middleware) enqueue(
	ctx context.Context, calls []later.Call, next func(context.Context, []later.Call) ([]later.Job, error),
) ([]later.Job, error) {
	name, attributes := describe(calls)
	ctx, span := m.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindProducer), trace.WithAttributes(attributes...))
	ended := false
	defer func() { end(span, &ended) }()
	carrier := propagation.MapCarrier{}
	m.propagator.Inject(ctx, carrier)
	var carried any // a map without anything is not carried, nor one of an outer job
	if len(carrier) > 0 {
		carried = map[string]string(carrier)
	}
	jobs, err := m.carry.Enqueue(context.WithValue(ctx, carriedKey{}, carried), calls, next)
	ended = true
	if err != nil {
		fail(span, err)
		return jobs, err
	}
	if len(jobs) == 1 {
		span.SetAttributes(semconv.MessagingMessageID(strconv.FormatInt(jobs[0].ID, 10)))
	}
	m.count(ctx, jobs)
	return jobs, nil
}

// describe names the span of an enqueue: it has the queue or the type of its jobs, if
// they have one.
func describe(calls []later.Call) (name string, attributes []attribute.KeyValue) {
	name = "enqueue"
	attributes = []attribute.KeyValue{
		semconv.MessagingSystemKey.String("later"), semconv.MessagingOperationName("enqueue"), semconv.MessagingOperationTypeSend,
	}
	if len(calls) != 1 {
		attributes = append(attributes, semconv.MessagingBatchMessageCount(len(calls)))
	}
	if queue, one := common(calls, later.Call.Queue); one {
		name += " " + queue
		attributes = append(attributes, semconv.MessagingDestinationName(queue))
	}
	if jobType, one := common(calls, later.Call.Type); one {
		attributes = append(attributes, typeKey.String(jobType))
	}
	return name, attributes
}

// common is what all calls have in common.
func common(calls []later.Call, of func(later.Call) string) (value string, one bool) {
	for i, call := range calls {
		if i > 0 && of(call) != value {
			return "", false
		}
		value = of(call)
	}
	return value, len(calls) > 0
}

// count adds up the jobs of a bulk enqueue before it counts them.
func (m *middleware) count(ctx context.Context, jobs []later.Job) {
	counts := map[[2]string]int64{}
	for i := range jobs {
		if jobs[i].Deduplicated {
			continue // it was enqueued before, perhaps by another process that keeps the same schedule
		}
		counts[[2]string{jobs[i].Queue, jobs[i].Type}]++
	}
	for of, n := range counts {
		m.enqueued.Add(ctx, n, metric.WithAttributes(queueKey.String(of[0]), typeKey.String(of[1])))
	}
}

func (m *middleware) perform(ctx context.Context, job *later.RunningJob, next func(context.Context) error) error {
	return m.carry.Perform(ctx, job, func(ctx context.Context) error {
		opts := []trace.SpanStartOption{trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
			semconv.MessagingSystemKey.String("later"), semconv.MessagingOperationName("perform"), semconv.MessagingOperationTypeProcess,
			semconv.MessagingDestinationName(job.Queue), typeKey.String(job.Type), attemptKey.Int(job.Attempt),
		)}
		if job.ID != 0 {
			opts = append(opts, trace.WithNewRoot(), trace.WithAttributes(semconv.MessagingMessageID(strconv.FormatInt(job.ID, 10))))
		}
		if carrier, ok := ctx.Value(carriedKey{}).(map[string]string); ok {
			from := m.propagator.Extract(trace.ContextWithSpanContext(ctx, trace.SpanContext{}), propagation.MapCarrier(carrier))
			if enqueuer := trace.SpanContextFromContext(from); enqueuer.IsValid() {
				opts = append(opts, trace.WithLinks(trace.Link{SpanContext: enqueuer}))
				ctx = trace.ContextWithSpanContext(from, trace.SpanContextFromContext(ctx)) // with what else it carries
			}
		}
		ctx, span := m.tracer.Start(ctx, "perform "+job.Type, opts...)
		ended := false
		defer func() { end(span, &ended) }()
		err := next(ctx)
		ended = true
		conclude(ctx, span, err)
		return err
	})
}

// step traces a step that is run, below its attempt.
func (m *middleware) step(ctx context.Context, job *later.RunningJob, name string, next func(context.Context) error) error {
	ctx, span := m.tracer.Start(ctx, "step "+name, trace.WithAttributes(typeKey.String(job.Type), attemptKey.Int(job.Attempt)))
	ended := false
	defer func() { end(span, &ended) }()
	err := next(ctx)
	ended = true
	if err != nil {
		fail(span, err)
	}
	return err
}

// conclude says on the span what the attempt has led to, as far as its error tells: the
// rules may still decide otherwise, see later.jobs.outcomes.
func conclude(ctx context.Context, span trace.Span, err error) {
	var postponed *engine.Postponement
	var cancelled *engine.SelfCancelled
	cause := context.Cause(ctx)
	switch {
	case err == nil:
	case errors.As(err, &postponed):
		span.SetAttributes(outcomeKey.String("postponed"))
	case errors.As(err, &cancelled), errors.Is(cause, later.ErrCancelled):
		span.SetAttributes(outcomeKey.String("cancelled"))
	case errors.Is(cause, later.ErrStopping), errors.Is(cause, later.ErrLeaseLost), errors.Is(err, later.ErrStopping):
		span.SetAttributes(outcomeKey.String("released"))
	default:
		fail(span, err)
	}
}

func fail(span trace.Span, err error) {
	span.RecordError(err)
	span.SetStatus(codes.Error, err.Error())
	span.SetAttributes(semconv.ErrorTypeKey.String(errorType(err)))
}

// errorType is the type of the innermost error that is not one of the standard
// wrappers, which say nothing.
func errorType(err error) string {
	for {
		text := fmt.Sprintf("%T", err)
		if text != "*fmt.wrapError" && text != "*fmt.wrapErrors" {
			return text
		}
		inner := errors.Unwrap(err)
		if inner == nil {
			return text
		}
		err = inner
	}
}

// end ends a span. A function that has not returned has panicked, or ended its
// goroutine: who recovers it has the reason.
func end(span trace.Span, returned *bool) {
	if !*returned {
		span.SetStatus(codes.Error, "panic")
		span.SetAttributes(semconv.ErrorTypeKey.String("panic"))
	}
	span.End()
}
