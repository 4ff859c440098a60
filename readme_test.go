package later_test

import (
	"bufio"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

// blocks returns the fenced blocks of the README in a language.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(readme, -1) {
		found = append(found, string(match[1]))
	}
	return found
}

// TestReadmeProgramRuns builds the first program of the README, runs it and
// compares what it prints.
func TestReadmeProgramRuns(t *testing.T) {
	program, output := blocks(t, "go")[0], blocks(t, "text")[0]
	lines := 0
	for line := range strings.Lines(program) {
		if strings.TrimSpace(line) != "" {
			lines++
		}
	}
	if lines > 25 {
		t.Errorf("the program has %d lines", lines)
	}
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), binary) // killed when the test ends
	cmd.Dir = dir
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	printed, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || printed != output {
		t.Errorf("printed %q, %v; the README says %q", printed, err, output)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = cmd.Wait() // it was killed
	queue := queueOn(t, open(t, filepath.Join(dir, "jobs.db")), later.Config{})
	if job := get(t, queue, 1); job.Type != "GreetJob" {
		t.Errorf("stored: %+v", job)
	}
}

// TestReadmeSnippetsAreTested: every other Go block is part of a file that the tests
// compile and run.
func TestReadmeSnippetsAreTested(t *testing.T) {
	var sources []string
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") {
			return err
		}
		source, err := os.ReadFile(path)
		sources = append(sources, string(source))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(sources, "\n")
	for _, block := range blocks(t, "go")[1:] {
		if !strings.Contains(all, block) {
			t.Errorf("no file has this block of the README:\n%s", block)
		}
	}
}

// TestReadmeCommandsExist: the commands that the README names are the ones that CI runs.
func TestReadmeCommandsExist(t *testing.T) {
	run, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(run), "make test\n") || !strings.Contains(string(readme), "`make test`") {
		t.Error("CI does not run the command of the README")
	}
	if !strings.Contains(string(readme), "go run ./cmd/later demo\n") {
		t.Error("the README does not name the demo")
	}
}
