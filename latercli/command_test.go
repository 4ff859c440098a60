package latercli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type greeting struct {
	Name string `json:"name" validate:"required"`
	Code string `json:"code,omitempty" later:"redact"`
}

var greet = later.DefineResult[greeting, string]("GreetJob")

// mounted is a program of a user's with the command line as "app jobs".
func mounted(t testing.TB) func(line ...string) (code int, out, problems string) {
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "jobs.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	queue := later.New(store, later.Config{Logger: slog.New(slog.DiscardHandler)})
	queue.Register(greet.Do(func(_ context.Context, g greeting) (string, error) {
		if g.Name == "nobody" {
			return "", errors.New("nobody is there \x1b[2J")
		}
		return "hello " + g.Name, nil
	}))
	return func(line ...string) (int, string, string) {
		var out, problems bytes.Buffer
		hook := ""
		root := &cobra.Command{Use: "app", SilenceErrors: true, PersistentPreRun: func(*cobra.Command, []string) { hook = "ran" }}
		root.AddCommand(Command(queue))
		root.SetArgs(append([]string{"jobs"}, line...))
		root.SetIn(strings.NewReader(""))
		root.SetOut(&out)
		root.SetErr(&problems)
		err := root.ExecuteContext(t.Context())
		if err != nil {
			fmt.Fprintln(&problems, err)
		} else if hook == "" {
			t.Errorf("%q: the program's own hook did not run", line)
		}
		return ExitCode(err), out.String(), problems.String()
	}
}

func TestMounted(t *testing.T) {
	app := mounted(t)
	for _, test := range []struct {
		line string
		code int
		says string // on the standard output, or the standard error if the code is not 0
	}{
		{`enqueue GreetJob --args {"name":"ada"}`, 0, "job 1 is pending"},
		{`enqueue GreetJob --args {}`, 2, "/name"},
		{"list", 0, "GreetJob"},
		{"show 99", 3, "job 99: not found"},
		{"show one", 2, `"one" is no id`},
		{"show", 2, "write it as: app jobs show ID"},
		{`run GreetJob --args {"name":"ada"}`, 0, "\"hello ada\"\n"},
		{`run GreetJob --args {"name":"nobody"}`, 1, `nobody is there \u001b[2J`},
		{"run GreatJob", 3, `did you mean "GreetJob"?`},
		{"help list", 0, "List jobs, newest first"},
		{"help queue pause", 0, "app jobs queue pause QUEUE"},
		{"help query", 0, "Fields: status"},
		{"help l104", 0, "L104 No process serves the queue"},
		{"help failures", 0, "# "},
		{"help lits", 2, "did you mean list?"},
		{"help trobleshooting", 2, "did you mean troubleshooting?"},
		{"lsit", 2, `unknown command "lsit" for "app jobs": did you mean list?`},
		{"list --nonsense", 2, "unknown flag: --nonsense"},
		{"list --db other.db", 2, "unknown flag: --db"},
		{"move", 2, "unknown command"},
		{"queue", 0, "app jobs queue [command]"},
		{"queue puase default", 2, "did you mean pause?"},
	} {
		code, out, problems := app(strings.Fields(test.line)...)
		said := out
		if test.code != 0 {
			said = problems
		}
		if code != test.code || !strings.Contains(said, test.says) {
			t.Errorf("app jobs %s: exit %d, want %d with %q\n%s%s", test.line, code, test.code, test.says, out, problems)
		}
	}
}

// TestRedactedIsNotAskedFor: neither to look at jobs nor to change them.
func TestRedactedIsNotAskedFor(t *testing.T) {
	app := mounted(t)
	if code, _, problems := app("enqueue", "GreetJob", "--args", `{"name":"ada","code":"4242"}`, "--in", "1h"); code != 0 {
		t.Fatal(problems)
	}
	for _, verb := range []string{"list", "count", "export", "cancel -y", "retry -y", "delete -y", "reschedule -y --in 2h", "cancel --dry-run"} {
		for query, code := range map[string]int{"args.code:4*": 2, "-args.code:x": 2, "4242": 0, "text:4242": 0} {
			line := strings.Fields(verb)
			got, out, problems := app(append(line, "--where", query)...)
			if code != 0 && (got == 0 || !strings.Contains(problems, "may not be searched for")) {
				t.Errorf("%s %s: exit %d\n%s%s", verb, query, got, out, problems)
			}
			if code == 0 && strings.Contains(out+problems, "GreetJob") {
				t.Errorf("%s %s finds it: %s%s", verb, query, out, problems)
			}
		}
	}
	if _, out, problems := app("show", "1"); !strings.Contains(out, "scheduled") || !strings.Contains(out, "[redacted]") {
		t.Errorf("afterwards: %s%s", out, problems)
	}
}
