package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type args struct {
	N    int    `json:"n" validate:"required"`
	Text string `json:"text"`
}

var (
	greet  = later.Define[args]("GreetJob", later.Description("Greets somebody"), later.Queue("mailers"))
	broken = later.Define[args]("BrokenJob", later.NotRetryable())
)

// hostile is text that would steer a terminal, or turn what follows around.
const hostile = "\x1b[2J\x1b]0;owned\a evil\u202etxt"

// stocked makes a store with jobs in several states: 1 completed, 2 failed with a
// hostile error, 3 scheduled, 4 pending, and the types published.
func stocked(t testing.TB, db string) string {
	t.Helper()
	store, err := address{db: db}.Create(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{Logger: slog.New(slog.DiscardHandler)})
	queue.Register(
		greet.Do(func(ctx context.Context, _ args) error {
			later.Running(ctx).Logger.Info("hello " + hostile)
			later.Running(ctx).Progress(3, 4, "greeting")
			return nil
		}),
		broken.Do(func(context.Context, args) error { return errors.New("broken " + hostile) }))
	ctx := t.Context()
	if _, err := queue.EnqueueAll(ctx, greet.With(args{N: 1}, later.User("ada")), broken.With(args{N: 2})); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.EnqueueAll(ctx, greet.With(args{N: 3}, later.In(time.Hour)), greet.With(args{N: 4, Text: hostile})); err != nil {
		t.Fatal(err)
	}
	return db
}

// laterCmd runs a command line.
func laterCmd(t testing.TB, line ...string) (code int, out, problems string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), line, streams{strings.NewReader(`{"n":9}`), &stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

func TestCommands(t *testing.T) {
	onEach(t, testCommands)
}

func testCommands(t *testing.T, fresh func(testing.TB) string) {
	t.Setenv("LATER_DB", stocked(t, fresh(t)))
	for _, test := range []struct {
		line string
		code int
		says string // on the standard output, or the standard error if the code is not 0
	}{
		{"list", 0, "GreetJob"},
		{"list --status completed", 0, "1   GreetJob  mailers  completed  1"},
		{"list --status failed --queue mailers", 0, "ID  TYPE  QUEUE  STATUS"},
		{"list --user ada --limit 1", 0, "GreetJob"},
		{"list --status done", 2, `--status "done": choose one of scheduled, blocked, pending, running, retrying, completed, failed, cancelled`},
		{"list --limit 0", 2, "--limit 0: choose 1 to 10000"},
		{"show 1", 0, "1 of 4"},
		{"show 1", 0, "3 of 4 greeting"},
		{"show 2", 0, "BrokenJob"},
		{"show 99", 3, "job 99: not found: the newest job is 4"},
		{"show one", 2, `"one" is no id`},
		{"show", 2, "write it as: later show ID"},
		{"stats", 0, "completed  1"},
		{"stats", 0, "mailers  no process  1        0        1"},
		{"enqueue GreetJob --args {\"n\":5} --in 1h --queue other --priority 7 --user bob --tag a,b", 0, "job 5 is scheduled: runs "},
		{"enqueue GreetJob --args - ", 0, "job 6 is pending"},
		{"enqueue GreetJob --args @/does/not/exist", 6, "no such file or directory"},
		{"enqueue GreetJob --args {\"n\":\"five\"}", 2, "/n is a string, but integer is needed"},
		{"enqueue GreetJob --args {}", 2, "/n is required"},
		{"enqueue GreatJob --args {\"n\":5}", 3, `unknown job type "GreatJob": did you mean "GreetJob"?`},
		{"enqueue GreetJob --in 1h --at 2030-01-01", 2, "--in and --at exclude each other"},
		{"enqueue GreetJob --at tomorrow", 2, `--at: "tomorrow" is no time: write 10m`},
		{"enqueue GreetJob --args {\"n\":5} --priority 99999", 2, "priority 99999 is outside"},
		{"cancel 4 --reason enough", 0, "1 job cancelled"},
		{"cancel 1", 5, "job 1"},
		{"cancel 5 99", 8, "job 99: not found"},
		{"cancel", 2, "which jobs? Give ids, or flags such as --where and --status, not both"},
		{"cancel 1 --type GreetJob", 2, "not both"},
		{"retry 2", 0, "1 job pending"},
		{"retry --status cancelled", 2, "Nobody is there to answer: add --yes"},
		{"retry --status cancelled --dry-run", 0, "would retry 2 jobs: 2 cancelled\n  5  GreetJob  other  cancelled  queued "},
		{"retry --status cancelled --yes", 0, "2 jobs pending"},
		{"delete --type BrokenJob", 0, "1 job deleted"},
		{"queue pause mailers --reason maintenance", 0, "queue mailers is paused"},
		{"stats", 0, "maintenance"},
		{"queue resume mailers", 0, "queue mailers is resumed"},
		{"migrate", 0, "is up to date"},
		{"version", 0, "later "},
		{"lsit", 2, `unknown command "lsit" for "later": did you mean list?`},
		{"demo --listen 0.0.0.0:8100", 2, "others could reach it"},
		{"demo --listen here", 2, `--listen "here"`},
		{"list --no-such-flag", 2, "unknown flag: --no-such-flag"},
		{"list -o yaml", 2, `--output "yaml": choose one of text, json, jsonl, csv`},
	} {
		code, out, problems := laterCmd(t, strings.Fields(test.line)...)
		said := out
		if test.code != 0 {
			said = problems
		}
		if code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("later %s: exit %d, want %d with %q\n%s%s", test.line, code, test.code, test.says, out, problems)
		}
	}
}

