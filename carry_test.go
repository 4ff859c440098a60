package later_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

type tenantKey struct{}

type localeKey struct{}

type tenant struct {
	Name string `json:"name"`
}

func asTenant(t *testing.T, name string) context.Context {
	t.Helper()
	return context.WithValue(t.Context(), tenantKey{}, tenant{name})
}

// TestCarry: from the enqueuer to the handler, to the jobs that it enqueues, to the next
// attempt, and to what is told of failures; alone, in a batch and in a transaction.
func TestCarry(t *testing.T) {
	var seen record[string]
	see := func(ctx context.Context, what string) {
		seen.add(fmt.Sprint(what, " ", ctx.Value(tenantKey{})))
	}
	child := later.Define[numberArgs]("ChildJob", later.Use(later.Carry[string]("locale", localeKey{})),
		later.MaxRetries(1), later.Fixed(0), later.AfterDiscard(func(ctx context.Context, _ later.Job, _ error) {
			see(ctx, fmt.Sprint("discarded ", ctx.Value(localeKey{})))
		}))
	parent := later.Define[numberArgs]("ParentJob")
	s := open(t, tempFile(t))
	var queue *later.JobQueue
	queue = queueOn(t, s, later.Config{Middleware: []later.Middleware{later.Carry[tenant]("tenant", tenantKey{})}},
		parent.Do(func(ctx context.Context, args numberArgs) error {
			see(ctx, fmt.Sprint("parent ", args.N))
			_, err := child.PerformLater(context.WithValue(ctx, localeKey{}, "de"), queue, args)
			return err
		}),
		child.Do(func(ctx context.Context, args numberArgs) error {
			see(ctx, fmt.Sprint("child ", args.N, ctx.Value(localeKey{})))
			return errBusy
		}))
	if _, err := queue.EnqueueAll(asTenant(t, "acme"), parent.With(numberArgs{1}), parent.With(numberArgs{2})); err != nil {
		t.Fatal(err)
	}
	tx, err := s.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parent.PerformLater(asTenant(t, "umbrella"), queue.Tx(s.Tx(tx)), numberArgs{3}); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	none := enqueue(t, parent, queue, numberArgs{4})
	if stored := get(t, queue, none.ID); stored.Options != nil {
		t.Errorf("nothing to carry: %+v", stored.Options)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := map[int]string{1: "{acme}", 2: "{acme}", 3: "{umbrella}", 4: "<nil>"}
	lines := strings.Join(seen.all(), "\n") + "\n"
	for n, who := range of {
		for line, times := range map[string]int{fmt.Sprintf("parent %d %s\n", n, who): 1, fmt.Sprintf("child %dde %s\n", n, who): 2} {
			if got := strings.Count(lines, line); got != times {
				t.Errorf("%q was seen %d times", line, got)
			}
		}
	}
	if n := strings.Count(lines, "discarded de {acme}\n"); n != 2 || strings.Count(lines, "discarded") != 4 {
		t.Errorf("seen:\n%s", lines)
	}
}

// TestCarryRefusesWhatItCannotCarry when the job is enqueued.
func TestCarryRefusesWhatItCannotCarry(t *testing.T) {
	type key struct{}
	for name, test := range map[string]struct {
		carrier later.Middleware
		value   any
		message string
	}{
		"another type":    {later.Carry[tenant]("tenant", key{}), "acme", `the context's value to carry as "tenant" is a string, not a later_test.tenant`},
		"does not encode": {later.Carry[chan int]("channel", key{}), make(chan int), `the context's value to carry as "channel"`},
		"NUL":             {later.Carry[string]("text", key{}), "a\x00b", `the context's value to carry as "text"`},
		"too large":       {later.Carry[string]("text", key{}), strings.Repeat("x", 2<<20), `the context's value to carry as "text"`},
	} {
		queue := newQueue(t, later.Config{Middleware: []later.Middleware{test.carrier}})
		_, err := textJob.PerformLater(context.WithValue(t.Context(), key{}, test.value), queue, textArgs{})
		if !errors.Is(err, later.ErrInvalidOption) || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCarriedValueThatDoesNotDecode fails the job at once.
func TestCarriedValueThatDoesNotDecode(t *testing.T) {
	s := open(t, tempFile(t))
	old := queueOn(t, s, later.Config{Middleware: []later.Middleware{later.Carry[tenant]("tenant", tenantKey{})}})
	job, err := textJob.PerformLater(asTenant(t, "acme"), old, textArgs{})
	if err != nil {
		t.Fatal(err)
	}
	var told record[error]
	changed := later.Define[textArgs]("TextJob", later.AfterDiscard(func(_ context.Context, _ later.Job, err error) { told.add(err) }))
	queue := queueOn(t, s, later.Config{Middleware: []later.Middleware{later.Carry[int]("tenant", tenantKey{})}},
		changed.Do(func(context.Context, textArgs) error { t.Error("performed"); return nil }))
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	job = get(t, queue, job.ID)
	if wantStatus(t, job, later.StatusFailed); job.Attempt != 1 || !strings.Contains(job.Error, `the value carried as "tenant"`) || len(told.all()) != 1 {
		t.Errorf("after %d attempts: %q; told %v", job.Attempt, job.Error, told.all())
	}
}

// TestMalformedCarry is a mistake of the program, as a malformed name of a job is.
func TestMalformedCarry(t *testing.T) {
	for name, make := range map[string]func(){
		"no name": func() { later.Carry[string]("", tenantKey{}) },
		"no key":  func() { later.Carry[string]("tenant", nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			make()
		}()
	}
}
