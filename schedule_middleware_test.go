package later_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

type shopKey struct{}

// enqueueHalf is a middleware that sees the types of what is enqueued together, and then
// does as it is told.
func enqueueHalf(seen *record[string], do func(calls []later.Call, next func([]later.Call) ([]later.Job, error)) ([]later.Job, error)) later.Middleware {
	return later.Middleware{
		Enqueue: func(ctx context.Context, calls []later.Call, next func(context.Context, []later.Call) ([]later.Job, error)) ([]later.Job, error) {
			var types []string
			for _, call := range calls {
				types = append(types, fmt.Sprintf("%s%s", call.Type(), call.Args()))
			}
			seen.add(fmt.Sprint(types))
			return do(calls, func(calls []later.Call) ([]later.Job, error) { return next(ctx, calls) })
		},
	}
}

// scheduledBy is a JobQueue with middleware, not started yet.
func scheduledBy(t *testing.T, s store.Store, middleware ...later.Middleware) *later.JobQueue {
	t.Helper()
	cfg := slow
	cfg.Middleware = middleware
	return queueOn(t, s, cfg, report.Do(performReports))
}

// TestSchedulesGoThroughMiddleware: what is due together goes through together, with what
// each process carries, and the jobs come out as the middleware wants them.
func TestSchedulesGoThroughMiddleware(t *testing.T) {
	onStore(t, plainStore, func(t *testing.T, s store.Store) {
		var seen record[string]
		queue := scheduledBy(t, s, later.Carry[string]("tenant", shopKey{}), enqueueHalf(&seen,
			func(calls []later.Call, next func([]later.Call) ([]later.Job, error)) ([]later.Job, error) {
				for i := range calls {
					calls[i] = calls[i].With(later.Tags("seen"), later.Priority(7))
				}
				return next(calls)
			}))
		events := queue.Subscribe(t.Context(), later.EventEnqueued)
		for n, name := range []string{"one", "two"} {
			if err := queue.Schedule(name, later.Every("1h"), report.With(numberArgs{int64(n)})); err != nil {
				t.Fatal(err)
			}
		}
		if err := queue.Start(context.WithValue(t.Context(), shopKey{}, "shop")); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour + time.Second)
		if got := seen.all(); !slices.Equal(got, []string{`[ReportJob{"n":0} ReportJob{"n":1}]`}) {
			t.Errorf("the middleware saw %q", got)
		}
		jobs, err := queue.List(t.Context(), later.Filter{Tag: "seen"})
		if err != nil || len(jobs) != 2 {
			t.Fatalf("jobs: %v %v", jobs, err)
		}
		for _, job := range jobs {
			if job.Priority != 7 || string(job.Options.Carried["tenant"]) != `"shop"` || job.Options.Tick.IsZero() || job.Options.Schedule == "" {
				t.Errorf("job %+v with %+v", job, job.Options)
			}
			if event := <-events; event.Job.ID == 0 || event.Job.Type != "ReportJob" {
				t.Errorf("event: %+v", event)
			}
		}
		if _, err := queue.RunSchedule(t.Context(), "one"); err != nil || len(seen.all()) != 2 {
			t.Errorf("by hand: %v, seen %q", err, seen.all())
		}
		stop(t, queue)
	})
}

func plainStore(s store.Store) store.Store { return s }

// TestMiddlewareThatFailsAtATick: the tick is not lost, and no other schedule stops, be it
// an error or a panic.
func TestMiddlewareThatFailsAtATick(t *testing.T) {
	onStore(t, plainStore, func(t *testing.T, s store.Store) {
		var seen record[string]
		var ill atomic.Bool
		ill.Store(true)
		queue := scheduledBy(t, s, enqueueHalf(&seen, func(calls []later.Call, next func([]later.Call) ([]later.Job, error)) ([]later.Job, error) {
			if i := slices.IndexFunc(calls, func(c later.Call) bool { return string(c.Args()) == `{"n":1}` }); ill.Load() && i >= 0 {
				if len(calls) > 1 {
					panic("a bad one among them")
				}
				return nil, errors.New("not now")
			}
			return next(calls)
		}))
		for name, n := range map[string]int64{"good": 0, "bad": 1} {
			if err := queue.Schedule(name, later.Every("1h"), report.With(numberArgs{n})); err != nil {
				t.Fatal(err)
			}
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour + 10*time.Minute)
		wantTicks(t, queue, "good", "01:00")
		wantTicks(t, queue, "bad")
		if tries := len(seen.all()); tries < 8 || tries > 40 {
			t.Errorf("%d tries in ten minutes", tries)
		}
		ill.Store(false)
		<-time.After(2 * time.Minute)
		wantTicks(t, queue, "bad", "01:00")
		wantTicks(t, queue, "good", "01:00")
		stop(t, queue)
	})
}

