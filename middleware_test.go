package later_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

func TestMiddlewareSurroundsEveryPerforming(t *testing.T) {
	var calls []string
	layer := func(name string) later.Middleware {
		return later.Middleware{Perform: func(ctx context.Context, job *later.RunningJob, next func(context.Context) error) error {
			calls = append(calls, name+" before "+job.Type)
			err := next(ctx)
			calls = append(calls, fmt.Sprintf("%s after: %v", name, err))
			return err
		}}
	}
	errBoom := errors.New("boom")
	boom := later.Define[textArgs]("BoomJob", later.Use(layer("c"), later.Middleware{}), later.Use(layer("d")))
	queue := newQueue(t, later.Config{Middleware: []later.Middleware{layer("a"), {}, layer("b")}},
		boom.Do(func(context.Context, textArgs) error { return errBoom }))
	want := []string{
		"a before BoomJob", "b before BoomJob", "c before BoomJob", "d before BoomJob",
		"d after: boom", "c after: boom", "b after: boom", "a after: boom",
	}
	if err := boom.PerformNow(t.Context(), queue, textArgs{}); !errors.Is(err, errBoom) {
		t.Errorf("performed now: %v", err)
	}
	if !slices.Equal(calls, want) {
		t.Errorf("performed now: %q", calls)
	}
	calls = nil
	enqueue(t, boom, queue, textArgs{})
	if _, err := queue.Drain(t.Context()); err != nil || !slices.Equal(calls, want) {
		t.Errorf("performed later: %q, %v", calls, err)
	}
}

// witness is middleware that writes down what it sees.
type witness struct {
	name string
	log  *record[string]
}

func (w witness) middleware() later.Middleware {
	return later.Middleware{Enqueue: func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
		var seen []string
		for _, call := range calls {
			seen = append(seen, call.Type()+string(call.Args()))
		}
		w.log.add(w.name + ": " + strings.Join(seen, " "))
		jobs, err := next(ctx, calls)
		seen = nil
		for _, job := range jobs {
			seen = append(seen, fmt.Sprintf("%s%d", job.Type, job.ID))
		}
		w.log.add(fmt.Sprintf("%s: %s %v", w.name, strings.Join(seen, " "), err))
		return jobs, err
	}}
}

// TestMiddlewareSurroundsTheStoringOfABatch: once for all, and for each definition
// with its own calls; everything is stored by one statement, in order.
func TestMiddlewareSurroundsTheStoringOfABatch(t *testing.T) {
	var log record[string]
	a := later.Define[numberArgs]("A", later.Use(witness{"of A", &log}.middleware()))
	b := later.Define[numberArgs]("B", later.Use(witness{"of B", &log}.middleware()))
	c := later.Define[numberArgs]("C")
	queue := newQueue(t, later.Config{Middleware: []later.Middleware{witness{"of all", &log}.middleware()}})
	jobs, err := queue.EnqueueAll(t.Context(),
		c.With(numberArgs{0}), b.With(numberArgs{1}), a.With(numberArgs{2}), b.With(numberArgs{3}))
	if err != nil {
		t.Fatal(err)
	}
	for i, job := range jobs {
		if job.ID != int64(i+1) || job.Type != string("CBAB"[i]) {
			t.Errorf("job %d: %d %s", i, job.ID, job.Type)
		}
		if stored := get(t, queue, job.ID); stored.Type != job.Type || string(stored.Args) != fmt.Sprintf(`{"n":%d}`, i) {
			t.Errorf("stored: %+v", stored)
		}
	}
	want := []string{
		`of all: C{"n":0} B{"n":1} A{"n":2} B{"n":3}`, `of B: B{"n":1} B{"n":3}`, `of A: A{"n":2}`,
		"of A: A3 <nil>", "of B: B2 B4 <nil>", "of all: C1 B2 A3 B4 <nil>",
	}
	if seen := log.all(); !slices.Equal(seen, want) {
		t.Errorf("seen:\n%s\nwant:\n%s", strings.Join(seen, "\n"), strings.Join(want, "\n"))
	}
}

