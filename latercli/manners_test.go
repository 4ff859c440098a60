package latercli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"unicode"
)

// TestMain: texts are those of a locale that knows all characters.
func TestMain(m *testing.M) {
	_ = os.Setenv("LC_ALL", "C.UTF-8")
	os.Exit(m.Run())
}

// TestTemplate: a line for each element, by its keys in JSON, with all digits of a number.
func TestTemplate(t *testing.T) {
	app := mounted(t)
	for _, id := range []string{"9007199254740993", "2"} {
		app("enqueue", "GreetJob", "--args", fmt.Sprintf(`{"name":"ada","id":%s}`, id))
	}
	for template, want := range map[string]string{
		"{{.id}} {{.args.name}} {{.user_id}}|": "2 ada |\n1 ada |\n",
		"{{.args.id}}":                         "2\n9007199254740993\n",
		"{{json .args}}":                       "{\"id\":2,\"name\":\"ada\"}\n{\"id\":9007199254740993,\"name\":\"ada\"}\n",
	} {
		if code, out, problems := app("list", "-o", "template="+template); code != 0 || out != want {
			t.Errorf("%s: exit %d\n%q, want %q\n%s", template, code, out, want, problems)
		}
	}
	for _, bad := range []string{"{{.id", "{{.id.x}}", "{{nonsense}}"} {
		if code, _, problems := app("list", "-o", "template="+bad); code != exitUsage {
			t.Errorf("%s: exit %d: %s", bad, code, problems)
		}
	}
}

// TestPlainCharacters: a locale without UTF-8 gets ASCII from us, in as many columns; data
// is what it is.
func TestPlainCharacters(t *testing.T) {
	app := mounted(t)
	app("enqueue", "GreetJob", "--args", `{"name":"…"}`, "--queue", "nobody-serves-it")
	for _, locale := range []string{"C", "de_DE.ISO-8859-1", ""} {
		t.Setenv("LC_ALL", locale)
		t.Setenv("LC_CTYPE", locale)
		t.Setenv("LANG", locale)
		for _, line := range []string{"why 1", "doctor", "list", "queue list", "help", "help retry", "top", "show 1", "nonsense"} {
			_, out, problems := app(strings.Fields(line)...)
			if i := strings.IndexFunc(out, func(r rune) bool { return r > unicode.MaxASCII }); i >= 0 {
				t.Errorf("%q in %q: %q in\n%s%s", line, locale, out[i:], out, problems)
			}
		}
		if _, out, _ := app("why", "1"); !strings.Contains(out, "x No process") || !strings.Contains(out, "+ not finished") {
			t.Errorf("in %q:\n%s", locale, out)
		}
		for _, line := range []string{"show 1 -o json", "export", "list -o template={{.args.name}}"} {
			if _, out, problems := app(strings.Fields(line)...); !strings.Contains(out, "…") {
				t.Errorf("%q in %q changes the data:\n%s%s", line, locale, out, problems)
			}
		}
	}
	t.Setenv("LC_ALL", "de_DE.UTF-8")
	if _, out, _ := app("why", "1"); !strings.Contains(out, "✖ No process") {
		t.Errorf("with UTF-8:\n%s", out)
	}
	for _, r := range "…–−·✓✖▲▏↑↓→‖▁▂▃▄▅▆▇█" {
		var out strings.Builder
		fmt.Fprint(plainWriter{&out}, string(r))
		if plain := out.String(); len(plain) != displayWidth(string(r)) {
			t.Errorf("%c becomes %q", r, plain)
		}
	}
	if n, err := io.WriteString(plainWriter{io.Discard}, "a…b"); n != len("a…b") || err != nil {
		t.Errorf("written: %d, %v", n, err)
	}
}

// TestPurge: what waits in a queue goes, and nothing else.
func TestPurge(t *testing.T) {
	app := mounted(t)
	for _, more := range []string{"--queue=a", "--queue=a --in=1h", "--queue=b", "--queue=a"} {
		app(append([]string{"enqueue", "GreetJob", "--args", `{"name":"ada"}`}, strings.Fields(more)...)...)
	}
	app("cancel", "1")
	for _, c := range []struct {
		line, says string
		code       int
	}{
		{"queue purge a --dry-run", "would delete 2 jobs: 1 scheduled, 1 pending", 0},
		{"queue purge a", "Nobody is there to answer", 2},
		{"queue purge a --yes", "2 jobs deleted", 0},
		{"queue purge bb", `did you mean "b"?`, 0},
		{"list -q", "3\n1\n", 0},
		{"list --queue bb", `nobody knows a queue "bb": did you mean "b"?`, 0},
		{"list --type GreatJob", `nobody knows a type "GreatJob": did you mean "GreetJob"?`, 0},
	} {
		if code, out, problems := app(strings.Fields(c.line)...); code != c.code || !strings.Contains(out+problems, c.says) {
			t.Errorf("%s: exit %d, want %d with %q\n%s%s", c.line, code, c.code, c.says, out, problems)
		}
	}
}

