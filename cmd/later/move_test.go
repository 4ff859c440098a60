package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

var storedAt = time.Date(2026, time.March, 4, 5, 6, 7, 891_234_000, time.UTC)

// fill gives a store a job in each status, one of them in the hands of a process that
// nobody knows, each with attempts, a log and progress; a queue that is paused, and a
// type that is published.
func fill(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for status, kind := range []store.OutcomeKind{
		store.Complete, store.Retry, store.Postpone, store.Fail, store.Cancel, store.Release, 0, 0,
	} {
		enqueued, err := s.Enqueue(ctx, []store.NewJob{{
			Type: "GreetJob", Queue: fmt.Sprintf("queue %d", status%3), Priority: status - 3, Args: []byte(`{ "n": 9007199254740993, "text": "\u00e9 😀" }`),
			Metadata: []byte(`{"a" : 1}`), UserID: "ada", TargetID: "order/1", Tags: []string{"x", `"y", z`}, MaxRetries: 7, Timeout: time.Minute,
		}}, storedAt)
		must(err)
		for n, kind := range []store.OutcomeKind{store.Retry, kind} {
			token := int64(100*status + n + 1)
			_, err = s.Claim(ctx, store.Demand{ProcessID: 8, Token: token, Types: []string{"GreetJob"}, Limit: 1}, storedAt.Add(time.Minute))
			must(err)
			report := store.Report{JobID: enqueued[0].ID, Token: token, Progress: &store.Progress{Done: int64(n), Total: 9, Message: "ž"},
				Lines: []store.LogLine{{Attempt: n + 1, At: storedAt, Level: "WARN", Message: "line\nbreak", Attrs: []byte(`{"k": [ ]}`)}}}
			must(s.Report(ctx, []store.Report{report}, storedAt))
			if kind == 0 {
				continue // it runs
			}
			_, err = s.Finish(ctx, []store.Outcome{{JobID: enqueued[0].ID, Token: token, Kind: kind, RunAt: storedAt.Add(time.Hour), Result: []byte(` "ok" `),
				Error: "it's broken", Stack: "main.go:1", StartedAt: storedAt.Add(time.Second), FinishedAt: storedAt.Add(2 * time.Second)}}, storedAt)
			must(err)
			if n == 0 {
				_, err = s.Retry(ctx, store.Filter{IDs: []int64{enqueued[0].ID}}, storedAt, nil)
				must(err)
			}
		}
		if status == 7 {
			_, err = s.Cancel(ctx, store.Filter{IDs: []int64{enqueued[0].ID}}, "no longer needed", storedAt, nil)
			must(err)
		}
	}
	_, err := s.Enqueue(ctx, []store.NewJob{{Type: "GreetJob", Queue: "queue 1", Args: []byte(`{}`), RunAt: storedAt.Add(time.Hour)}}, storedAt)
	must(err)
	must(s.Pause(ctx, "queue 1", "the server is down", storedAt, nil))
	p := store.Process{ID: 7, Host: "here", StartedAt: storedAt, Types: []store.JobType{{Name: "GreetJob", Queue: "queue 1", MaxRetries: 7, Schema: []byte(`{ "type": "object" }`)}}}
	must(s.Join(ctx, p, storedAt))
	must(s.Leave(ctx, p.ID, storedAt))
}

// content is everything that a move carries.
type content struct {
	Records []store.Record
	Types   []store.JobType
	Paused  map[string]store.QueueStats
}