// TestMiddlewareSeesEveryWayToEnqueue but PerformNow, which stores nothing.
func TestMiddlewareSeesEveryWayToEnqueue(t *testing.T) {
	var log record[string]
	number := later.Define[numberArgs]("NumberJob", later.Use(witness{"own", &log}.middleware()))
	s := open(t, tempFile(t))
	queue := queueOn(t, s, later.Config{}, number.Do(func(context.Context, numberArgs) error { return nil }))
	enqueue(t, number, queue, numberArgs{1})
	if _, err := queue.Enqueue(t.Context(), "NumberJob", []byte(`{"n":2}`)); err != nil {
		t.Fatal(err)
	}
	tx, err := s.DB().BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	enqueue(t, number, queue.Tx(s.Tx(tx)), numberArgs{3})
	if _, err := queue.Tx(s.Tx(tx)).Enqueue(t.Context(), "NumberJob", []byte(`{"n":4}`)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := number.PerformNow(t.Context(), queue, numberArgs{5}); err != nil {
		t.Fatal(err)
	}
	seen := slices.DeleteFunc(log.all(), func(line string) bool { return strings.HasSuffix(line, "<nil>") })
	want := []string{`own: NumberJob{"n":1}`, `own: NumberJob{"n":2}`, `own: NumberJob{"n":3}`, `own: NumberJob{"n":4}`}
	if !slices.Equal(seen, want) {
		t.Errorf("seen: %q", seen)
	}
	if jobs, err := queue.List(t.Context(), later.Filter{}); err != nil || len(jobs) != 2 {
		t.Errorf("%d jobs are stored, %v", len(jobs), err)
	}
}

// next is what an Enqueue half calls to go on.
type next = func(context.Context, []later.Call) ([]later.Job, error)

// TestMiddlewareChangesWhatIsStored: calls can be changed, added, left out, refused,
// and tried again.
func TestMiddlewareChangesWhatIsStored(t *testing.T) {
	errNo := errors.New("no")
	number := later.Define[numberArgs]("NumberJob")
	for _, test := range []struct {
		name   string
		layer  func(context.Context, []later.Call, next) ([]later.Job, error)
		stored string // queues and arguments, oldest first
		want   string // the error, or the ids of the jobs returned
	}{
		{"changed", func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
			for i := range calls {
				calls[i] = calls[i].With(later.Queue(calls[i].Queue() + "-eu"))
			}
			return next(ctx, calls)
		}, `default-eu{"n":1} default-eu{"n":2} plain{"n":3}`, "1 2 3"},
		{"added", func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
			jobs, err := next(ctx, append(calls, number.With(numberArgs{9}, later.Queue("added"))))
			if err != nil {
				return nil, err
			}
			return jobs[:len(calls)], nil
		}, `default{"n":1} default{"n":2} plain{"n":3} added{"n":9}`, "1 2 3"},
		{"left out", func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
			jobs, err := next(ctx, calls[:1])
			return append(jobs, later.Job{}), err
		}, `default{"n":1} plain{"n":3}`, "1 0 2"},
		{"none", func(_ context.Context, calls []later.Call, _ next) ([]later.Job, error) {
			return make([]later.Job, len(calls)), nil
		}, `plain{"n":3}`, "0 0 1"},
		{"refused", func(context.Context, []later.Call, next) ([]later.Job, error) { return nil, errNo }, "", "no"},
		{"impossible", func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
			return next(ctx, []later.Call{calls[0].With(later.Priority(1 << 20)), calls[1]})
		}, "", "invalid option of OwnJob: priority 1048576 is outside −32768…32767"},
		{"too few", func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
			return nil, nil
		}, "", "invalid option: an Enqueue middleware returned 0 jobs for 2 calls"},
		{"again", func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
			for i := range calls {
				calls[i] = calls[i].With(later.Queue(calls[i].Queue() + "-x"))
			}
			if _, err := next(ctx, []later.Call{{}}); !errors.Is(err, later.ErrInvalidOption) {
				t.Errorf("a zero call: %v", err)
			}
			return next(ctx, calls)
		}, `default-x{"n":1} default-x{"n":2} plain{"n":3}`, "1 2 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			own := later.Define[numberArgs]("OwnJob", later.Use(later.Middleware{Enqueue: test.layer}))
			queue := newQueue(t, later.Config{})
			calls := []later.Call{own.With(numberArgs{1}), own.With(numberArgs{2}), number.With(numberArgs{3}, later.Queue("plain"))}
			jobs, err := queue.EnqueueAll(t.Context(), calls...)
			got := fmt.Sprint(err)
			if err == nil {
				var ids []string
				for _, job := range jobs {
					ids = append(ids, fmt.Sprint(job.ID))
				}
				got = strings.Join(ids, " ")
			}
			if !strings.Contains(got, test.want) {
				t.Errorf("returned %q, want %q", got, test.want)
			}
			if calls[0].Queue() != "default" {
				t.Errorf("the caller's own call was changed: queue %s", calls[0].Queue())
			}
			stored, err := queue.List(t.Context(), later.Filter{})
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, job := range slices.Backward(stored) {
				lines = append(lines, job.Queue+string(job.Args))
			}
			if got := strings.Join(lines, " "); got != test.stored {
				t.Errorf("stored %s, want %s", got, test.stored)
			}
		})
	}
}

