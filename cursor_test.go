package later_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// countSaves counts what goes to the store.
type countSaves struct {
	store.Store
	saves record[[]store.Step]
}

func (c *countSaves) SaveSteps(ctx context.Context, id, token int64, steps []store.Step, now time.Time) error {
	c.saves.add(steps)
	return c.Store.SaveSteps(ctx, id, token, steps, now)
}

// TestCursorGoesOn from where the last attempt was, and moving it is progress.
func TestCursorGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var rows []int
		queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
			cursor, err := later.Cursor(ctx, "rows", 0)
			if err != nil {
				return err
			}
			for row := cursor.Get() + 1; row <= 40; row++ {
				rows = append(rows, row)
				if err := cursor.Set(row); err != nil {
					return err
				}
				if row%7 == 0 && cursor.Get() == row {
					return errDown
				}
			}
			return nil
		}))
		start(t, queue)
		job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
		wantStatus(t, job, later.StatusCompleted)
		if len(rows) != 40 || rows[39] != 40 || job.Attempt != 1 {
			t.Errorf("attempt %d: %v", job.Attempt, rows)
		}
	})
}

// TestCursorThatStandsIsNoProgress: else such a job would be retried for ever.
func TestCursorThatStandsIsNoProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		performed := 0
		queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
			performed++
			cursor, err := later.Cursor(ctx, "rows", 0)
			if err != nil {
				return err
			}
			for row := range 3 { // from its beginning every time
				<-time.After(2 * time.Second)
				if err := cursor.Set(row); err != nil {
					return err
				}
			}
			return errDown
		}))
		start(t, queue)
		job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
		wantStatus(t, job, later.StatusFailed)
		if performed != 4 {
			t.Errorf("performed %d times", performed)
		}
	})
}

// TestCursorIsSavedOnceASecond, also while the handler is busy with one row.
func TestCursorIsSavedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := &countSaves{Store: open(t, tempFile(t))}
		looked := make(chan []later.JobStep, 1)
		var queue *later.JobQueue
		queue = queueOn(t, counted, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
			cursor, err := later.Cursor(ctx, "rows", 0)
			if err != nil {
				return err
			}
			for row := range 1000 {
				if err := cursor.Set(row); err != nil {
					return err
				}
				<-time.After(10 * time.Millisecond)
			}
			<-time.After(time.Minute)
			steps, err := queue.Steps(ctx, later.Running(ctx).ID)
			looked <- steps
			return errors.Join(err, later.Discard(errDown))
		}))
		start(t, queue)
		wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
		if steps := <-looked; len(steps) != 1 || string(steps[0].Result) != "999" {
			t.Errorf("saved while the handler was busy: %+v", steps)
		}
		if saves := len(counted.saves.all()); saves < 10 || saves > 12 {
			t.Errorf("saved %d times in 10 s", saves)
		}
	})
}

// TestCursorIsSavedWithTheNextStep, in one commit.
func TestCursorIsSavedWithTheNextStep(t *testing.T) {
	counted := &countSaves{Store: open(t, tempFile(t))}
	queue := queueOn(t, counted, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
		cursor, err := later.Cursor(ctx, "rows", 0)
		if err != nil {
			return err
		}
		return errors.Join(cursor.Set(1), cursor.Set(2), later.Do(ctx, "sum", func(context.Context) error { return nil }))
	}))
	enqueue(t, stepJob, queue, numberArgs{})
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	saves := counted.saves.all()
	if len(saves) != 2 || !slices.Equal(names(saves[1]), []string{"cursor rows", "step sum"}) {
		t.Errorf("saves: %+v", saves)
	}
}

// TestStoppingProcess: a loop ends at its next move, a job before its next step; the
// next process goes on, and no attempt is lost.
func TestStoppingProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := tempFile(t)
		ready, done := make(chan struct{}, 2), record[int]{}
		handler := stepJob.Do(func(ctx context.Context, args numberArgs) error {
			if args.N == 1 {
				if later.Running(ctx).ProcessID == 0 {
					t.Error("no process")
				}
				for i, name := range []string{"a", "b"} {
					err := later.Do(ctx, name, func(context.Context) error {
						done.add(100 + i)
						ready <- struct{}{}
						<-time.After(time.Second)
						return nil
					})
					if err != nil {
						return err
					}
				}
				return nil
			}
			cursor, err := later.Cursor(ctx, "rows", 0)
			if err != nil {
				return err
			}
			for row := cursor.Get() + 1; row <= 5; row++ {
				done.add(row)
				if row == 1 {
					ready <- struct{}{}
				}
				<-time.After(time.Second)
				if err := cursor.Set(row); err != nil {
					return err
				}
			}
			return nil
		})
		first := queueOn(t, open(t, path), later.Config{}, handler)
		jobs := []later.Job{enqueue(t, stepJob, first, numberArgs{}), enqueue(t, stepJob, first, numberArgs{N: 1})}
		if err := first.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		receive(t, ready)
		receive(t, ready)
		stop(t, first)
		for _, job := range jobs {
			wantStatus(t, get(t, first, job.ID), later.StatusPending)
		}
		second := queueOn(t, open(t, path), later.Config{}, handler)
		start(t, second)
		for _, job := range jobs {
			if job := wait(t, second, job.ID); job.Status != later.StatusCompleted || job.Attempt != 1 {
				t.Errorf("%s after %d attempts: %s", job.Status, job.Attempt, job.Error)
			}
		}
		all := done.all()
		slices.Sort(all)
		if !slices.Equal(all, []int{1, 2, 3, 4, 5, 100, 101}) {
			t.Errorf("done: %v", all)
		}
	})
}

