package main

import (
	"context"
	"errors"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the pages in docs anew")

func root(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// all lists every mutant.
func all() (mutants []Mutant) {
	for _, room := range rooms {
		for _, exhibit := range room.Exhibits {
			mutants = append(mutants, exhibit.Mutants...)
		}
	}
	return mutants
}

// TestExhibitsStillFit: the texts that they change are in our code, and what comes
// of it is Go where it has to be.
func TestExhibitsStillFit(t *testing.T) {
	root, names := root(t), map[string]bool{}
	for _, m := range all() {
		if names[m.Name] {
			t.Errorf("two mutants are named %s", m.Name)
		}
		names[m.Name] = true
		changed, err := m.Overlay(root)
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		for path, text := range changed {
			if original, err := os.ReadFile(path); err != nil || string(original) == text {
				t.Errorf("%s changes nothing in %s, %v", m.Name, path, err)
			}
		}
		checkKiller(t, root, m)
	}
	if len(names) < 20 {
		t.Errorf("only %d mutants", len(names))
	}
}

// TestMutantsCompile: one whose names have changed since would show nothing, and be found
// out only when somebody visits the museum.
func TestMutantsCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	root := root(t)
	for _, m := range all() {
		changed, err := m.Overlay(root)
		if err != nil {
			t.Fatal(err)
		}
		packages := map[string]bool{} // of the SQL only a run can tell
		for path := range changed {
			if filepath.Ext(path) == ".go" {
				packages[filepath.Dir(path)] = true
			}
		}
		for folder := range packages {
			t.Run(m.Name, func(t *testing.T) {
				overlay, err := writeOverlay(t.TempDir(), changed)
				if err != nil {
					t.Fatal(err)
				}
				build := exec.CommandContext(t.Context(), "go", "build", "-gcflags=-N -l", "-overlay="+overlay, folder)
				build.Dir = root
				if output, err := build.CombinedOutput(); err != nil {
					t.Errorf("%v\n%s", err, output)
				}
			})
		}
	}
}

// checkKiller: the package has a function of that name. Of subtests only a run can tell.
func checkKiller(t *testing.T, root string, m Mutant) {
	t.Helper()
	name, _, _ := strings.Cut(m.Killer.Name, "/")
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(m.Killer.Package), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), "func "+name+"(") {
			return
		}
	}
	t.Errorf("%s: there is no test %s", m.Name, m.Killer)
}

func TestExhibitsAreComplete(t *testing.T) {
	source := regexp.MustCompile(`^[\w.-]+/[\w.-]+(#\d+|: .+)$`)
	for _, room := range rooms {
		for _, e := range room.Exhibits {
			if e.Title == "" || e.Bug == "" || len(e.Sources) == 0 || len(e.Mutants) == 0 {
				t.Errorf("something is missing: %+v", e)
			}
			for _, s := range e.Sources {
				if !source.MatchString(s) {
					t.Errorf("%s: source %q", e.Title, s)
				}
			}
			for _, broken := range e.Breaks {
				if !slices.ContainsFunc(invariants, func(i Invariant) bool { return i.Number == broken }) {
					t.Errorf("%s: invariant %q", e.Title, broken)
				}
			}
		}
	}
}

func TestDocumentIsUpToDate(t *testing.T) {
	for name, want := range Documents(rooms) {
		path := filepath.Join(root(t), "docs", name)
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("docs/%s differs from the exhibits (go test ./internal/museum -update writes it anew), %v", name, err)
		}
	}
}

// TestMutantsAreKilled shows two real exhibits, one in Go and one in embedded SQL.
func TestMutantsAreKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	stage := NewStage(root(t))
	for _, name := range []string{"outage-reaps", "outcome-without-token-sqlite"} {
		for _, m := range all() {
			if m.Name != name {
				continue
			}
			if result := stage.Show(t.Context(), m); result.Verdict != Killed || !strings.HasPrefix(result.By[0], m.Killer.Package+" Test") {
				t.Errorf("%s: %v", name, result)
			}
		}
	}
}

// aModule is a small module with one function, one embedded file and a test for each.
var aModule = map[string]string{
	"go.mod":    "module example.com/small\n\ngo 1.26\n",
	"small.go":  "package small\n\nimport _ \"embed\"\n\n//go:embed small.sql\nvar query string\n\nfunc Double(n int) int { return 2 * n }\n\nfunc Half(n int) int { return n / 2 }\n",
	"small.sql": "SELECT 1 WHERE true",
	"small_test.go": `package small

import "testing"

func TestDouble(t *testing.T) {
	t.Run("of three", func(t *testing.T) {
		if n := Double(3); n != 6 {
			t.Errorf("%d", n)
		}
	})
	t.Run("of nothing", func(t *testing.T) { Double(0) })
}

func TestQuery(t *testing.T) {
	if query != "SELECT 1 WHERE true" {
		t.Error(query)
	}
}

func TestHalf(t *testing.T) { Half(3) }

func TestBroken(t *testing.T) { t.Error("always") }

func TestSkipped(t *testing.T) { t.Skip("no server") }
`,
}

