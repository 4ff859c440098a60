package latercli

import (
	"strings"
	"testing"
)

// TestWhyAndDoctor: a job that waits for a process is explained, with an exit code for
// monitors.
func TestWhyAndDoctor(t *testing.T) {
	app := mounted(t)
	if code, out, problems := app("doctor"); code != exitDone || !strings.Contains(out, "✓") {
		t.Fatalf("doctor of an empty store: %d\n%s%s", code, out, problems)
	}
	app("enqueue", "GreetJob", "--args", `{"name":"Ada"}`)
	for _, line := range [][]string{{"why", "1"}, {"doctor"}, {"doctor", "-o", "json"}} {
		code, out, problems := app(line...)
		if code != exitProblem || !strings.Contains(out, "L120") || !strings.Contains(out, "No process works on this store") {
			t.Errorf("%q: %d\n%s%s", line, code, out, problems)
		}
	}
	if code, _, _ := app("why", "404"); code != exitNotFound {
		t.Errorf("why of nothing: %d", code)
	}
}

// TestProcessesThatAreNot: what is asked of nobody.
func TestProcessesThatAreNot(t *testing.T) {
	app := mounted(t)
	app("enqueue", "GreetJob", "--args", `{"name":"Ada"}`)
	for _, c := range []struct {
		line []string
		code int
	}{
		{[]string{"process", "list"}, exitDone},
		{[]string{"process", "show", "zzz"}, exitNotFound},
		{[]string{"process", "drain", "1"}, exitNotFound},
		{[]string{"process", "stack", "1"}, exitConflict},
		{[]string{"process", "stack", "404"}, exitNotFound},
	} {
		if code, out, problems := app(c.line...); code != c.code {
			t.Errorf("%q: %d, expected %d\n%s%s", c.line, code, c.code, out, problems)
		}
	}
}
