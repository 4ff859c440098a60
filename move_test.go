package later_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
	"github.com/laterjobs/later/store"
)

var movedAt = time.Date(2026, time.March, 4, 5, 6, 7, 891_234_000, time.UTC)

// stock fills a store with a job in each status, one of them in the hands of a process
// that nobody knows, with history, a paused queue and a published type, and returns
// how many jobs that are.
func stock(t testing.TB, s store.Store) int {
	t.Helper()
	ctx, now := t.Context(), movedAt
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kinds := []store.OutcomeKind{store.Complete, store.Retry, store.Postpone, store.Fail, store.Cancel, store.Release, 0}
	jobs := slices.Repeat([]store.NewJob{{
		Type: "MailJob", Queue: "mailers", Priority: 3, Args: []byte(`{ "n": 9007199254740993 }`), Metadata: []byte(`{"a":"ž"}`),
		UserID: "ada", TargetID: "order/1", Tags: []string{"x", "y"}, MaxRetries: 5, Timeout: time.Minute,
	}}, len(kinds))
	_, err := s.Enqueue(ctx, jobs, now)
	must(err)
	p := store.Process{ID: 7, State: store.ProcessRunning, Host: "gone", StartedAt: now, Types: []store.JobType{{
		Name: "MailJob", Description: "Sends mail", Queue: "mailers", MaxRetries: 5, Timeout: time.Minute, Schema: []byte(`{ "type": "object" }`),
	}}}
	must(s.Join(ctx, p, now))
	must(s.Leave(ctx, p.ID, now))
	claimed, err := s.Claim(ctx, store.Demand{ProcessID: 8, Token: 9, Types: []string{"MailJob"}, Limit: len(kinds)}, now.Add(time.Second))
	must(err)
	for i, job := range claimed {
		must(s.Report(ctx, []store.Report{{JobID: job.ID, Token: 9, Progress: &store.Progress{Done: 1, Total: 2, Message: "half"},
			Lines: []store.LogLine{{Attempt: 1, At: now, Level: "INFO", Message: "hello", Attrs: []byte(`{"k": 1}`)}}}}, now))
		if kinds[i] == 0 {
			continue // it runs
		}
		_, err := s.Finish(ctx, []store.Outcome{{JobID: job.ID, Token: 9, Kind: kinds[i], RunAt: now.Add(time.Hour), Result: []byte(`[ 1 ]`),
			Error: "broken", Stack: "main.go:1", StartedAt: now.Add(2 * time.Second), FinishedAt: now.Add(3 * time.Second)}}, now.Add(4*time.Second))
		must(err)
	}
	more := []store.NewJob{
		{Type: "ReportJob", Queue: "slow", Args: []byte(`{}`), RunAt: now.Add(24 * time.Hour)},
		{Type: "ReportJob", Queue: "slow", Args: []byte(`{}`)},
		{Type: "ReportJob", Queue: "other", Args: []byte(`{}`)},
	}
	_, err = s.Enqueue(ctx, more, now)
	must(err)
	must(s.Pause(ctx, "slow", "the server is down", now, nil))
	_, err = s.SaveSchedules(ctx, []store.Schedule{
		{Name: "daily", Definition: store.ScheduleDefinition{Rule: "@daily", Job: more[1]}, Code: store.ScheduleCode{Hash: "x", Past: []string{"y"}},
			NextTick: now.Add(time.Hour), DueAt: now.Add(time.Hour), LastTick: now, LastJob: 1, SavedAt: now},
		{Name: "paused", Definition: store.ScheduleDefinition{Rule: "@hourly", Job: more[1]}, NextTick: now, PausedAt: now, PauseReason: "a holiday"},
	}, now, nil)
	must(err)
	return len(jobs) + len(more)
}

