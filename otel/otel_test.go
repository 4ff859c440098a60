package otel_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latertest"
	"github.com/laterjobs/later/otel"
	"github.com/laterjobs/later/sqlite"
)

type args struct {
	N int `json:"n"`
}

var (
	number  = later.Define[args]("NumberJob", later.Queue("numbers"), later.NotRetryable())
	another = later.Define[args]("AnotherJob")
)

var errOdd = errors.New("the number is odd")

// instruments are the SDK's, in memory.
type instruments struct {
	spans   *tracetest.InMemoryExporter
	reader  *metric.ManualReader
	tracer  *trace.TracerProvider
	options []otel.Option
}

func newInstruments() *instruments {
	i := &instruments{spans: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	i.tracer = trace.NewTracerProvider(trace.WithSyncer(i.spans))
	i.options = []otel.Option{otel.WithTracerProvider(i.tracer), otel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(i.reader)))}
	return i
}

func (i *instruments) config() later.Config {
	return later.Config{Middleware: []later.Middleware{otel.Middleware(i.options...)}}
}

// named returns the spans of a name, oldest first.
func (i *instruments) named(name string) (found tracetest.SpanStubs) {
	for _, span := range i.spans.GetSpans() {
		if span.Name == name {
			found = append(found, span)
		}
	}
	return found
}

func attributesOf(span tracetest.SpanStub) map[string]string {
	found := map[string]string{}
	for _, a := range span.Attributes {
		found[string(a.Key)] = a.Value.String()
	}
	return found
}

func wantAttributes(t *testing.T, span tracetest.SpanStub, want map[string]string) {
	t.Helper()
	have := attributesOf(span)
	for key, value := range want {
		if have[key] != value {
			t.Errorf("%s: %s is %q, want %q", span.Name, key, have[key], value)
		}
	}
}

// TestSpansAreLinked: the attempt begins a trace of its own that points to the enqueuer's.
func TestSpansAreLinked(t *testing.T) {
	i := newInstruments()
	queue := latertest.New(t, i.config(), number.Do(func(ctx context.Context, _ args) error {
		_, inner := i.tracer.Tracer("test").Start(ctx, "inside")
		inner.End()
		return nil
	}))
	ctx, request := i.tracer.Tracer("test").Start(t.Context(), "request")
	if _, err := number.PerformLater(ctx, queue, args{1}); err != nil {
		t.Fatal(err)
	}
	request.End()
	latertest.Drain(t, queue)

	enqueued, performed := i.named("enqueue numbers")[0], i.named("perform NumberJob")[0]
	if enqueued.SpanKind != api.SpanKindProducer || enqueued.Parent.SpanID() != request.SpanContext().SpanID() {
		t.Errorf("enqueue: %v below %v", enqueued.SpanKind, enqueued.Parent.SpanID())
	}
	if performed.SpanKind != api.SpanKindConsumer || performed.Parent.IsValid() || len(performed.Links) != 1 ||
		performed.Links[0].SpanContext.SpanID() != enqueued.SpanContext.SpanID() ||
		performed.Links[0].SpanContext.TraceID() != enqueued.SpanContext.TraceID() {
		t.Errorf("perform: %v below %v, links %+v", performed.SpanKind, performed.Parent, performed.Links)
	}
	if inside := i.named("inside")[0]; inside.Parent.SpanID() != performed.SpanContext.SpanID() {
		t.Error("what the handler traces is not below the attempt")
	}
	wantAttributes(t, enqueued, map[string]string{
		"messaging.system": "later", "messaging.operation.type": "send", "messaging.operation.name": "enqueue",
		"messaging.destination.name": "numbers", "messaging.message.id": "1", "later.job.type": "NumberJob",
	})
	wantAttributes(t, performed, map[string]string{
		"messaging.system": "later", "messaging.operation.type": "process", "messaging.operation.name": "perform",
		"messaging.destination.name": "numbers", "messaging.message.id": "1", "later.job.type": "NumberJob", "later.job.attempt": "1",
	})
	if enqueued.Status.Code != codes.Unset || performed.Status.Code != codes.Unset {
		t.Errorf("status %v, %v", enqueued.Status, performed.Status)
	}
}

// TestSteps: a step that is run is below its attempt; one that is passed over leaves no span.
func TestSteps(t *testing.T) {
	i := newInstruments()
	failed := errors.New("no mailbox")
	queue := latertest.New(t, i.config(), number.Do(func(ctx context.Context, _ args) error {
		if err := later.Do(ctx, "charge", func(context.Context) error { return nil }); err != nil {
			return err
		}
		return later.Do(ctx, "mail", func(context.Context) error {
			if later.Running(ctx).Crashes == 0 {
				latertest.Crash(ctx)
			}
			return later.Discard(failed)
		})
	}))
	if _, err := number.PerformLater(t.Context(), queue, args{1}); err != nil {
		t.Fatal(err)
	}
	latertest.Drain(t, queue)
	charges, mails, attempts := i.named("step charge"), i.named("step mail"), i.named("perform NumberJob")
	if len(charges) != 1 || len(mails) != 2 || len(attempts) != 2 {
		t.Fatalf("%d charges, %d mails, %d attempts", len(charges), len(mails), len(attempts))
	}
	if charges[0].Parent.SpanID() != attempts[0].SpanContext.SpanID() || charges[0].Status.Code != codes.Unset {
		t.Errorf("charge: %+v", charges[0])
	}
	if mails[1].Parent.SpanID() != attempts[1].SpanContext.SpanID() || mails[1].Status.Code != codes.Error {
		t.Errorf("mail: %+v", mails[1])
	}
}

