package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// TestExportAndImport: whole jobs go from a file to PostgreSQL and back, byte for byte.
func TestExportAndImport(t *testing.T) {
	from, there, back := newFile(t), newDatabase(t), newFile(t)
	source := open(t, address{db: from})
	fill(t, source)
	open(t, address{db: there})
	open(t, address{db: back})
	folder := t.TempDir()
	first, second := filepath.Join(folder, "first.jsonl"), filepath.Join(folder, "second.jsonl")
	follow(t, []step{
		{words("export --db " + from + " --to " + first), 0, ""},
		{words("export --db " + from + " --to " + first), 5, "exists already"},
		{words("import --db " + there + " -n " + first), 0, "9 jobs would be imported"},
		{words("count --db " + there), 0, "0\n"},
		{words("import --db " + there + " " + first), 0, "9 jobs imported"},
		{words("import --db " + there + " " + first), 0, "9 jobs passed over"},
		{words("import --db " + there + " --on-conflict fail " + first), 5, "job 1 exists already"},
		{words("export --db " + there + " --to " + second), 0, ""},
		{words("import --db " + back + " " + second), 0, "9 jobs imported"},
		{words("import --db " + back + " --on-conflict new-id " + second), 0, "9 jobs under new ids"},
		{words("count --db " + back), 0, "18\n"},
		{words("import --db " + back + " --on-conflict whatever " + second), 2, "choose skip, fail or new-id"},
		{words("check --db " + back), 0, "the store is sound"},
		{words("check --db " + there), 0, "the store is sound"},
	})
	want, err := source.Export(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		want[i] = want[i].AtRest()
	}
	got, err := open(t, address{db: back}).Export(t.Context(), 0, 9)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) {
		t.Errorf("came back as\n%s\nwant\n%s", a, b)
	}
	if info, err := os.Stat(first); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

// TestExportSome: a query selects, a broken file is refused and stores nothing.
func TestExportSome(t *testing.T) {
	from, to := stocked(t, newFile(t)), newFile(t)
	open(t, address{db: to})
	_, out, _ := laterCmd(t, words("export --db "+from+" --where status:failed,completed")...)
	lines := strings.SplitAfter(strings.TrimSpace(out), "\n")
	if len(lines) != 4 || !strings.Contains(lines[0], `"where":"status:failed,completed"`) || !strings.Contains(lines[0], `"failed":1`) || !strings.Contains(lines[3], `"jobs":2`) {
		t.Errorf("exported:\n%s", out)
	}
	path := filepath.Join(t.TempDir(), "x.jsonl")
	for name, text := range map[string]string{
		"not whole":         strings.Join(lines[:3], ""),
		"says 2":            lines[0] + lines[1] + lines[3],
		"ids must rise":     lines[0] + lines[2] + lines[1] + lines[3],
		"not the beginning": lines[1],
		"of version 9":      strings.Replace(out, `"later_export":1`, `"later_export":9`, 1),
		"is no status":      strings.Replace(out, `"status":"failed"`, `"status":"dead"`, 1),
		"line 2: invalid":   strings.Replace(out, `{"job":`, `{"job"`, 1),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		follow(t, []step{{words("import --db " + to + " " + path), 2, name}, {words("count --db " + to), 0, "0\n"}})
	}
}

