package later_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

type tableArgs struct {
	Table string `json:"table"`
	Full  bool   `json:"full"`
}

func (a tableArgs) String() string { return a.Table }

func tableOf(a tableArgs) string { return a.Table }

func nothing[A any](context.Context, A) error { return nil }

// TestUniqueDefinition: the key is made of the arguments, however the job is enqueued.
func TestUniqueDefinition(t *testing.T) {
	reindex := later.Define[tableArgs]("Reindex", later.Unique(tableOf))
	queue := newQueue(t, later.Config{}, reindex.Do(nothing))
	first := enqueue(t, reindex, queue, tableArgs{"orders", false})
	if first.Deduplicated || first.Options.UniqueKey().Key != "orders" {
		t.Errorf("the first: %+v", first)
	}
	met := enqueue(t, reindex, queue, tableArgs{"orders", true})
	if !met.Deduplicated || met.Replaced || met.ID != first.ID || string(met.Args) != `{"table":"orders","full":false}` {
		t.Errorf("the second: %+v", met)
	}
	byName, err := queue.Enqueue(t.Context(), "Reindex", json.RawMessage(`{"table":"orders"}`))
	if err != nil || !byName.Deduplicated || byName.ID != first.ID {
		t.Errorf("by name: %+v, %v", byName, err)
	}
	for _, table := range []string{"users", ""} {
		if other := enqueue(t, reindex, queue, tableArgs{table, false}); other.Deduplicated {
			t.Errorf("%q: %+v", table, other)
		}
	}
	if again := enqueue(t, reindex, queue, tableArgs{"", false}); again.Deduplicated {
		t.Errorf("an empty key: %+v", again)
	}
	if stored := get(t, queue, first.ID); stored.Deduplicated || stored.Options.UniqueKey().Scope != store.UniqueUntilDone {
		t.Errorf("stored: %+v", stored)
	}
	if err := reindex.PerformNow(t.Context(), queue, tableArgs{"orders", false}); err != nil {
		t.Errorf("PerformNow: %v", err)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if next := enqueue(t, reindex, queue, tableArgs{"orders", true}); next.Deduplicated {
		t.Errorf("after the first: %+v", next)
	}
}

// TestUniqueByInterface: one function for several types of arguments.
func TestUniqueByInterface(t *testing.T) {
	byText := later.Unique(func(a interface{ String() string }) string { return a.String() })
	reindex := later.Define[tableArgs]("Reindex", byText)
	queue := newQueue(t, later.Config{}, reindex.Do(nothing))
	enqueue(t, reindex, queue, tableArgs{"orders", false})
	if met := enqueue(t, reindex, queue, tableArgs{"orders", true}); !met.Deduplicated {
		t.Errorf("%+v", met)
	}
}

// TestUniqueArgs: the same arguments, whatever their JSON looks like.
func TestUniqueArgs(t *testing.T) {
	reindex := later.Define[tableArgs]("Reindex", later.UniqueArgs())
	queue := newQueue(t, later.Config{}, reindex.Do(nothing))
	first := enqueue(t, reindex, queue, tableArgs{"orders", true})
	if other := enqueue(t, reindex, queue, tableArgs{"orders", false}); other.Deduplicated {
		t.Errorf("other arguments: %+v", other)
	}
	for _, raw := range []string{`{"table":"orders","full":true}`, "{ \"full\" : true,\n \"table\" : \"\\u006frders\" }"} {
		if met, err := queue.Enqueue(t.Context(), "Reindex", json.RawMessage(raw)); err != nil || met.ID != first.ID {
			t.Errorf("%s: %+v, %v", raw, met, err)
		}
	}
}

// TestUniqueByPublishedName: a process that has no definition goes by what others have
// published.
func TestUniqueByPublishedName(t *testing.T) {
	byArgs := later.Define[tableArgs]("ByArgs", later.UniqueArgs(later.Fail))
	byFunction := later.Define[tableArgs]("ByFunction", later.Unique(tableOf, later.WhileWaiting))
	path := tempFile(t)
	worker := queueOn(t, open(t, path), later.Config{Queues: map[string]int{"none": 1}}, byArgs.Do(nothing), byFunction.Do(nothing))
	start(t, worker)
	other := queueOn(t, open(t, path), later.Config{})
	offer := func(name string, opts ...later.CallOption) (later.Job, error) {
		return other.Enqueue(t.Context(), name, json.RawMessage(`{"table":"orders","full":false}`), opts...)
	}
	first, err := offer("ByArgs")
	if err != nil {
		t.Fatal(err)
	}
	var duplicate *later.DuplicateError
	if _, err := offer("ByArgs"); !errors.As(err, &duplicate) || duplicate.Holder != first.ID {
		t.Errorf("error: %v", err)
	}
	if _, err := byArgs.PerformLater(t.Context(), worker, tableArgs{"orders", false}); !errors.Is(err, later.ErrDuplicate) {
		t.Errorf("by the definition: %v", err)
	}
	if _, err := offer("ByFunction"); !errors.Is(err, later.ErrInvalidOption) || !strings.Contains(err.Error(), "give one with UniqueKey") {
		t.Errorf("error: %v", err)
	}
	held, err := offer("ByFunction", later.UniqueKey("orders"))
	if err != nil || held.Options.UniqueKey().Scope != store.UniqueWhileWaiting {
		t.Errorf("with a key: %+v, %v", held, err)
	}
	if met, err := byFunction.PerformLater(t.Context(), worker, tableArgs{"orders", true}); err != nil || met.ID != held.ID {
		t.Errorf("by the definition: %+v, %v", met, err)
	}
	if free, err := offer("ByFunction", later.UniqueKey("")); err != nil || free.Options.UniqueKey() != nil {
		t.Errorf("without a key: %+v, %v", free, err)
	}
}

// TestUniqueKey: a call's key wins, and its options complete those of the definition.
func TestUniqueKey(t *testing.T) {
	reindex := later.Define[tableArgs]("Reindex", later.Unique(tableOf, later.Replace))
	queue := newQueue(t, later.Config{}, reindex.Do(nothing), textJob.Do(nothing))
	first := enqueue(t, reindex, queue, tableArgs{"orders", false}, later.UniqueKey("nightly"))
	replaced := enqueue(t, reindex, queue, tableArgs{"users", true}, later.UniqueKey("nightly"), later.Priority(3))
	if !replaced.Deduplicated || !replaced.Replaced || replaced.ID != first.ID || replaced.Priority != 3 || string(replaced.Args) != `{"table":"users","full":true}` {
		t.Errorf("%+v", replaced)
	}
	call := reindex.With(tableArgs{"x", false}, later.UniqueKey("nightly", later.Fail))
	if _, err := queue.EnqueueAll(t.Context(), textJob.With(textArgs{"a"}), call); !errors.Is(err, later.ErrDuplicate) {
		t.Errorf("error: %v", err)
	}
	if _, err := queue.EnqueueAll(t.Context(), call.With(later.UniqueKey("other"))); err != nil {
		t.Errorf("another key: %v", err)
	}
	if jobs, err := queue.List(t.Context(), later.Filter{Type: "TextJob"}); err != nil || len(jobs) != 0 {
		t.Errorf("stored beside a duplicate: %v, %v", jobs, err)
	}
	one := enqueue(t, textJob, queue, textArgs{"a"}, later.UniqueKey("k", later.For(time.Hour)))
	if met := enqueue(t, textJob, queue, textArgs{"b"}, later.UniqueKey("k")); met.ID != one.ID {
		t.Errorf("%+v", met)
	}
}

// TestUniqueKeysOfAllKinds: a key may be any text. Long and unprintable ones do not fit
// into an index, or on a page.
func TestUniqueKeysOfAllKinds(t *testing.T) {
	queue := newQueue(t, later.Config{})
	long := strings.Repeat("k", 10_000)
	for _, key := range []string{"plain", "with space", long, long + "x", "a\x00b", "a\x00c", "\xff", "\xfe", "žluťoučký 😀", strings.Repeat("k", 255), strings.Repeat("k", 256)} {
		first := enqueue(t, textJob, queue, textArgs{"a"}, later.UniqueKey(key))
		met := enqueue(t, textJob, queue, textArgs{"b"}, later.UniqueKey(key))
		if first.Deduplicated || met.ID != first.ID {
			t.Errorf("%.20q: %+v, then %+v", key, first, met)
		}
	}
}

// TestUniqueMistakes are told when the definition is used.
func TestUniqueMistakes(t *testing.T) {
	queue := newQueue(t, later.Config{})
	for message, option := range map[string]later.DefineOption{
		"Unique has a function of later_test.numberArgs, but the arguments are later_test.tableArgs": later.Unique(func(numberArgs) string { return "" }),
		"Unique has a function of error, but the arguments are later_test.tableArgs":                 later.Unique(error.Error),
		"a key cannot be unique for 0s":  later.Unique(tableOf, later.For(0)),
		"a key cannot be unique for -1s": later.UniqueArgs(later.For(-time.Second)),
	} {
		bad := later.Define[tableArgs]("Bad", option)
		_, err := bad.PerformLater(t.Context(), queue, tableArgs{})
		if !errors.Is(err, later.ErrInvalidOption) || !strings.Contains(err.Error(), message) {
			t.Errorf("error %v, expected %s", err, message)
		}
	}
	_, err := textJob.PerformLater(t.Context(), queue, textArgs{}, later.UniqueKey("k", later.For(-1)))
	if !errors.Is(err, later.ErrInvalidOption) {
		t.Errorf("error: %v", err)
	}
}

// TestUniqueInTx: what a transaction has taken is held if it commits. Later calls of it
// see the job that it has stored.
func TestUniqueInTx(t *testing.T) {
	s := open(t, tempFile(t))
	queue := queueOn(t, s, later.Config{})
	for _, commit := range []bool{false, true} {
		tx, err := s.DB().BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		first := enqueue(t, textJob, queue.Tx(s.Tx(tx)), textArgs{"a"}, later.UniqueKey("k"))
		met := enqueue(t, textJob, queue.Tx(s.Tx(tx)), textArgs{"b"}, later.UniqueKey("k"))
		_, err = textJob.PerformLater(t.Context(), queue.Tx(s.Tx(tx)), textArgs{"c"}, later.UniqueKey("k", later.Fail))
		if first.Deduplicated || met.ID != first.ID || !errors.Is(err, later.ErrDuplicate) {
			t.Errorf("inside: %+v, %+v, %v", first, met, err)
		}
		end := tx.Rollback
		if commit {
			end = tx.Commit
		}
		if err := end(); err != nil {
			t.Fatal(err)
		}
		after := enqueue(t, textJob, queue, textArgs{"d"}, later.UniqueKey("k"))
		if after.Deduplicated != commit {
			t.Errorf("committed: %v, then %+v", commit, after)
		}
		if _, err := queue.CancelAll(t.Context(), later.Filter{}, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// TestRetryOfUniqueJob: a person is told which job is in the way.
func TestRetryOfUniqueJob(t *testing.T) {
	reindex := later.Define[tableArgs]("Reindex", later.Unique(tableOf), later.NotRetryable())
	queue := newQueue(t, later.Config{}, reindex.Do(func(context.Context, tableArgs) error { return errors.New("no") }))
	failed := enqueue(t, reindex, queue, tableArgs{"orders", false})
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	holder := enqueue(t, reindex, queue, tableArgs{"orders", false})
	for name, again := range map[string]func(context.Context, int64) error{"retry": queue.Retry, "run": queue.RunNow} {
		err := again(t.Context(), failed.ID)
		var duplicate *later.DuplicateError
		if !errors.Is(err, later.ErrConflict) || !errors.Is(err, later.ErrDuplicate) || !errors.As(err, &duplicate) || duplicate.Holder != holder.ID {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := queue.Cancel(t.Context(), holder.ID, ""); err != nil {
		t.Fatal(err)
	}
	if err := queue.Retry(t.Context(), failed.ID); err != nil {
		t.Errorf("when the key is free: %v", err)
	}
	if met := enqueue(t, reindex, queue, tableArgs{"orders", false}); met.ID != failed.ID {
		t.Errorf("after the retry: %+v", met)
	}
}