// TestOuterMiddlewareTriesAgain: the inner ones see the same calls each time.
func TestOuterMiddlewareTriesAgain(t *testing.T) {
	errBusy, tries := errors.New("busy"), 0
	again := later.Middleware{Enqueue: func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
		jobs, err := next(ctx, calls)
		if errors.Is(err, errBusy) {
			return next(ctx, calls)
		}
		return jobs, err
	}}
	suffix := later.Middleware{Enqueue: func(ctx context.Context, calls []later.Call, next next) ([]later.Job, error) {
		calls[0] = calls[0].With(later.Queue(calls[0].Queue() + "-x"))
		if tries++; tries == 1 {
			return nil, errBusy
		}
		return next(ctx, calls)
	}}
	own := later.Define[numberArgs]("OwnJob", later.Use(again, later.Middleware{}, suffix))
	other := later.Define[numberArgs]("OtherJob", later.Use(suffix))
	queue := newQueue(t, later.Config{})
	jobs, err := queue.EnqueueAll(t.Context(), own.With(numberArgs{1}), other.With(numberArgs{2}))
	if err != nil || jobs[0].Queue != "default-x" || jobs[1].Queue != "default-x" || tries != 3 {
		t.Errorf("%d tries: %+v, %v", tries, jobs, err)
	}
}

// TestMiddlewareSeesValidCallsOnly: what cannot be stored is refused before.
func TestMiddlewareSeesValidCallsOnly(t *testing.T) {
	var log record[string]
	queue := newQueue(t, later.Config{Middleware: []later.Middleware{witness{"all", &log}.middleware()}})
	for _, call := range []later.Call{{}, mailJob.With(mailArgs{}), textJob.With(textArgs{}, later.Priority(1<<20))} {
		if _, err := queue.EnqueueAll(t.Context(), call); err == nil {
			t.Error("stored")
		}
	}
	if seen := log.all(); len(seen) > 0 {
		t.Errorf("seen: %q", seen)
	}
}

// TestMiddlewareSurroundsSteps: those that are run, the queue's outermost; not those
// that are passed over.
func TestMiddlewareSurroundsSteps(t *testing.T) {
	var seen record[string]
	around := func(who string) later.Middleware {
		return later.Middleware{Step: func(ctx context.Context, job *later.RunningJob, step string, next func(context.Context) error) error {
			seen.add(fmt.Sprint(who, " ", step, " ", job.Attempt))
			err := next(ctx)
			seen.add(fmt.Sprint(who, " ", step, " ", err))
			return err
		}}
	}
	stepped := later.Define[numberArgs]("SteppedJob", later.Fixed(0), later.Use(around("inner")))
	queue := newQueue(t, later.Config{Middleware: []later.Middleware{around("outer")}}, stepped.Do(func(ctx context.Context, _ numberArgs) error {
		n, err := later.Step(ctx, "one", func(context.Context) (int, error) { return 7, nil })
		if err != nil || n != 7 {
			return fmt.Errorf("%d, %w", n, err)
		}
		return later.Do(ctx, "two", func(context.Context) error {
			if later.Running(ctx).Attempt == 1 && len(seen.all()) < 8 {
				return errBusy
			}
			return nil
		})
	}))
	enqueue(t, stepped, queue, numberArgs{})
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"outer one 1", "inner one 1", "inner one <nil>", "outer one <nil>", "outer two 1", "inner two 1", "inner two busy", "outer two busy",
		"outer two 1", "inner two 1", "inner two <nil>", "outer two <nil>", // a retry after progress does not count
	}
	if got := seen.all(); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