// TestSleepFreesTheSlot and wakes at its time, with what was done before passed over.
func TestSleepFreesTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		charged := 0
		queue := newQueue(t, later.Config{Concurrency: 1}, stepJob.Do(func(ctx context.Context, args numberArgs) error {
			if args.N > 0 {
				return nil
			}
			if err := later.Do(ctx, "charge", func(context.Context) error { charged++; return nil }); err != nil {
				return err
			}
			return later.Sleep(ctx, "a while", 10*time.Minute)
		}))
		start(t, queue)
		before := time.Now()
		sleeper, other := enqueue(t, stepJob, queue, numberArgs{}), enqueue(t, stepJob, queue, numberArgs{N: 1})
		wantStatus(t, wait(t, queue, other.ID), later.StatusCompleted)
		job := get(t, queue, sleeper.ID)
		if job.Status != later.StatusScheduled || job.Reason != "sleeps: a while" || job.Attempt != 0 || job.NextRunAt.Sub(before) < 10*time.Minute {
			t.Errorf("while it sleeps: %+v", job)
		}
		// A person who runs it before does not shorten its sleep.
		<-time.After(3 * time.Minute)
		if err := queue.RunNow(t.Context(), job.ID); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Minute)
		if again := get(t, queue, job.ID); again.Status != later.StatusScheduled || !again.NextRunAt.Equal(job.NextRunAt) {
			t.Errorf("after RunNow: %+v", again)
		}
		job = wait(t, queue, job.ID)
		if slept := time.Since(before); job.Status != later.StatusCompleted || job.Attempt != 1 || charged != 1 ||
			slept < 10*time.Minute || slept > 10*time.Minute+time.Minute/2 {
			t.Errorf("%s after %v and %d attempts, charged %d times", job.Status, slept, job.Attempt, charged)
		}
	})
}

// TestSleepOfNoTime does not wait, and a far one is kept within what can be stored.
func TestSleepOfNoTime(t *testing.T) {
	queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, args numberArgs) error {
		return later.Sleep(ctx, "s", time.Duration(args.N))
	}))
	short, long := enqueue(t, stepJob, queue, numberArgs{N: -5}), enqueue(t, stepJob, queue, numberArgs{N: 1<<63 - 1})
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, get(t, queue, short.ID), later.StatusCompleted)
	wantStatus(t, get(t, queue, long.ID), later.StatusScheduled)
}

// failingSaves is a store that cannot be reached for a while when steps are saved.
type failingSaves struct {
	store.Store
	left int
}

func (f *failingSaves) SaveSteps(ctx context.Context, id, token int64, steps []store.Step, now time.Time) error {
	if f.left--; f.left >= 0 {
		return store.ErrUnavailable
	}
	return f.Store.SaveSteps(ctx, id, token, steps, now)
}

// TestStepOutlivesAnOutage: what is done is saved as soon as the store can be reached,
// even though the handler's context has ended meanwhile.
func TestStepOutlivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		charged := 0
		timed := later.Define[numberArgs]("TimedJob", later.Timeout(time.Second), later.MaxRetries(1))
		s := &failingSaves{Store: open(t, tempFile(t)), left: 5}
		queue := queueOn(t, s, later.Config{}, timed.Do(func(ctx context.Context, args numberArgs) error {
			return later.Do(ctx, "charge", func(context.Context) error {
				charged++
				if args.N == 1 {
					<-time.After(2 * time.Second) // and does not look at its context
				}
				return nil
			})
		}))
		start(t, queue)
		job := wait(t, queue, enqueue(t, timed, queue, numberArgs{}).ID)
		if job.Status != later.StatusCompleted || charged != 1 {
			t.Errorf("%s, charged %d times", job.Status, charged)
		}
		job = wait(t, queue, enqueue(t, timed, queue, numberArgs{N: 1}).ID)
		if job.Status != later.StatusCompleted || charged != 2 {
			t.Errorf("%s (%s), charged %d times", job.Status, job.Error, charged)
		}
	})
}

// TestLogOfAJobIsCut: a job that never stops talking keeps its last words.
func TestLogOfAJobIsCut(t *testing.T) {
	queue := newQueue(t, later.Config{}, stepJob.Do(func(ctx context.Context, _ numberArgs) error {
		for i := range 3000 {
			later.Running(ctx).Logger.Info(strings.Repeat("x", 1000), "line", i)
		}
		return nil
	}))
	start(t, queue)
	job := wait(t, queue, enqueue(t, stepJob, queue, numberArgs{}).ID)
	lines, err := queue.Log(t.Context(), job.ID)
	if err != nil {
		t.Fatal(err)
	}
	size := 0
	for _, line := range lines {
		size += len(line.Message) + len(line.Attrs)
	}
	if size > store.MaxLog || size < store.LogKept/2 || string(lines[len(lines)-1].Attrs) != `{"line":2999}` {
		t.Errorf("%d lines of %d bytes; the last is %+v", len(lines), size, lines[len(lines)-1].Attrs)
	}
}