// TestNoStore: what is wrong with an address is said, and nothing is made.
func TestNoStore(t *testing.T) {
	dir := t.TempDir()
	notes, missing := filepath.Join(dir, "notes.txt"), filepath.Join(dir, "missing.db")
	if err := os.WriteFile(notes, []byte("These are my notes, no database at all."), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		line string
		code int
		says string
	}{
		{"list --db " + missing, 6, "check the path, or create one with later migrate"},
		{"list --db " + notes, 6, "file is not a database"},
		{"list --db " + missing + " --schema jobs", 2, `--schema "jobs": a file has no schemas`},
		{"list --db mysql://ada:" + secret + "@host/db", 2, "--db takes a file or a URL of the form postgres://"},
		{"list --db host=here,password=" + secret, 2, "--db takes a file or a URL of the form postgres://"},
		{"list --db postgres://ada:" + secret + "@127.0.0.1:1/db", 6, "store unavailable"},
		{"list --db postgres://ada:" + secret + "@127.0.0.1:1/db?sslmode=banana", 6, "unsuitable database"},
		{"list --db postgres:///db?password=" + secret + "&port=x", 6, "unsuitable database"},
		{"migrate --to 1 --db postgres://ada:" + secret + "@127.0.0.1:x/db", 6, "cannot read the URL"},
		{"migrate --to 1 --db postgres://ada:" + secret + "@127.0.0.1:1/db", 6, "store unavailable"},
		{"migrate --to 0 --db postgres://ada:" + secret + "@127.0.0.1:1/db", 2, "--to 0 removes every job of postgres://ada@127.0.0.1:1/db, with its history"},
		{"migrate --db postgres://ada:" + secret + "@127.0.0.1:1/db", 6, "store unavailable"},
		{"demo --db postgres://ada:" + secret + "@127.0.0.1:1/db", 6, "store unavailable"},
		{"move --from postgres://ada:" + secret + "@127.0.0.1:1/db --to " + missing, 6, "the source: open the store: store unavailable"},
		{"move --from " + missing + " --to postgres://ada:" + secret + "@127.0.0.1:1/db", 6, "the source: no store at"},
		{"move --to " + missing, 2, "Give --from with a file or a postgres:// URL"},
		{"move --from " + missing, 2, "Give --to with a file or a postgres:// URL"},
		{"move --from " + missing + " --to " + notes + " --to-schema a", 2, "a file has no schemas"},
	} {
		code, out, problems := laterCmd(t, strings.Fields(test.line)...)
		if code != test.code || !strings.Contains(problems, test.says) {
			t.Errorf("later %s: exit %d, want %d with %q\n%s%s", test.line, code, test.code, test.says, out, problems)
		}
		if strings.Contains(out+problems, secret) {
			t.Errorf("later %s shows the password:\n%s%s", test.line, out, problems)
		}
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("a file was made")
	}
}

// TestOutputForPrograms: JSON that parses, with everything that a person sees.
func TestOutputForPrograms(t *testing.T) {
	onEach(t, testOutputForPrograms)
}

