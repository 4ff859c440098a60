package main

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestInit: what it writes builds, passes its test, runs and stops.
func TestInit(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "My Shop")
	code, out, problems := laterCmd(t, "init", dir, "--replace", "../..")
	if code != 0 || !strings.Contains(out, "wrote go.mod, .gitignore, main.go, main_test.go\n") || !strings.Contains(out, "go mod tidy") {
		t.Fatalf("exit %d\n%s%s", code, out, problems)
	}
	requireHere(t, dir)
	program := filepath.Join(dir, "program")
	for _, line := range [][]string{{"test", "-ldflags=-s -w", "./..."}, {"build", "-ldflags=-s -w", "-o", program, "."}} {
		cmd := exec.Command("go", line...)
		cmd.Dir = dir
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", line, err, said)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || !strings.HasPrefix(string(text), "module My-Shop\n") {
		t.Errorf("%s, %v", text, err)
	}
	cmd := exec.Command(program, "-listen", "127.0.0.1:0")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LATER_DB=", "LATER_DEV=1")
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill() // it has ended, if all is well
	lines := bufio.NewScanner(log)
	var all strings.Builder
	for lines.Scan() {
		all.WriteString(lines.Text() + "\n")
		if _, address, found := strings.Cut(lines.Text(), "look at the jobs at "); found {
			if page := fetch(t, address); !strings.Contains(page, "<title>") {
				t.Errorf("the dashboard: %s", page)
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err != nil || !strings.Contains(all.String(), "look at the jobs") {
		t.Errorf("the program ended with %v:\n%s", err, all.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "jobs.db")); err != nil {
		t.Error(err)
	}
}

// TestInitOverwritesNothing: neither a program nor a module that is there.
func TestInitOverwritesNothing(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "main_test.go", "package mine\n")
	if code, _, problems := laterCmd(t, "init", dir); code != 5 || !strings.Contains(problems, "main_test.go is already there") {
		t.Errorf("exit %d: %s", code, problems)
	}
	if files, err := os.ReadDir(dir); len(files) != 1 || err != nil {
		t.Errorf("%v, %v", files, err)
	}
	if err := os.Remove(filepath.Join(dir, "main_test.go")); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "go.mod", "module mine\n")
	code, out, problems := laterCmd(t, "init", dir)
	if code != 0 || !strings.Contains(out, "wrote .gitignore, main.go, main_test.go\n") || !strings.Contains(out, "go get -tool") {
		t.Errorf("exit %d: %s%s", code, out, problems)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "go.mod")); string(text) != "module mine\n" || err != nil {
		t.Errorf("%s, %v", text, err)
	}
	if code, _, problems := laterCmd(t, "init", t.TempDir(), "--replace", dir); code != 2 || !strings.Contains(problems, "no checkout") {
		t.Errorf("exit %d: %s", code, problems)
	}
}
