package main

import (
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

// step is a command line, its exit code, and what it says: on the standard output, or on
// the standard error if the code is not 0.
type step struct {
	line []string
	code int
	says string
}

func words(line string) []string { return strings.Fields(line) }

func follow(t *testing.T, steps []step) {
	t.Helper()
	for _, s := range steps {
		code, out, problems := laterCmd(t, s.line...)
		said := out
		if s.code != 0 {
			said = problems
		}
		if code != s.code || !strings.Contains(said, s.says) {
			t.Errorf("later %q: exit %d, want %d with %q\n%s%s", s.line, code, s.code, s.says, out, problems)
		}
	}
}

// TestJobCommandsOnPostgres: what goes another way there.
func TestJobCommandsOnPostgres(t *testing.T) {
	t.Setenv("LATER_DB", stocked(t, newDatabase(t)))
	follow(t, []step{
		{words("count --by status,type"), 0, "failed     BrokenJob  1\n"},
		{words("wait 1 2"), 10, "1 job of 2 failed or cancelled"},
		{words("reschedule 3 --at 2050-01-02 --tz Asia/Tokyo"), 0, "1 job rescheduled"},
		{words(`edit 3 --args {"n":33}`), 0, "job 5 is scheduled: runs "},
		{words("show 5 --tz Asia/Tokyo"), 0, "2050-01-02 00:00:00"},
		{words("cancel --type GreetJob -y"), 0, "2 jobs cancelled"},
	})
}

func TestJobCommands(t *testing.T) {
	t.Setenv("LATER_DB", stocked(t, newFile(t)))
	t.Setenv("EDITOR", "sed -i s/3/33/")
	t.Setenv("VISUAL", "")
	follow(t, []step{
		{words("list -q"), 0, "4\n3\n2\n1\n"},
		{words("list -q -w id:1,2"), 0, "2\n1\n"},
		{[]string{"list", "-q", "--where", `type:GreetJob status:completed,pending`}, 0, "4\n1\n"},
		{[]string{"list", "--where", `colour:red`}, 2, `there is no field "colour"`},
		{words("list -n 1"), 0, "4   GreetJob"},
		{words("show #1"), 0, "completed"},
		{words("show https://ops.example.com/jobs/jobs/1?x=y"), 0, "completed"},
		{words("count"), 0, "4\n"},
		{words("count --by status,type"), 0, "failed     BrokenJob  1\n"},
		{words("count --by colour"), 2, `--by "colour"`},
		{words("count --by queue -o csv"), 0, "count,queue\n1,default\n3,mailers\n"},
		{words("logs 1"), 0, "INFO   hello"},
		{words("logs 1 -f"), 0, "INFO   hello"},
		{words("logs 1 -f -o json"), 2, "choose jsonl"},
		{words("logs 99"), 3, "job 99"},
		{words("wait 1"), 0, "job 1 is completed"},
		{words("wait 1 2"), 10, "1 job of 2 failed or cancelled"},
		{words("wait 4 --timeout 50ms"), 7, "timed out after 50ms"},
		{words("wait 99"), 3, "job 99"},
		{words("reschedule 3"), 2, "when? Give --in or --at"},
		{words("reschedule 3 --in 3d"), 0, "1 job rescheduled"},
		{words("reschedule 3 --at 2050-01-02 --tz Asia/Tokyo"), 0, "1 job rescheduled"},
		{words("show 3 --tz Asia/Tokyo"), 0, "2050-01-02 00:00:00"},
		{words("reschedule 1 --in 1h"), 5, "it is completed"},
		{words("list --tz Atlantis"), 2, `--tz "Atlantis"`},
		{words(`edit 3`), 0, "job 5 is scheduled: runs "},
		{words("show 5 --tz Asia/Tokyo"), 0, `{"n":33,`},
		{words("show 5 --tz Asia/Tokyo"), 0, "2050-01-02 00:00:00"},
		{words("show 3"), 0, "edited: stored again with other arguments"},
		{words(`edit 5 --args {"n":"five"}`), 2, "/n is a string, but integer is needed"},
		{words("show 5"), 0, "scheduled"},
		{words(`edit 5 --args {`), 2, "the arguments"},
		{words(`edit 1 --args {"n":7}`), 0, "job 6 is pending"},
		{words("show 1"), 0, "completed"},
		{words("delete -w status:cancelled -n"), 0, "would delete 1 job: 1 cancelled"},
		{words("delete -w status:cancelled"), 0, "1 job deleted"},
		{words("cancel --type GreetJob -y"), 0, "3 jobs cancelled"},
	})
	t.Setenv("EDITOR", "false")
	follow(t, []step{
		{words("edit 4"), 1, "nothing was changed"},
		{words("edit 4 --no-input"), 2, "no editor"},
	})
}

// TestEditKeepsWhatIsRedacted: an editor does not see it, and what was left alone stays.
func TestEditKeepsWhatIsRedacted(t *testing.T) {
	db := filepath.Join(t.TempDir(), "jobs.db")
	payments(t, db)
	seen := filepath.Join(t.TempDir(), "seen")
	editor := filepath.Join(t.TempDir(), "editor")
	if err := os.WriteFile(editor, []byte("#!/bin/sh\ncat \"$1\" >"+seen+"\nsed -i s/7/8/ \"$1\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VISUAL", editor)
	t.Setenv("LATER_DB", db)
	follow(t, []step{{words("edit 1"), 0, "job 2 is pending"}})
	if text, err := os.ReadFile(seen); err != nil || strings.Contains(string(text), "hunter2") || !strings.Contains(string(text), "[redacted]") {
		t.Errorf("the editor saw %s, %v", text, err)
	}
	job, err := open(t, address{db: db}).Get(t.Context(), 2)
	if string(job.Args) != `{"card":"hunter2","order":8}` || err != nil {
		t.Errorf("stored %s, %v", job.Args, err)
	}
}

func TestQueuesAndSchedules(t *testing.T) {
	db := stocked(t, newFile(t))
	t.Setenv("LATER_DB", db)
	queue := later.New(open(t, address{db: db}), later.Config{})
	if err := queue.SaveSchedule(t.Context(), "every morning", later.Cron("0 9 * * *", "Europe/Berlin"), greet.With(args{N: 7})); err != nil {
		t.Fatal(err)
	}
	follow(t, []step{
		{words("queue list -q"), 0, "mailers\n"},
		{words("queue list"), 0, "mailers  no process  1"},
		{words("queue pause mailers --reason maintenance"), 0, "queue mailers is paused"},
		{words("queue show mailers"), 0, "maintenance"},
		{words("queue show mailers -o json"), 0, `"processes": []`},
		{words("queue show mialers"), 3, `did you mean "mailers"?`},
		{words("queue resume mailers"), 0, "queue mailers is resumed"},
		{words("schedule list"), 0, "every morning  active  0 9 * * *  Europe/Berlin  GreetJob  mailers"},
		{words("schedule list -q"), 0, "every morning\n"},
		{[]string{"schedule", "show", "every morning"}, 0, `{"n":7,"text":""}`},
		{[]string{"schedule", "next", "every morning", "-n", "2", "--tz", "Europe/Berlin"}, 0, " 09:00:00 CE"},
		{[]string{"schedule", "run", "every morning"}, 0, "job 5 is pending"},
		{[]string{"schedule", "pause", "every morning", "--reason", "holidays"}, 0, "schedule every morning is paused"},
		{words("schedule list"), 0, "holidays"},
		{[]string{"schedule", "resume", "every morning"}, 0, "is resumed"},
		{[]string{"schedule", "pause", "every evening"}, 3, `did you mean "every morning"?`},
		{[]string{"schedule", "delete", "every morning"}, 0, "is deleted"},
		{[]string{"schedule", "check", "0 9 * * *", "--zone", "Asia/Tokyo"}, 0, "09:00:00 JST"},
		{[]string{"schedule", "check", "61 * * * *"}, 2, "61"},
		{words("types"), 0, "GreetJob   mailers  0         3"},
		{words("types -q"), 0, "BrokenJob\nGreetJob\n"},
		{words("schema GreetJob"), 0, `"required"`},
		{words("schema GreatJob"), 3, `did you mean "GreetJob"?`},
	})
}

// TestOutputs: every form of output can be read by programs.
func TestOutputs(t *testing.T) {
	t.Setenv("LATER_DB", stocked(t, newFile(t)))
	_, out, _ := laterCmd(t, words("list -o jsonl")...)
	for n, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var job later.Job
		if err := json.Unmarshal([]byte(line), &job); err != nil || job.ID != int64(4-n) {
			t.Errorf("line %d: %v: %s", n, err, line)
		}
	}
	for line, want := range map[string]int{"list -o csv": 5, "list -o csv --type none": 1, "queue list -o csv": 2, "types -o csv": 3, "stats -o csv": 2, "show 2 -o csv": 2} {
		_, out, _ := laterCmd(t, words(line)...)
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil || len(rows) != want || strings.ContainsAny(out, "\x1b\a") {
			t.Errorf("later %s: %d rows, want %d, %v\n%s", line, len(rows), want, err, out)
		}
	}
	_, out, _ = laterCmd(t, words("list -o csv")...)
	rows, _ := csv.NewReader(strings.NewReader(out)).ReadAll()
	if strings.Join(rows[0][:4], " ") != "id type queue status" || rows[4][0] != "1" || rows[4][3] != "completed" || rows[4][5] != `{"n":1,"text":""}` {
		t.Errorf("CSV: %q", rows)
	}
}

func TestColours(t *testing.T) {
	t.Setenv("LATER_DB", stocked(t, newFile(t)))
	for _, test := range []struct {
		line, noColor, force, term string
		want                       bool
	}{
		{"list", "", "", "xterm", false}, // no terminal
		{"list --color always", "1", "", "dumb", true},
		{"list --color never", "", "1", "xterm", false},
		{"list", "", "1", "xterm", true},
		{"list", "1", "1", "xterm", false},
	} {
		t.Setenv("NO_COLOR", test.noColor)
		t.Setenv("CLICOLOR_FORCE", test.force)
		t.Setenv("TERM", test.term)
		if _, out, _ := laterCmd(t, words(test.line)...); strings.Contains(out, "\x1b[31mfailed") != test.want {
			t.Errorf("%+v: %q", test, out)
		}
	}
	if code, _, _ := laterCmd(t, words("list --color pink")...); code != 2 {
		t.Errorf("--color pink: exit %d", code)
	}
}

// TestCompletion: names that live in the store are completed; a store that is not there
// says nothing.
func TestCompletion(t *testing.T) {
	db := stocked(t, newFile(t))
	for line, want := range map[string]string{
		"__complete list --type Gr":   "GreetJob\n",
		"__complete list --status ca": "cancelled\n",
		"__complete queue pause mai":  "mailers\n",
		"__complete enqueue B":        "BrokenJob\n",
		"__complete resc":             "reschedule\t",
	} {
		t.Setenv("LATER_DB", db)
		if code, out, problems := laterCmd(t, words(line)...); code != 0 || !strings.HasPrefix(out, want) {
			t.Errorf("later %s: exit %d, %q, want %q\n%s", line, code, out, want, problems)
		}
		t.Setenv("LATER_DB", "/does/not/exist.db")
		if code, out, _ := laterCmd(t, words(line)...); code != 0 || strings.Contains(out, "exist") {
			t.Errorf("later %s without a store: exit %d, %q", line, code, out)
		}
	}
}

func TestHelpTopics(t *testing.T) {
	follow(t, []step{
		{words("help exit-codes"), 0, " 10  the job that was waited for failed"},
		{words("help query"), 0, "queued:<2h"},
		{words("help times"), 0, "tomorrow 09:00"},
		{words("help statuses"), 0, "needs a person"},
		{words("help environment"), 0, "LATER_DB"},
		{words("help list"), 0, "  later list --status failed"},
		{words("completion bash"), 0, "bash"},
	})
}