// held is every job of a store, at rest.
func held(t testing.TB, s store.Store) []store.Record {
	t.Helper()
	records, err := s.Export(t.Context(), 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range records {
		records[i] = records[i].AtRest()
	}
	return records
}

func same(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// pauses are the reasons of the queues that are paused.
func pauses(t testing.TB, s store.Store) map[string]string {
	t.Helper()
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[string]string{}
	for _, queue := range stats.Queues {
		if !queue.PausedAt.IsZero() {
			reasons[queue.Name] = queue.PauseReason
		}
	}
	return reasons
}

func schedulesOf(t testing.TB, s store.Store) []store.Schedule {
	t.Helper()
	schedules, err := s.Schedules(t.Context(), store.ScheduleFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range schedules {
		schedules[i].Revision = 0
	}
	return schedules
}

func TestMoveCarriesEverything(t *testing.T) {
	from, to := open(t, tempFile(t)), open(t, tempFile(t))
	jobs := stock(t, from)
	before, rules := held(t, from), schedulesOf(t, from)
	var steps []later.MoveProgress
	report, err := later.Move(t.Context(), from, to, later.MoveOptions{To: "new.db", Progress: func(p later.MoveProgress) { steps = append(steps, p) }})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "jobs of the target", held(t, to), before)
	same(t, "jobs of the source", held(t, from), before)
	same(t, "counts", report.Counts, map[later.JobStatus]int64{
		later.StatusScheduled: 2, later.StatusBlocked: 0, later.StatusPending: 4, later.StatusRunning: 0, later.StatusRetrying: 1,
		later.StatusCompleted: 1, later.StatusFailed: 1, later.StatusCancelled: 1,
	})
	if report.Jobs != int64(jobs) || report.Resumed != 0 || len(report.Checksum) != 64 || len(steps) == 0 || steps[0].Step != later.MoveCopying {
		t.Errorf("report: %+v, steps: %+v", report, steps)
	}
	same(t, "queues", report.Queues, []string{"mailers", "other", "slow"})
	same(t, "pauses of the source", pauses(t, from), map[string]string{"mailers": "moved to new.db", "other": "moved to new.db", "slow": "moved to new.db"})
	same(t, "pauses of the target", pauses(t, to), map[string]string{"slow": "the server is down"})
	published, _ := from.Types(t.Context())
	carried, _ := to.Types(t.Context())
	same(t, "types", carried, published)
	processes, _ := to.Processes(t.Context())
	same(t, "processes of the target", processes, []store.Process(nil))
	same(t, "schedules of the target", schedulesOf(t, to), rules)
	for _, s := range schedulesOf(t, from) {
		if s.PauseReason != "moved to new.db" || !s.DueAt.IsZero() {
			t.Errorf("a schedule of the source goes on: %+v", s)
		}
	}
	if again, err := later.Move(t.Context(), from, to, later.MoveOptions{To: "new.db"}); err != nil || again.Resumed != int64(jobs) || again.Checksum != report.Checksum {
		t.Errorf("moved again: %+v, %v", again, err)
	}
	same(t, "pauses of the target, moved again", pauses(t, to), map[string]string{"slow": "the server is down"})
}

// spoiled is a store whose verbs do something else.
type spoiled struct {
	store.Store
	onImport func(ctx context.Context, s store.Store, records []store.Record) error
	onResume func() error
}

func (s spoiled) Import(ctx context.Context, records []store.Record) error {
	if s.onImport == nil {
		return s.Store.Import(ctx, records)
	}
	return s.onImport(ctx, s.Store, records)
}

func (s spoiled) Resume(ctx context.Context, queue string, by *store.AuditEntry) error {
	if s.onResume != nil {
		return s.onResume()
	}
	return s.Store.Resume(ctx, queue, by)
}

// TestMoveGoesOn: whatever ends a move half-way, the source is as before, nobody
// performs what the target holds, and the same move goes on.
func TestMoveGoesOn(t *testing.T) {
	errBroken := errors.New("the cable is broken")
	for _, test := range []struct {
		name string
		end  func(cancel func()) error
		want error
	}{
		{"an error", func(func()) error { return errBroken }, errBroken},
		{"the end of the context", func(cancel func()) error { cancel(); return nil }, context.Canceled},
		{"the end of the program", func(func()) error { panic("killed") }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from, to := open(t, tempFile(t)), open(t, tempFile(t))
			jobs := stock(t, from) + 1200
			if _, err := from.Enqueue(t.Context(), slices.Repeat([]store.NewJob{{Type: "MailJob", Queue: "mailers", Args: []byte(`{}`)}}, 1200), movedAt); err != nil {
				t.Fatal(err)
			}
			before, paused := held(t, from), pauses(t, from)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			calls := 0
			broken := spoiled{Store: to, onImport: func(ctx context.Context, s store.Store, records []store.Record) error {
				if calls++; calls < 3 {
					return s.Import(ctx, records)
				}
				return errors.Join(test.end(cancel), ctx.Err())
			}}
			killed := moveUntilPanic(ctx, from, broken, test.want, t)
			if !killed {
				same(t, "pauses of the source", pauses(t, from), paused)
			}
			same(t, "the target while it is not complete", pauses(t, to)["mailers"], "a move into this store is not complete")
			report, err := later.Move(t.Context(), from, to, later.MoveOptions{To: "new.db"})
			if err != nil || report.Resumed != 1000 || report.Jobs != int64(jobs) {
				t.Fatalf("the second time: %+v, %v", report, err)
			}
			same(t, "jobs of the target", held(t, to), before)
			same(t, "pauses of the target", pauses(t, to), paused)
			same(t, "a pause of the source", pauses(t, from)["slow"], "moved to new.db")
		})
	}
}

// moveUntilPanic reports whether the move ended as a program that is killed does.
func moveUntilPanic(ctx context.Context, from, to store.Store, want error, t *testing.T) (killed bool) {
	t.Helper()
	defer func() { killed = recover() != nil }()
	if _, err := later.Move(ctx, from, to, later.MoveOptions{To: "new.db"}); !errors.Is(err, want) {
		t.Errorf("the first time: %v, want %v", err, want)
	}
	return false
}

// TestMoveIsVerified: whatever is not the same in the target is found, and the
// source is as before.
func TestMoveIsVerified(t *testing.T) {
	for says, change := range map[string]func(records []store.Record) []store.Record{
		"job 1 is missing in the target": func(r []store.Record) []store.Record { return r[1:] },
		"job 99 of the target is not in": func(r []store.Record) []store.Record { other := r[0]; other.Job.ID = 99; return append(r, other) },
		"job 1 differs in args":          func(r []store.Record) []store.Record { r[0].Job.Args = []byte(`{"n":9007199254740993}`); return r },
		"job 2 differs in attempts":      func(r []store.Record) []store.Record { r[1].Attempts[0].Stack = ""; return r },
		"job 3 differs in log":           func(r []store.Record) []store.Record { r[2].Log[0].Attrs = []byte(`{"k":1}`); return r },
		"job 6 differs in position":      func(r []store.Record) []store.Record { r[5].Position = 77; return r },
		"job 4 differs in finished_at":   func(r []store.Record) []store.Record { r[3].Job.FinishedAt = movedAt; return r },
		"and 5 more":                     func([]store.Record) []store.Record { return nil },
		"job 10 differs in queued_at":    func(r []store.Record) []store.Record { r[8].Job.QueuedAt = movedAt.Add(time.Microsecond); return r },
		"job 1 differs in attempt, result": func(r []store.Record) []store.Record {
			r[0].Job.Attempt, r[0].Job.Result = 2, nil
			return r
		},
	} {
		t.Run(says, func(t *testing.T) {
			t.Parallel()
			from, to := open(t, tempFile(t)), open(t, tempFile(t))
			stock(t, from)
			paused := pauses(t, from)
			tampered := spoiled{Store: to, onImport: func(ctx context.Context, s store.Store, records []store.Record) error {
				return s.Import(ctx, change(slices.Clone(records)))
			}}
			_, err := later.Move(t.Context(), from, tampered, later.MoveOptions{})
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("the move says %v, want %q", err, says)
			}
			same(t, "pauses of the source", pauses(t, from), paused)
		})
	}
}