func testOutputForPrograms(t *testing.T, fresh func(testing.TB) string) {
	db := stocked(t, fresh(t))
	read := func(into any, line ...string) {
		t.Helper()
		code, out, problems := laterCmd(t, append(line, "--db", db, "-o", "json")...)
		if err := json.Unmarshal([]byte(out), into); code != 0 || err != nil {
			t.Fatalf("later %v: exit %d, %v\n%s%s", line, code, err, out, problems)
		}
	}
	var jobs []later.Job
	if read(&jobs, "list"); len(jobs) != 4 || jobs[0].ID != 4 || jobs[3].Status != later.StatusCompleted {
		t.Errorf("list: %+v", jobs)
	}
	if read(&jobs, "list", "--type", "NoSuchJob"); jobs == nil || len(jobs) != 0 {
		t.Errorf("an empty list is %#v", jobs)
	}
	var job struct {
		later.Job
		Attempts []later.Attempt `json:"attempts"`
	}
	if read(&job, "show", "2"); len(job.Attempts) != 1 || job.Error != "broken "+hostile {
		t.Errorf("show: %+v", job)
	}
	var stats later.Stats
	if read(&stats, "stats"); stats.Counts[later.StatusFailed] != 1 || len(stats.Queues) == 0 {
		t.Errorf("stats: %+v", stats)
	}
	var enqueued later.Job
	if read(&enqueued, "enqueue", "GreetJob", "--args", `{"n":9007199254740993}`); !strings.Contains(string(enqueued.Args), "9007199254740993") {
		t.Errorf("enqueue: %+v", enqueued)
	}
	for _, line := range [][]string{{"cancel", "4"}, {"retry", "4"}, {"delete", "4"}, {"queue", "pause", "a"}, {"queue", "resume", "a"}, {"migrate"}, {"version"}} {
		var anything map[string]any
		read(&anything, line...)
	}
}

// TestHostileTextIsHarmless: no command passes control characters on.
func TestHostileTextIsHarmless(t *testing.T) {
	path := stocked(t, newFile(t))
	for _, line := range [][]string{
		{"list"}, {"show", "1"}, {"show", "2"}, {"show", "4"}, {"stats"}, {"queue", "pause", hostile}, {"enqueue", hostile}, {"list", "--status", hostile},
	} {
		_, out, problems := laterCmd(t, append(line, "--db", path)...)
		if said := out + problems; strings.ContainsAny(said, "\x1b\a\u202e") {
			t.Errorf("later %q passes control characters on:\n%q", line, said)
		}
		_, out, _ = laterCmd(t, append(line, "--db", path, "-o", "json")...)
		if strings.ContainsAny(out, "\x1b\a") { // JSON escapes them
			t.Errorf("later %q passes control characters on as JSON:\n%q", line, out)
		}
	}
}

func TestStoreMustBeNamed(t *testing.T) {
	t.Setenv("LATER_DB", "")
	for _, line := range []string{"list", "migrate", "show 1", "enqueue X"} {
		code, _, problems := laterCmd(t, strings.Fields(line)...)
		if code != 2 || !strings.Contains(problems, "which store? Give --db with a file or a postgres:// URL, or set LATER_DB") {
			t.Errorf("later %s: exit %d, %s", line, code, problems)
		}
	}
}

// TestDemoLeavesOtherStoresAlone: LATER_DB may name a store that is no playground.
func TestDemoLeavesOtherStoresAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "production.db")
	t.Setenv("LATER_DB", path)
	code, out, problems := laterCmd(t, "demo", "--headless", "-o", "json")
	var report map[string]any
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil {
		t.Errorf("exit %d, %v\n%s%s", code, err, out, problems)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the demo has written into the store of LATER_DB")
	}
}

// TestRedactedFieldsAreNotShown: neither to people nor to programs, by what the type has published.
func TestRedactedFieldsAreNotShown(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jobs.db")
	payments(t, db)
	for _, line := range [][]string{
		{"show", "1"}, {"show", "1", "-o", "json"}, {"list", "-o", "json"}, {"enqueue", "PayJob", "--args", `{"order":7,"card":"hunter2"}`, "-o", "json"},
	} {
		code, out, problems := laterCmd(t, append(line, "--db", db)...)
		if code != 0 || !strings.Contains(out, "[redacted]") || strings.Contains(out+problems, "hunter2") {
			t.Errorf("%v: %d\n%s%s", line, code, out, problems)
		}
	}
	code, out, problems := laterCmd(t, "enqueue", "PayJob", "--args", `{"card":"hunter2hunter2"}`, "--db", db)
	if code == 0 || !strings.Contains(problems, "/card [redacted] fails the check maxLength") || strings.Contains(out+problems, "hunter2") {
		t.Errorf("refused: %d\n%s%s", code, out, problems)
	}
}

// payments makes a store with a completed job that has a field which is not to be shown.
func payments(t *testing.T, db string) {
	t.Helper()
	type payArgs struct {
		Order int    `json:"order"`
		Card  string `json:"card" later:"redact" validate:"max=10"`
	}
	s, err := sqlite.Open(db)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	queue := later.New(s, later.Config{})
	pay := later.Define[payArgs]("PayJob")
	queue.Register(pay.Do(func(context.Context, payArgs) error { return nil }))
	if _, err := pay.PerformLater(t.Context(), queue, payArgs{7, "hunter2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}