// TestEnqueueInsideAJob: its jobs are linked to the attempt, not to what that was linked to.
func TestEnqueueInsideAJob(t *testing.T) {
	i := newInstruments()
	var queue *later.JobQueue
	queue = latertest.New(t, i.config(),
		number.Do(func(ctx context.Context, _ args) error {
			_, err := another.PerformLater(ctx, queue, args{2})
			return err
		}),
		another.Do(func(context.Context, args) error { return nil }))
	if _, err := number.PerformLater(t.Context(), queue, args{1}); err != nil {
		t.Fatal(err)
	}
	latertest.Drain(t, queue)
	outer, between, inner := i.named("perform NumberJob")[0], i.named("enqueue default")[0], i.named("perform AnotherJob")[0]
	if between.Parent.SpanID() != outer.SpanContext.SpanID() || inner.Links[0].SpanContext.SpanID() != between.SpanContext.SpanID() {
		t.Errorf("the inner enqueue is below %v, its job linked to %v", between.Parent.SpanID(), inner.Links[0].SpanContext.SpanID())
	}
}

func TestBulkEnqueueIsOneSpan(t *testing.T) {
	i := newInstruments()
	queue := latertest.New(t, i.config())
	if _, err := queue.EnqueueAll(t.Context(), number.With(args{1}), number.With(args{2}), another.With(args{3})); err != nil {
		t.Fatal(err)
	}
	spans := i.spans.GetSpans()
	if len(spans) != 1 || spans[0].Name != "enqueue" {
		t.Fatalf("spans %+v", spans)
	}
	wantAttributes(t, spans[0], map[string]string{"messaging.batch.message_count": "3", "messaging.destination.name": "", "later.job.type": ""})
	if got := i.sums(t, "later.jobs.enqueued"); got["AnotherJob default"] != 1 || got["NumberJob numbers"] != 2 {
		t.Errorf("enqueued %v", got)
	}
}

// TestErrorsAreOnSpans: of attempts and of refused enqueues; what steers is no error.
func TestErrorsAreOnSpans(t *testing.T) {
	i := newInstruments()
	deeds := []func() error{
		func() error { return fmt.Errorf("look: %w", errOdd) },
		func() error { panic("no") },
		func() error { return later.Postpone(time.Hour, "not now") },
		func() error { return later.CancelSelf(errOdd) },
	}
	queue := latertest.New(t, i.config(), number.Do(func(_ context.Context, a args) error { return deeds[a.N]() }))
	for n := range deeds {
		if _, err := number.PerformLater(t.Context(), queue, args{n}); err != nil {
			t.Fatal(err)
		}
		latertest.Drain(t, queue)
	}
	spans := i.named("perform NumberJob")
	for n, want := range []struct {
		code    codes.Code
		errType string
		outcome string
	}{{codes.Error, "*errors.errorString", ""}, {codes.Error, "panic", ""}, {codes.Unset, "", "postponed"}, {codes.Unset, "", "cancelled"}} {
		span := spans[n]
		if span.Status.Code != want.code {
			t.Errorf("attempt %d: %v", n, span.Status)
		}
		wantAttributes(t, span, map[string]string{"error.type": want.errType, "later.outcome": want.outcome})
	}
	if events := spans[0].Events; len(events) != 1 || spans[0].Status.Description != "look: the number is odd" {
		t.Errorf("events %+v, status %v", events, spans[0].Status)
	}

	// PerformNow is part of what its caller does.
	ctx, request := i.tracer.Tracer("test").Start(t.Context(), "request")
	if err := number.PerformNow(ctx, queue, args{0}); !errors.Is(err, errOdd) {
		t.Errorf("performed now: %v", err)
	}
	if now := i.named("perform NumberJob")[4]; now.Parent.SpanID() != request.SpanContext().SpanID() || len(now.Links) != 0 {
		t.Errorf("performed now below %v", now.Parent)
	}

	closed, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	broken := latertest.NewOn(t, closed, i.config())
	closed.Close()
	before := len(i.named("enqueue numbers"))
	if _, err := number.PerformLater(t.Context(), broken, args{1}); !errors.Is(err, later.ErrClosed) {
		t.Errorf("enqueued with %v", err)
	}
	if refused := i.named("enqueue numbers")[before]; refused.Status.Code != codes.Error {
		t.Errorf("refused: %v", refused.Status)
	}
}