// TestMoveIsOver: once the target is whole, what goes wrong does not bring the
// source back to life beside it.
func TestMoveIsOver(t *testing.T) {
	from, to := open(t, tempFile(t)), open(t, tempFile(t))
	stock(t, from)
	errBroken := errors.New("the cable is broken")
	_, err := later.Move(t.Context(), from, spoiled{Store: to, onResume: func() error { return errBroken }}, later.MoveOptions{To: "b"})
	if !errors.Is(err, errBroken) || !strings.Contains(err.Error(), "everything has been moved, but queue") {
		t.Errorf("the move says %v", err)
	}
	same(t, "a pause of the source", pauses(t, from)["mailers"], "moved to b")
	if _, err := later.Move(t.Context(), from, to, later.MoveOptions{To: "b"}); err != nil {
		t.Errorf("the second time: %v", err)
	}
	same(t, "pauses of the target", pauses(t, to), map[string]string{"slow": "the server is down"})
}

func TestMoveRefuses(t *testing.T) {
	join := func(t *testing.T, s store.Store) {
		t.Helper()
		p := store.Process{ID: 5, State: store.ProcessRunning, Host: "far", PID: 42, StartedAt: time.Now()}
		if err := s.Join(t.Context(), p, time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name    string
		prepare func(t *testing.T, from, to *sqlite.Store) store.Store
		says    string
	}{
		{"processes of the source", func(t *testing.T, from, to *sqlite.Store) store.Store { join(t, from); return to },
			"somebody works on the source: process 42 of host far (last heartbeat 0s ago)"},
		{"processes of the target", func(t *testing.T, from, to *sqlite.Store) store.Store { join(t, to); return to },
			"somebody works on the target: process 42 of host far"},
		{"the store itself", func(_ *testing.T, from, _ *sqlite.Store) store.Store { return from },
			"the source and the target are the same store"},
		{"other jobs with the same ids", func(t *testing.T, _, to *sqlite.Store) store.Store { stock(t, to); return to },
			"job 1 differs in args; move into an empty store"},
		{"other jobs", func(t *testing.T, from, to *sqlite.Store) store.Store {
			record := held(t, from)[0]
			record.Job.ID = 99
			if err := to.Import(t.Context(), []store.Record{record}); err != nil {
				t.Fatal(err)
			}
			return to
		}, "job 99 of the target is not in the source"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			from, to := open(t, tempFile(t)), open(t, tempFile(t))
			stock(t, from)
			if _, err := from.DB().ExecContext(t.Context(), `UPDATE later_job SET args = '{"n":1}' WHERE id = 1`); err != nil {
				t.Fatal(err)
			}
			paused := pauses(t, from)
			_, err := later.Move(t.Context(), from, test.prepare(t, from, to), later.MoveOptions{})
			if !errors.Is(err, later.ErrConflict) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the move says %v, want %q", err, test.says)
			}
			same(t, "pauses of the source", pauses(t, from), paused)
		})
	}
}