func contentOf(t *testing.T, s store.Store) content {
	t.Helper()
	var c content
	for after := int64(0); ; {
		page, err := s.Export(t.Context(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			break
		}
		for _, record := range page {
			c.Records = append(c.Records, record.AtRest())
		}
		after = page[len(page)-1].Job.ID
	}
	var err error
	if c.Types, err = s.Types(t.Context()); err != nil {
		t.Fatal(err)
	}
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.Paused = map[string]store.QueueStats{}
	for _, queue := range stats.Queues {
		if !queue.PausedAt.IsZero() {
			c.Paused[queue.Name] = store.QueueStats{PausedAt: queue.PausedAt, PauseReason: queue.PauseReason}
		}
	}
	return c
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// ways are the pairs of stores between which jobs move.
var ways = []struct {
	name     string
	from, to func(testing.TB) string
}{
	{"file to PostgreSQL", newFile, newDatabase},
	{"PostgreSQL to file", newDatabase, newFile},
	{"file to file", newFile, newFile},
	{"PostgreSQL to PostgreSQL", newDatabase, newDatabase},
}

func TestMove(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			from, to := way.from(t), way.to(t)
			source := open(t, address{db: from})
			fill(t, source)
			before := contentOf(t, source)
			code, out, problems := laterCmd(t, "move", "--from", from, "--to", to, "-o", "json")
			var report later.MoveReport
			if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil {
				t.Fatalf("exit %d, %v\n%s%s", code, err, out, problems)
			}
			target := open(t, address{db: to})
			same(t, "the target", contentOf(t, target), before)
			same(t, "jobs of the source", contentOf(t, source).Records, before.Records)
			if report.Jobs != int64(len(before.Records)) || report.Counts[later.StatusCancelled] != 2 || report.Counts[later.StatusPending] != 2 {
				t.Errorf("report: %+v", report)
			}
			_, stats, _ := laterCmd(t, "stats", "--db", from, "-o", "json")
			if reason := "moved to " + (address{db: to}).String(); strings.Count(stats, reason) != 3 {
				t.Errorf("the queues of the source do not say %q:\n%s", reason, stats)
			}
			code, again, problems := laterCmd(t, "move", "--from", from, "--to", to)
			if code != 0 || !strings.Contains(again, report.Checksum) || !strings.Contains(again, "9 of them by a move before") {
				t.Errorf("moved again: exit %d\n%s%s", code, again, problems)
			}
			if strings.Contains(out+again+problems+stats, secret) {
				t.Errorf("the password is shown:\n%s%s%s", out, again, stats)
			}
			newIDs(t, target, before.Records)
		})
	}
}

// newIDs insists that what is stored after a move comes after what was moved.
func newIDs(t *testing.T, s store.Store, records []store.Record) {
	t.Helper()
	enqueued, err := s.Enqueue(t.Context(), []store.NewJob{{Type: "GreetJob", Queue: "queue 0", Args: []byte(`{}`)}}, storedAt)
	if err != nil {
		t.Fatal(err)
	}
	for _, record := range records {
		if record.Job.ID >= enqueued[0].ID || record.Position >= enqueued[0].ID {
			t.Errorf("job %d at place %d is not before the new job %d", record.Job.ID, record.Position, enqueued[0].ID)
		}
	}
}

// TestMoveBetweenSchemas: one database, two schemas.
func TestMoveBetweenSchemas(t *testing.T) {
	db := newDatabase(t)
	source := open(t, address{db, "old"})
	fill(t, source)
	before := contentOf(t, source)
	if code, out, problems := laterCmd(t, "move", "--from", db, "--to", db, "--schema", "old"); code != 5 || !strings.Contains(problems, "are the same store") {
		t.Errorf("to itself: exit %d\n%s%s", code, out, problems)
	}
	if code, out, problems := laterCmd(t, "move", "--from", db, "--to", db, "--schema", "old", "--to-schema", "new"); code != 0 {
		t.Errorf("exit %d\n%s%s", code, out, problems)
	}
	same(t, "the target", contentOf(t, open(t, address{db, "new"})), before)
	file := newFile(t)
	if code, out, problems := laterCmd(t, "move", "--from", db, "--to", file, "--schema", "new"); code != 0 {
		t.Errorf("exit %d\n%s%s", code, out, problems)
	}
	same(t, "the file", contentOf(t, open(t, address{db: file})), before)
}

