package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
)

// A run is what go test said of one test.
type run struct {
	pkg      string
	tests    map[string]string // by name: "run" at first, then "pass", "fail" or "skip"
	built    bool
	timedOut bool
	crashed  bool // by a panic that no test recovered from
	text     strings.Builder
	err      error // of the command
}

// run runs one test. A test that needs a server must not be skipped for want of one.
func (s *Stage) run(ctx context.Context, t Test, flags ...string) run {
	args := append([]string{"test", "-json", "-vet=off", "-timeout=" + s.patience.String(), "-run=" + pattern(t.Name)}, flags...)
	command := exec.CommandContext(ctx, "go", append(args, "./"+t.Package)...)
	command.Dir = s.root
	command.Env = append(os.Environ(), "LATER_TEST_REQUIRE_POSTGRES=1")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	r := run{pkg: t.Package, tests: map[string]string{}, built: true, err: err}
	r.text.WriteString(stderr.String())
	for lines := bufio.NewReader(bytes.NewReader(out)); ; {
		line, err := lines.ReadBytes('\n')
		r.note(line)
		if err != nil {
			return r
		}
	}
}

// pattern matches one test by its name, level by level, as the testing package
// writes it.
func pattern(name string) string {
	levels := strings.Split(asRun(name), "/")
	for i, level := range levels {
		levels[i] = "^" + regexp.QuoteMeta(level) + "$"
	}
	return strings.Join(levels, "/")
}

func asRun(name string) string { return strings.ReplaceAll(name, " ", "_") }

// note takes in one event of go test -json.
func (r *run) note(line []byte) {
	var event struct{ Action, Test, Output, FailedBuild string }
	if json.Unmarshal(line, &event) != nil {
		return
	}
	r.built = r.built && event.FailedBuild == "" && event.Action != "build-fail"
	r.timedOut = r.timedOut || strings.Contains(event.Output, "panic: test timed out after")
	r.crashed = r.crashed || strings.HasPrefix(event.Output, "panic: ") || strings.HasPrefix(event.Output, "fatal error: ")
	r.text.WriteString(event.Output)
	switch event.Action {
	case "run", "pass", "fail", "skip":
		if event.Test != "" {
			r.tests[event.Test] = event.Action
		}
	}
}

// state is what became of a test; empty if it does not exist.
func (r *run) state(t Test) string { return r.tests[asRun(t.Name)] }

// failed lists the innermost tests that failed.
func (r *run) failed() (names []string) {
	for name, state := range r.tests {
		inner := func(other string) bool { return strings.HasPrefix(other, name+"/") && r.tests[other] == "fail" }
		if state == "fail" && !slices.ContainsFunc(slices.Collect(maps.Keys(r.tests)), inner) {
			names = append(names, Test{r.pkg, name}.String())
		}
	}
	slices.Sort(names)
	return names
}

func (r *run) explain(state string) string {
	switch state {
	case "":
		return "there is no such test. " + r.output()
	case "skip":
		return "it was skipped. " + r.output()
	}
	return r.output()
}

// output is the end of what was printed.
func (r *run) output() string {
	text := r.text.String()
	return strings.ToValidUTF8(text[max(0, len(text)-2000):], "")
}