// TestPreview: what a change would leave alone is said, and not counted.
func TestPreview(t *testing.T) {
	app := mounted(t)
	for range 4 {
		app("enqueue", "GreetJob", "--args", `{"name":"ada"}`)
	}
	app("cancel", "1", "2")
	for _, c := range []struct {
		line, says string
	}{
		{"cancel --type GreetJob --dry-run", "would cancel 2 jobs: 2 pending\nwould leave alone: 2 cancelled\n"},
		{"cancel --status cancelled", "left alone: 2 cancelled"},
		{"retry --type GreetJob", "retry 2 jobs?"},
		{"retry --type GreetJob --yes", "2 jobs pending\nnext: app jobs tail"},
		{"reschedule --in 1h --type GreetJob --yes", "4 jobs rescheduled"},
		{"wait 1 --timeout 10ms", "timed out after 10ms"},
	} {
		if code, out, problems := app(strings.Fields(c.line)...); !strings.Contains(out+problems, c.says) {
			t.Errorf("%s: exit %d, want %q\n%s%s", c.line, code, c.says, out, problems)
		}
	}
}

// TestEditQueue: a job goes to another queue with the arguments that it has, redacted ones
// included.
func TestEditQueue(t *testing.T) {
	app := mounted(t)
	app("enqueue", "GreetJob", "--args", `{"name":"ada","code":"4242"}`, "--queue", "defualt", "--in", "1h")
	if code, _, problems := app("edit", "1", "--queue", "default", "--priority", "7"); code != 0 {
		t.Fatal(problems)
	}
	_, out, _ := app("export", "--status", "scheduled")
	for _, text := range []string{`"id":2`, `"queue":"default"`, `"priority":7`, `"code":"4242"`, `"status":"scheduled"`} {
		if !strings.Contains(out, text) {
			t.Errorf("%s is not in\n%s", text, out)
		}
	}
	if _, out, _ := app("list", "-q", "--status", "cancelled"); out != "1\n" {
		t.Errorf("the old one: %q", out)
	}
	if code, _, problems := app("edit", "2", "--priority", "99999"); code != exitUsage {
		t.Errorf("exit %d: %s", code, problems)
	}
}

// TestManyIDs: more jobs than one wants to change one by one are an operation, that can be
// undone.
func TestManyIDs(t *testing.T) {
	app := mounted(t)
	line := []string{"cancel"}
	for id := range mostDirect + 1 {
		app("enqueue", "GreetJob", "--args", `{"name":"ada"}`)
		line = append(line, fmt.Sprint(id+1))
	}
	code, out, problems := app(line...)
	if code != 0 || !strings.Contains(problems, "op undo 1") || !strings.Contains(out, "101 jobs cancelled") {
		t.Errorf("exit %d\n%s%s", code, out, problems)
	}
}

// TestFix: what is safe is offered and done; what is left is said, with the exit code.
func TestFix(t *testing.T) {
	app := mounted(t)
	app("enqueue", "GreetJob", "--args", `{"name":"ada"}`)
	app("queue", "pause", "default", "--reason", "stocktaking")
	for _, c := range []struct {
		line string
		code int
		says []string
	}{
		{"why 1", 9, []string{"pending for ", "L106", "more      app jobs help L106"}},
		{"why 1 --fix", 2, []string{"resume the queue default? Nobody is there"}},
		{"why 1 --fix --yes", 0, []string{"done      resume the queue default"}},
		{"why 1 --fix --yes", 9, []string{"L120", "problems left: 1"}},
		{"cancel 1", 0, nil},
		{"why 1 --fix --yes", 0, []string{"L103"}}, // as it should be: it stays so
		{"list", 0, []string{"cancelled"}},
		{"queue pause default", 0, nil},
		{"enqueue GreetJob --args {\"name\":\"ada\"}", 0, nil},
		{"doctor --fix --yes --ignore L120", 0, []string{"done      resume the queue default"}},
		{"doctor --fix -o json", 9, []string{`"mended": false`}},
	} {
		code, out, problems := app(strings.Fields(c.line)...)
		for _, text := range c.says {
			if !strings.Contains(out+problems, text) {
				t.Errorf("%s says not %q:\n%s%s", c.line, text, out, problems)
			}
		}
		if code != c.code {
			t.Errorf("%s: exit %d, want %d\n%s%s", c.line, code, c.code, out, problems)
		}
	}
}
