package otel_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
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

// TestMetrics: a queue that works in fake time, so that waits and runs are exact.
func TestMetrics(t *testing.T) {
	file := filepath.Join(t.TempDir(), "jobs.db")
	synctest.Test(t, func(t *testing.T) {
		i := newInstruments()
		store, err := sqlite.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		cfg := i.config()
		cfg.Concurrency = 2
		queue := latertest.NewOn(t, store, cfg, number.Do(func(_ context.Context, a args) error {
			time.Sleep(10 * time.Second)
			if a.N%2 == 1 {
				return errOdd
			}
			return nil
		}))
		stop, err := otel.Observe(queue, i.options...)
		if err != nil {
			t.Fatal(err)
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		calls := []later.Call{number.With(args{1}), number.With(args{2}), number.With(args{3}), another.With(args{4})}
		if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Second)
		for name, want := range map[string]map[string]int64{
			"later.jobs.enqueued": {"NumberJob numbers": 3, "AnotherJob default": 1},
			"later.queue.depth": {
				"pending numbers": 1, "running numbers": 2, "scheduled numbers": 0,
				"pending default": 1, "running default": 0, "scheduled default": 0,
			},
			"later.slots.used": {"": 2}, "later.slots.max": {"": 2},
		} {
			if got := i.sums(t, name); !equal(got, want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
		}
		if got := i.seconds(t, "later.queue.latency"); got["default"] != 5 || got["numbers"] != 5 {
			t.Errorf("latency %v", got)
		}
		time.Sleep(30 * time.Second)
		if got, want := i.sums(t, "later.jobs.outcomes"), map[string]int64{"NumberJob completed numbers": 1, "NumberJob failed numbers": 2}; !equal(got, want) {
			t.Errorf("outcomes %v, want %v", got, want)
		}
		if got := i.seconds(t, "later.job.run.duration"); got["NumberJob completed numbers"] != 10 || got["NumberJob failed numbers"] != 20 {
			t.Errorf("run %v", got)
		}
		if got := i.seconds(t, "later.job.wait.duration"); got["NumberJob numbers"] != 10 { // 0, 0 and 10
			t.Errorf("wait %v", got)
		}
		for _, name := range []string{"later.claim.size", "later.completion.size"} {
			if got := i.sums(t, name); got[""] != 3 {
				t.Errorf("%s: %v jobs", name, got)
			}
		}
		if _, err := queue.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()
		if got := i.sums(t, "later.slots.max"); len(got) != 0 {
			t.Errorf("slots after the end: %v", got)
		}
	})
}

func equal(a, b map[string]int64) bool {
	for key := range b {
		if a[key] != b[key] {
			return false
		}
	}
	return len(a) == len(b)
}

// TestSuperseded: the outcome of an attempt whose process was declared dead.
func TestSuperseded(t *testing.T) {
	i := newInstruments()
	crashed := false
	queue := latertest.New(t, i.config(), number.Do(func(ctx context.Context, _ args) error {
		if !crashed {
			crashed = true
			latertest.Crash(ctx)
		}
		return nil
	}))
	stop, err := otel.Observe(queue, i.options...)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if _, err := number.PerformLater(t.Context(), queue, args{2}); err != nil {
		t.Fatal(err)
	}
	latertest.Drain(t, queue)
	if got := i.sums(t, "later.jobs.superseded"); got["NumberJob numbers"] != 1 {
		t.Errorf("superseded %v", got)
	}
	if got := i.sums(t, "later.jobs.outcomes"); got["NumberJob completed numbers"] != 1 || len(got) != 1 {
		t.Errorf("outcomes %v", got)
	}
}

// sums are a metric's values, or the sums of its histograms, by the values of its attributes in
// the order of their names.
func (i *instruments) sums(t *testing.T, name string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	switch data := i.collect(t, name).(type) {
	case metricdata.Sum[int64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Value
		}
	case metricdata.Gauge[int64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Value
		}
	case metricdata.Histogram[int64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Sum
		}
	}
	return found
}

func (i *instruments) seconds(t *testing.T, name string) map[string]float64 {
	t.Helper()
	found := map[string]float64{}
	switch data := i.collect(t, name).(type) {
	case metricdata.Gauge[float64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Value
		}
	case metricdata.Histogram[float64]:
		for _, point := range data.DataPoints {
			found[values(point.Attributes)] = point.Sum
		}
	}
	return found
}

func (i *instruments) collect(t *testing.T, name string) metricdata.Aggregation {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := i.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name == name {
				return m.Data
			}
		}
	}
	return nil
}

func values(set attribute.Set) (text string) {
	sorted := set.ToSlice()
	slices.SortFunc(sorted, func(a, b attribute.KeyValue) int {
		if a.Key < b.Key {
			return -1
		}
		return 1
	})
	for _, a := range sorted {
		if text != "" {
			text += " "
		}
		text += a.Value.String()
	}
	return text
}

// TestDocumentedMetrics: the table of docs/telemetry.md has every metric and no other.
func TestDocumentedMetrics(t *testing.T) {
	documented := found(t, regexp.MustCompile("(?m)^\\| `(later\\.[a-z.]+)` \\|"), "../docs/telemetry.md")
	made := found(t, regexp.MustCompile(`"(later\.[a-z]+\.[a-z.]+)"`), "observe.go", "middleware.go")
	if len(made) < 14 || !slices.Equal(documented, made) {
		t.Errorf("documented are %q, made %q", documented, made)
	}
}

func found(t *testing.T, pattern *regexp.Regexp, files ...string) (names []string) {
	t.Helper()
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range pattern.FindAllStringSubmatch(string(text), -1) {
			names = append(names, match[1])
		}
	}
	slices.Sort(names)
	return names
}