// TestMiddlewareThatKeepsATick: a middleware that lets a job not through has the last
// word; one that fails after the job was stored does not store it twice.
func TestMiddlewareThatKeepsATick(t *testing.T) {
	onStore(t, plainStore, func(t *testing.T, s store.Store) {
		var seen record[string]
		queue := scheduledBy(t, s, enqueueHalf(&seen, func(calls []later.Call, next func([]later.Call) ([]later.Job, error)) ([]later.Job, error) {
			if string(calls[0].Args()) == `{"n":1}` {
				return make([]later.Job, len(calls)), nil
			}
			_, err := next(calls)
			return nil, errors.Join(err, errors.New("after all"))
		}))
		if err := queue.Schedule("kept", later.Every("30m"), report.With(numberArgs{1}), later.StartAt(time.Now().Add(time.Minute))); err != nil {
			t.Fatal(err)
		}
		if err := queue.Schedule("late", later.Every("30m"), report.With(numberArgs{2})); err != nil {
			t.Fatal(err)
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(50 * time.Minute)
		wantTicks(t, queue, "kept")
		wantTicks(t, queue, "late", "00:30")
		if last := theSchedule(t, queue, "kept").LastTick; !last.After(time.Now().Add(-time.Hour)) {
			t.Errorf("the last tick is %v", last)
		}
		stop(t, queue)
	})
}

// TestUniqueSchedules: a job of a schedule meets the holder of its key as any other does.
func TestUniqueSchedules(t *testing.T) {
	onStore(t, plainStore, func(t *testing.T, s store.Store) {
		queue := scheduledBy(t, s)
		ways := map[string]later.UniqueOption{"keep": later.Keep, "replace": later.Replace, "fail": later.Fail}
		holders := map[string]later.Job{}
		other := later.Define[numberArgs]("OtherJob") // nobody performs it
		for name, way := range ways {
			holders[name] = enqueue(t, other, queue, numberArgs{1}, later.UniqueKey(name))
			if err := queue.Schedule(name, later.Every("30m"), other.With(numberArgs{2}, later.UniqueKey(name, way))); err != nil {
				t.Fatal(err)
			}
		}
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-time.After(65 * time.Minute)
		all, err := queue.List(t.Context(), later.Filter{Type: "OtherJob"})
		if err != nil || len(all) != 3 {
			t.Errorf("jobs: %+v %v", all, err)
		}
		for name, holder := range holders {
			want := map[bool]string{true: `{"n":2}`, false: `{"n":1}`}[name == "replace"]
			if now := get(t, queue, holder.ID); string(now.Args) != want || now.Status != later.StatusPending {
				t.Errorf("%s: the holder has %s and is %s", name, now.Args, now.Status)
			}
			job, err := queue.RunSchedule(t.Context(), name)
			var duplicate *later.DuplicateError
			switch {
			case name == "fail" && (!errors.As(err, &duplicate) || duplicate.Holder != holder.ID):
				t.Errorf("%s by hand: %v", name, err)
			case name != "fail" && (err != nil || job.ID != holder.ID || !job.Deduplicated || job.Replaced != (name == "replace")):
				t.Errorf("%s by hand: %+v %v", name, job, err)
			}
		}
		if err := queue.Cancel(t.Context(), holders["fail"].ID, "free the key"); err != nil {
			t.Fatal(err)
		}
		if job, err := queue.RunSchedule(t.Context(), "fail"); err != nil || job.Deduplicated {
			t.Errorf("by hand with a free key: %+v %v", job, err)
		}
		stop(t, queue)
	})
}