// TestBackupUnderLoad: nobody who enqueues waits long while the copy is made, and the
// copy is a whole store.
func TestBackupUnderLoad(t *testing.T) {
	db := newFile(t)
	store := open(t, address{db: db})
	queue := later.New(store, later.Config{})
	var calls []later.Call
	for range 2000 {
		calls = append(calls, greet.With(args{N: 1, Text: strings.Repeat("x", 1000)}))
	}
	if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var longest time.Duration
	enqueued := 0
	var load sync.WaitGroup
	load.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			if _, err := queue.EnqueueAll(context.WithoutCancel(ctx), greet.With(args{N: 2})); err != nil {
				t.Error(err)
				return
			}
			enqueued++
			longest = max(longest, time.Since(began))
		}
	})
	folder := t.TempDir()
	copied := filepath.Join(folder, "copy.db")
	follow(t, []step{
		{words("backup --db " + db + " " + copied), 0, "whole and checked"},
		{words("backup --db " + db + " " + copied), 5, "exists already"},
		{words("backup --db " + db + " " + filepath.Join(folder, "none", "copy.db")), 6, "no such file"},
	})
	stop()
	load.Wait()
	if enqueued == 0 || longest > 5*time.Second {
		t.Errorf("%d enqueued meanwhile, the slowest in %v", enqueued, longest)
	}
	follow(t, []step{
		{words("check --db " + copied), 0, "the store is sound"},
		{words("list -q --db " + copied + " --before 2"), 0, "1\n"},
	})
	if left, _ := filepath.Glob(filepath.Join(folder, ".later-backup-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestCheckFindsProblems: rows that fit to nothing are found on both stores.
func TestCheckFindsProblems(t *testing.T) {
	file, db := stocked(t, newFile(t)), stocked(t, newDatabase(t))
	sql(t, db, "DELETE FROM later.ready")
	sqliteExec(t, file, "DELETE FROM later_ready")
	for _, db := range []string{file, db} {
		follow(t, []step{{words("check --db " + db), 9, "the check has found 1 problem"}})
		if _, out, _ := laterCmd(t, words("check -o json --db "+db)...); !strings.Contains(out, "jobs that are in no place, or in several: 1") {
			t.Errorf("check: %s", out)
		}
	}
	follow(t, []step{{words("backup x.dump --db " + db), 6, "run pg_dump --format=custom --schema=later --file=x.dump DATABASE"}})
}

func TestPrune(t *testing.T) {
	t.Setenv("LATER_DB", stocked(t, newFile(t)))
	follow(t, []step{
		{words("prune"), 2, "Nobody is there to answer"},
		{words("prune --yes"), 0, "0 jobs deleted"},
		{words("prune --yes --older-than 0s --status failed"), 0, "1 job deleted"},
		{words("prune --yes --older-than 0s --status pending"), 2, "choose one of completed"},
		{words("prune --yes --older-than 0s"), 0, "1 job deleted"},
		{words("list -q"), 0, "4\n3\n"},
	})
}

// TestTail: what others do is seen, from the first job after it has begun to the end of one.
func TestTail(t *testing.T) {
	db := newFile(t)
	queue := later.New(open(t, address{db: db}), later.Config{})
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	reader, writer := io.Pipe()
	tailed := make(chan int, 1)
	go func() {
		tailed <- run(ctx, words("tail -o jsonl --db "+db), streams{strings.NewReader(""), writer, io.Discard})
		writer.Close()
	}()
	seen := make(chan later.Job)
	go func() {
		defer close(seen)
		for lines := bufio.NewScanner(reader); lines.Scan(); {
			var job later.Job
			if err := json.Unmarshal(lines.Bytes(), &job); err != nil {
				t.Error(err)
			}
			seen <- job
		}
	}()
	first := firstSeen(t, queue, seen)
	if err := queue.Cancel(ctx, first.ID, "enough"); err != nil {
		t.Fatal(err)
	}
	for job := range seen {
		if job.ID == first.ID && job.Status == later.StatusCancelled {
			stop()
			break
		}
	}
	for range seen { // until it has ended
	}
	if code := <-tailed; code != 0 || ctx.Err() != context.Canceled {
		t.Errorf("exit %d, %v", code, ctx.Err())
	}
}

// firstSeen enqueues jobs until one is told: those from before it had begun are not.
func firstSeen(t *testing.T, queue *later.JobQueue, seen <-chan later.Job) later.Job {
	t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		select {
		case job, more := <-seen:
			if !more {
				t.Fatal("it has ended")
			}
			return job
		case <-again.C:
			if _, err := greet.PerformLater(t.Context(), queue, args{N: 2}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestBenchTouchesNothingElse: it removes what it made, and refuses what was there.
func TestBenchTouchesNothingElse(t *testing.T) {
	db, there := newDatabase(t), stocked(t, newFile(t))
	fresh := newFile(t)
	t.Setenv("LATER_DB", there)
	follow(t, []step{
		{words("bench --jobs 100 --db " + there), 5, "exists: bench works in a file that it makes"},
		{words("bench --jobs 100 --db " + fresh + " -o json"), 0, `"perform":`},
		{words("bench --jobs 100 --db " + db), 0, "enqueue to start"},
		{words("bench --jobs 100 --schema later --db " + db), 2, "makes a schema of its own"},
		{words("bench --jobs 0.1k"), 2, "write 500, 100k or 2m"},
		{words("bench --mix everything"), 2, "choose some of enqueue, process, latency"},
		{words("bench --jobs 0100 --payload 1k --mix enqueue -o template={{.jobs}}|{{.payload}}|{{.perform}}|{{.start_p99}}"), 0, "100|1000|0|0\n"},
		{words("count"), 0, "4\n"},
	})
	if left, _ := filepath.Glob(fresh + "*"); len(left) > 0 || schemas(t, db) != "" {
		t.Errorf("left behind: %v, %s", left, schemas(t, db))
	}
}

// TestImportChecksAndShifts: jobs that wait must fit the schemas of the store that they
// come to; times move with them.
func TestImportChecksAndShifts(t *testing.T) {
	from, to := stocked(t, newFile(t)), stocked(t, newFile(t))
	path := filepath.Join(t.TempDir(), "x.jsonl")
	_, out, _ := laterCmd(t, words("export --db "+from+" --status scheduled,completed")...)
	if !strings.Contains(out, `"where":"status:scheduled,completed"`) {
		t.Errorf("the header does not say what was selected: %s", out)
	}
	spoiled := strings.Replace(strings.Replace(out, `"n":3`, `"n":"three"`, 1), `"n":1`, `"n":"one"`, 1) // job 1 is done
	if err := os.WriteFile(path, []byte(spoiled), 0o600); err != nil {
		t.Fatal(err)
	}
	follow(t, []step{
		{words("import --db " + to + " --on-conflict new-id " + path), 2, "first of job 3 (GreetJob) at /n"},
		{words("import --db " + to + " --on-conflict new-id --shift tomorrow " + path), 2, `--shift "tomorrow"`},
		{words("count --db " + to), 0, "4\n"},
		{words("delete 1 3 --db " + to), 0, "2 jobs deleted"},
		{words("import --db " + to + " --any-args --shift -2d " + path), 0, "2 jobs imported"},
	})
	store := open(t, address{db: from})
	moved := open(t, address{db: to})
	for _, id := range []int64{1, 3} {
		was, err := store.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		is, err := moved.Get(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		const by = -48 * time.Hour
		if !is.QueuedAt.Equal(was.QueuedAt.Add(by)) || id == 1 && !is.FinishedAt.Equal(was.FinishedAt.Add(by)) || id == 3 && !is.NextRunAt.Equal(was.NextRunAt.Add(by)) {
			t.Errorf("job %d: %+v became %+v", id, was, is)
		}
	}
}

// TestManualPages: one for each command.
func TestManualPages(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man1")
	follow(t, []step{{[]string{"man", folder}, 0, "pages in " + folder}})
	page, err := os.ReadFile(filepath.Join(folder, "later-queue-pause.1"))
	if err != nil || !strings.Contains(string(page), "Stop every process from starting jobs of a queue") {
		t.Errorf("%v\n%s", err, page)
	}
}