func smallModule(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range aModule {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestVerdicts(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	double := func(to string) []Change { return []Change{{"small.go", "return 2 * n", to}} }
	half := func(to string) []Change { return []Change{{"small.go", "return n / 2", to}} }
	stage := NewStage(smallModule(t))
	for name, test := range map[string]struct {
		mutant Mutant
		want   Result
		says   string
	}{
		"killed":             {Mutant{Changes: double("return 3 * n"), Killer: Test{".", "TestDouble"}}, Result{Verdict: Killed, By: []string{"TestDouble/of_three"}}, ""},
		"killed by a panic":  {Mutant{Changes: half("panic(n)"), Killer: Test{".", "TestHalf"}}, Result{Verdict: Killed, By: []string{"TestHalf"}}, ""},
		"killed by a crash":  {Mutant{Changes: half("done := make(chan int)\n\tgo func() { panic(n) }()\n\treturn <-done"), Killer: Test{".", "TestHalf"}}, Result{Verdict: Killed, By: []string{"TestHalf (crashes)"}}, ""},
		"killed in SQL":      {Mutant{Changes: []Change{{"small.sql", "true", "false"}}, Killer: Test{".", "TestQuery"}}, Result{Verdict: Killed, By: []string{"TestQuery"}}, ""},
		"survives":           {Mutant{Changes: double("return 3 * n"), Killer: Test{".", "TestDouble/of nothing"}}, Result{Verdict: Survived}, ""},
		"does not compile":   {Mutant{Changes: double("return missing"), Killer: Test{".", "TestDouble"}}, Result{Verdict: Faulty}, "does not compile"},
		"is no Go":           {Mutant{Changes: double("return ("), Killer: Test{".", "TestDouble"}}, Result{Verdict: Faulty}, "is not Go"},
		"is stale":           {Mutant{Changes: []Change{{"small.go", "Treble", ""}}, Killer: Test{".", "TestDouble"}}, Result{Verdict: Faulty}, "stale: its text occurs 0 times"},
		"is ambiguous":       {Mutant{Changes: []Change{{"small.go", "func", ""}}, Killer: Test{".", "TestDouble"}}, Result{Verdict: Faulty}, "stale: its text occurs 2 times"},
		"the test is broken": {Mutant{Changes: double("return 3 * n"), Killer: Test{".", "TestBroken"}}, Result{Verdict: Faulty}, "without the mutant TestBroken did not pass"},
		"the test is skipped": {Mutant{Changes: double("return 3 * n"), Killer: Test{".", "TestSkipped"}}, Result{Verdict: Faulty},
			"it was skipped"},
		"there is no test": {Mutant{Changes: double("return 3 * n"), Killer: Test{".", "TestDouble/of four"}}, Result{Verdict: Faulty}, "there is no such test"},
	} {
		t.Run(name, func(t *testing.T) {
			got := stage.Show(t.Context(), test.mutant)
			if got.Verdict != test.want.Verdict || strings.Join(got.By, " ") != strings.Join(test.want.By, " ") || !strings.Contains(got.String(), test.says) {
				t.Errorf("%+v: %v", got, got)
			}
		})
	}
}

// TestHanging: a test that runs out of time says nothing: the machine may be slow.
func TestHanging(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form of the tests has it")
	}
	stage := NewStage(smallModule(t))
	stage.patience = time.Second
	m := Mutant{Changes: []Change{{"small.go", "return n / 2", "select {}"}}, Killer: Test{".", "TestHalf"}}
	if got := stage.Show(t.Context(), m); got.Verdict != Faulty || !strings.Contains(got.String(), "ran out of time") {
		t.Errorf("%v", got)
	}
}

func TestTourWithoutMutants(t *testing.T) {
	var out strings.Builder
	if err := tour(context.Background(), []string{"no such name"}, &out); err == nil || !strings.Contains(out.String(), "0 of 0 killed") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// afterwards calls a function after every write.
type afterwards struct {
	strings.Builder
	then func()
}

func (a *afterwards) Write(p []byte) (int, error) {
	defer a.then()
	return a.Builder.Write(p)
}

// TestTourIsInterrupted: mutants that were not shown to the end get no verdict.
func TestTourIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &afterwards{then: cancel}
	err := tour(ctx, nil, out)
	if !errors.Is(err, context.Canceled) || strings.Count(out.String(), "\n") != 2 {
		t.Errorf("%v:\n%s", err, out.String())
	}
}
