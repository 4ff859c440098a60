package later_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

func wantDetails(t *testing.T, job later.Job, metadata string, tags ...string) {
	t.Helper()
	if string(job.Metadata) != metadata || fmt.Sprint(job.Tags) != fmt.Sprint(tags) {
		t.Errorf("metadata %s, tags %q; want %s, %q", job.Metadata, job.Tags, metadata, tags)
	}
}

// TestMetadataAndTagsFromInside: what a handler says of its job stays, whatever the
// attempt leads to, and the next attempt goes on from there.
func TestMetadataAndTagsFromInside(t *testing.T) {
	text := later.Define[textArgs]("TextJob", later.Tags("defined"), later.MaxRetries(1), later.Fixed(0))
	queue := newQueue(t, later.Config{}, text.Do(func(ctx context.Context, _ textArgs) error {
		job := later.Running(ctx)
		problems := errors.Join(job.SetMetadata("attempt", job.Attempt), job.SetMetadata("shop", nil),
			job.SetMetadata(fmt.Sprintf("é %d", job.Attempt), map[string]any{"a": []int{1}}),
			job.AddTags("called", "defined"), job.AddTags(fmt.Sprint("attempt-", job.Attempt)))
		if job.Attempt == 1 {
			return errors.Join(problems, errors.New("not yet"))
		}
		return problems
	}))
	start(t, queue)
	job := enqueue(t, text, queue, textArgs{}, later.Metadata(map[string]any{"shop": 1, "kept": true}), later.Tags("called"))
	job = wait(t, queue, job.ID)
	wantStatus(t, job, later.StatusCompleted)
	wantDetails(t, job, `{"attempt":2,"kept":true,"é 1":{"a":[1]},"é 2":{"a":[1]}}`, "defined", "called", "attempt-1", "attempt-2")
	found, err := queue.List(t.Context(), later.Filter{Tag: "attempt-2"})
	if err != nil || len(found) != 1 {
		t.Errorf("found by its new tag: %v %v", found, err)
	}
}

// TestRefusedMetadataAndTags: what cannot be stored changes nothing, and says why.
func TestRefusedMetadataAndTags(t *testing.T) {
	queue := newQueue(t, later.Config{MaxArgs: 1000}, textJob.Do(func(ctx context.Context, _ textArgs) error {
		job := later.Running(ctx)
		if err := job.SetMetadata("good", 1); err != nil {
			return err
		}
		for what, err := range map[error]error{
			later.ErrTooLarge:      errors.Join(job.SetMetadata("large", strings.Repeat("x", 1000))),
			later.ErrInvalidArgs:   errors.Join(job.SetMetadata("channel", make(chan int))),
			later.ErrInvalidOption: errors.Join(job.AddTags("good", "")),
		} {
			if !errors.Is(err, what) {
				t.Errorf("%v, want %v", err, what)
			}
		}
		if err := job.SetMetadata("nul", "a\x00b"); !errors.Is(err, later.ErrInvalidArgs) {
			t.Errorf("a NUL: %v", err)
		}
		return nil
	}))
	start(t, queue)
	wantDetails(t, wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID), `{"good":1}`)
	if err := later.Running(t.Context()).SetMetadata("a", 1); err != nil {
		t.Errorf("outside of a handler: %v", err)
	}
	if err := textJob.PerformNow(t.Context(), queue, textArgs{}); err != nil {
		t.Errorf("without a stored job: %v", err)
	}
}

// TestMetadataWithACompletionInATransaction: what was said of the job, also while the
// transaction was open, is part of it; if it is rolled back, it stays all the same.
func TestMetadataWithACompletionInATransaction(t *testing.T) {
	s := open(t, tempFile(t))
	text := later.Define[textArgs]("TextJob", later.MaxRetries(0))
	complete := func(ctx context.Context, args textArgs) (err error) {
		job := later.Running(ctx)
		err = job.SetMetadata("before", true)
		return errors.Join(err, inTx(ctx, s, args.Text == "commit", func(tx *sql.Tx) error {
			return errors.Join(job.SetMetadata("inside", true), job.AddTags("inside"), later.CompleteTx(ctx, s.Tx(tx)))
		}))
	}
	queue := queueOn(t, s, later.Config{}, text.Do(complete))
	start(t, queue)
	for _, how := range []string{"commit", "roll back"} {
		job := wait(t, queue, enqueue(t, text, queue, textArgs{how}).ID)
		if wantDetails(t, job, `{"before":true,"inside":true}`, "inside"); (job.Status == later.StatusCompleted) != (how == "commit") {
			t.Errorf("%s: %s %s", how, job.Status, job.Error)
		}
	}
}