// TestMoveResumes: what an interrupted move has left in the target is taken for what
// it is, unless it was changed since.
func TestMoveResumes(t *testing.T) {
	for _, way := range ways[:2] {
		t.Run(way.name, func(t *testing.T) {
			from, to := way.from(t), way.to(t)
			source, target := open(t, address{db: from}), open(t, address{db: to})
			fill(t, source)
			before := contentOf(t, source)
			if err := target.Import(t.Context(), slices.Clone(before.Records[:4])); err != nil {
				t.Fatal(err)
			}
			code, out, problems := laterCmd(t, "move", "--from", from, "--to", to)
			if code != 0 || !strings.Contains(out, ", 4 of them by a move before") {
				t.Errorf("exit %d\n%s%s", code, out, problems)
			}
			same(t, "the target", contentOf(t, target), before)
			if _, err := target.Retry(t.Context(), store.Filter{IDs: []int64{before.Records[3].Job.ID}}, storedAt, nil); err != nil {
				t.Fatal(err)
			}
			code, out, problems = laterCmd(t, "move", "--from", from, "--to", to)
			if code != 5 || !strings.Contains(problems, "differs in") || !strings.Contains(problems, "move into an empty store") {
				t.Errorf("into a target that has changed: exit %d\n%s%s", code, out, problems)
			}
		})
	}
}

// TestMoveDrains: a move is refused while somebody works on the source, or waits.
func TestMoveDrains(t *testing.T) {
	for _, way := range ways[:2] {
		t.Run(way.name, func(t *testing.T) {
			from, to := way.from(t), way.to(t)
			source := open(t, address{db: from})
			started, finish := make(chan struct{}), make(chan struct{})
			queue := later.New(source, later.Config{Concurrency: 1, Logger: slog.New(slog.DiscardHandler)})
			queue.Register(greet.Do(func(context.Context, args) error {
				started <- struct{}{}
				<-finish
				return nil
			}))
			if _, err := queue.EnqueueAll(t.Context(), greet.With(args{N: 1}), greet.With(args{N: 2})); err != nil {
				t.Fatal(err)
			}
			if err := queue.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-started
			if code, _, problems := laterCmd(t, "move", "--from", from, "--to", to); code != 5 || !strings.Contains(problems, "somebody works on the source") {
				t.Errorf("exit %d, %s", code, problems)
			}
			says, said := io.Pipe()
			code := make(chan int, 1)
			go func() {
				code <- run(t.Context(), []string{"move", "--from", from, "--to", to, "--drain"}, streams{strings.NewReader(""), io.Discard, said})
				said.Close()
			}()
			line := make([]byte, 1000)
			n, _ := says.Read(line) // it waits, and has paused the queues
			if !strings.HasPrefix(string(line[:n]), "waiting for process ") {
				t.Errorf("it says %q", line[:n])
			}
			go io.Copy(io.Discard, says)
			close(finish)
			if _, err := queue.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
			if exit := <-code; exit != 0 {
				t.Fatalf("exit %d", exit)
			}
			stats, err := open(t, address{db: to}).Stats(t.Context())
			if err != nil || stats.Counts[later.StatusCompleted] != 1 || stats.Counts[later.StatusPending] != 1 {
				t.Errorf("the target: %+v, %v", stats, err)
			}
		})
	}
}

// TestMoveOfManyJobs: ten thousand there and back.
func TestMoveOfManyJobs(t *testing.T) {
	file, db, back := newFile(t), newDatabase(t), newFile(t)
	jobs := make([]store.NewJob, 3000)
	if testing.Short() {
		jobs = jobs[:1200]
	}
	for i := range jobs {
		jobs[i] = store.NewJob{Type: "GreetJob", Queue: fmt.Sprintf("queue %d", i%7), Priority: i % 5, Args: fmt.Appendf(nil, `{"n":%d}`, i)}
		if i%500 == 0 {
			jobs[i].Args = fmt.Appendf(nil, `"%s"`, strings.Repeat("x", 1<<20-2))
		}
	}
	if _, err := open(t, address{db: file}).Enqueue(t.Context(), jobs, storedAt); err != nil {
		t.Fatal(err)
	}
	var there, again later.MoveReport
	for _, step := range []struct {
		from, to string
		report   *later.MoveReport
	}{{file, db, &there}, {db, back, &again}} {
		code, out, problems := laterCmd(t, "move", "--from", step.from, "--to", step.to, "-o", "json")
		if err := json.Unmarshal([]byte(out), step.report); code != 0 || err != nil {
			t.Fatalf("exit %d, %v\n%s%s", code, err, out, problems)
		}
	}
	if there.Jobs != int64(len(jobs)) || there.Checksum != again.Checksum {
		t.Errorf("there %+v, back %+v", there, again)
	}
}