// TestMoveDrains: nothing new starts, what runs ends, and the move begins when the
// process has stopped.
func TestMoveDrains(t *testing.T) {
	path, target := tempFile(t), tempFile(t)
	number := later.Define[numberArgs]("NumberJob")
	synctest.Test(t, func(t *testing.T) {
		from, to := open(t, path), open(t, target)
		defer from.Close()
		defer to.Close()
		started, finish := make(chan int64, 9), make(chan struct{})
		queue := queueOn(t, from, later.Config{Concurrency: 1}, number.Do(func(ctx context.Context, args numberArgs) error {
			started <- args.N
			<-finish
			return nil
		}))
		enqueue(t, number, queue, numberArgs{1})
		enqueue(t, number, queue, numberArgs{2})
		if err := queue.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		<-started
		waiting, done := make(chan later.MoveProgress, 1000), make(chan error, 1)
		go func() {
			_, err := later.Move(context.Background(), from, to, later.MoveOptions{Drain: true, Progress: func(p later.MoveProgress) { waiting <- p }})
			done <- err
		}()
		if p := <-waiting; p.Step != later.MoveWaiting || len(p.Processes) != 1 {
			t.Errorf("progress: %+v", p)
		}
		close(finish)
		<-time.After(20 * time.Second)
		if len(started) > 0 {
			t.Error("a job was started while the move waited")
		}
		stop(t, queue)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		stats, err := to.Stats(t.Context())
		if err != nil || stats.Counts[later.StatusCompleted] != 1 || stats.Counts[later.StatusPending] != 1 {
			t.Errorf("the target: %+v, %v", stats, err)
		}
	})
}

// TestMoveOutlivesTheDead: a process that shows no sign of life is waited for as long
// as any other process would.
func TestMoveOutlivesTheDead(t *testing.T) {
	path, target := tempFile(t), tempFile(t)
	synctest.Test(t, func(t *testing.T) {
		from, to := open(t, path), open(t, target)
		defer from.Close()
		defer to.Close()
		if _, err := from.Enqueue(t.Context(), []store.NewJob{{Type: "MailJob", Queue: "mailers", Args: []byte(`{}`)}}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if err := from.Join(t.Context(), store.Process{ID: 5, Host: "far", StartedAt: time.Now()}, time.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := from.Claim(t.Context(), store.Demand{ProcessID: 5, Token: 1, Types: []string{"MailJob"}, Limit: 1}, time.Now()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := later.Move(t.Context(), from, to, later.MoveOptions{Drain: true}); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 15*time.Second || took > 17*time.Second {
			t.Errorf("it took %v", took)
		}
		if records := held(t, to); len(records) != 1 || records[0].Job.Crashes != 1 || records[0].Job.Status != later.StatusPending {
			t.Errorf("the target holds %+v", records)
		}
	})
}

// TestMoveOfManyJobs: ten thousand, and some that are as large as they may be.
func TestMoveOfManyJobs(t *testing.T) {
	from, to := open(t, tempFile(t)), open(t, tempFile(t))
	jobs := make([]store.NewJob, 3000)
	if testing.Short() {
		jobs = jobs[:1200]
	}
	for i := range jobs {
		jobs[i] = store.NewJob{Type: "MailJob", Queue: fmt.Sprintf("queue %d", i%7), Priority: i % 5, Args: fmt.Appendf(nil, `{"n":%d}`, i)}
		if i%500 == 0 {
			jobs[i].Args = fmt.Appendf(nil, `"%s"`, bytes.Repeat([]byte("x"), 1<<20-2))
		}
	}
	if _, err := from.Enqueue(t.Context(), jobs, movedAt); err != nil {
		t.Fatal(err)
	}
	report, err := later.Move(t.Context(), from, to, later.MoveOptions{})
	if err != nil || report.Jobs != int64(len(jobs)) {
		t.Errorf("%+v, %v", report, err)
	}
}