var errRolledBack = errors.New("rolled back")

func inTx(ctx context.Context, s *sqlite.Store, commit bool, fn func(*sql.Tx) error) error {
	tx, err := s.DB().BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	if !commit {
		return errRolledBack
	}
	return tx.Commit()
}

// unreachable is a store that takes no reports for a while.
type unreachable struct {
	store.Store
	refuses atomic.Int64
}

func (s *unreachable) Report(ctx context.Context, reports []store.Report, now time.Time) error {
	if s.refuses.Add(-1) >= 0 {
		return store.ErrUnavailable
	}
	return s.Store.Report(ctx, reports, now)
}

// TestMetadataOutlivesAnOutage: the outcome does not overtake it.
func TestMetadataOutlivesAnOutage(t *testing.T) {
	flaky := &unreachable{}
	wrap := func(s store.Store) store.Store { flaky.Store = s; return flaky }
	onStore(t, wrap, func(t *testing.T, s store.Store) {
		queue := queueOn(t, s, later.Config{}, textJob.Do(func(ctx context.Context, _ textArgs) error {
			job := later.Running(ctx)
			return errors.Join(job.SetMetadata("a", 1), job.AddTags("b"))
		}))
		flaky.refuses.Store(5)
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantDetails(t, wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID), `{"a":1}`, "b")
		stop(t, queue)
	})
}

// TestAFloodOfLogLines: a handler that logs faster than the store takes its lines holds no
// more than a part of them, and the log says how many are missing.
func TestAFloodOfLogLines(t *testing.T) {
	const lines, size = 2000, 50_000
	queue := newQueue(t, later.Config{Logger: quiet()}, textJob.Do(func(ctx context.Context, _ textArgs) error {
		log := later.Running(ctx).Logger
		before := heap()
		text := strings.Repeat("x", size-10)
		for i := range lines {
			log.Info(fmt.Sprintf("%09d ", i) + text)
		}
		if grown := heap() - before; grown > 10<<20 {
			t.Errorf("%d MB are held for a log of 100 MB", grown>>20)
		}
		return nil
	}))
	start(t, queue)
	job := wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID)
	log, err := queue.Log(t.Context(), job.ID)
	if err != nil || len(log) == 0 {
		t.Fatalf("log: %d lines, %v", len(log), err)
	}
	if last := log[len(log)-1].Message; !strings.HasPrefix(last, fmt.Sprintf("%09d ", lines-1)) {
		t.Errorf("the last line is %.20q", last)
	}
	notes, stored := 0, 0
	for _, line := range log {
		stored += len(line.Message)
		if strings.Contains(line.Message, "older lines were dropped") && line.Level == "WARN" {
			notes++
		}
	}
	if notes == 0 || stored > store.MaxLog {
		t.Errorf("%d notes in a log of %d bytes", notes, stored)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestMetadataIsJSON: what comes back decodes.
func TestMetadataIsJSON(t *testing.T) {
	queue := newQueue(t, later.Config{}, textJob.Do(func(ctx context.Context, _ textArgs) error {
		return later.Running(ctx).SetMetadata(`"quoted" \ key`, "</script>\u2028")
	}))
	start(t, queue)
	job := wait(t, queue, enqueue(t, textJob, queue, textArgs{}).ID)
	var metadata map[string]string
	if err := json.Unmarshal(job.Metadata, &metadata); err != nil || metadata[`"quoted" \ key`] != "</script>\u2028" {
		t.Errorf("%s: %v", job.Metadata, err)
	}
}
