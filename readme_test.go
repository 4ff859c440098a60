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

// blocks returns the fenced blocks of a document in a language.
func blocks(t *testing.T, document, language string) []string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, match := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(text, -1) {
		found = append(found, string(match[1]))
	}
	return found
}

// TestReadmeProgramRuns builds the first program of the README, runs it and
// compares what it prints.
func TestReadmeProgramRuns(t *testing.T) {
	program, output := blocks(t, "README.md", "go")[0], blocks(t, "README.md", "text")[0]
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
	cmd := exec.CommandContext(t.Context(), build(t, program)) // killed when the test ends
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

// TestReadmeProgramBuildsForPostgres: the change that the README shows is all.
func TestReadmeProgramBuildsForPostgres(t *testing.T) {
	program := blocks(t, "README.md", "go")[0]
	for line := range strings.Lines(blocks(t, "README.md", "diff")[0]) {
		switch sign, text := line[0], line[1:]; {
		case sign == '-' && strings.Count(program, text) == 1:
			program = strings.Replace(program, text, "\x00", 1)
		case sign == '+' && strings.Contains(program, "\x00"):
			program = strings.Replace(program, "\x00", text, 1)
		default:
			t.Fatalf("the program has no place for the line %q", line)
		}
	}
	build(t, program)
}

func build(t *testing.T, program string) (binary string) {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program")
	if err := os.WriteFile(source, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// TestSnippetsAreTested: every other Go block of the README, and every one in docs, is
// part of a file that the tests compile and run.
func TestSnippetsAreTested(t *testing.T) {
	all := allSources(t)
	for _, document := range append(documents(t), "README.md") {
		snippets := blocks(t, document, "go")
		if document == "README.md" {
			snippets = snippets[1:]
		}
		for _, block := range snippets {
			once := indented(block) // in a function, or in one within it
			if !strings.Contains(all, block) && !strings.Contains(all, once) && !strings.Contains(all, indented(once)) {
				t.Errorf("no file has this block of %s:\n%s", document, block)
			}
		}
	}
}

// indented is a block as it stands within a function.
func indented(block string) string {
	var b strings.Builder
	for line := range strings.Lines(block) {
		if line != "\n" {
			b.WriteByte('\t')
		}
		b.WriteString(line)
	}
	return b.String()
}

// TestNamedTestsExist: a promise is not proved by a test that nobody has written.
func TestNamedTestsExist(t *testing.T) {
	all := allSources(t)
	for _, document := range documents(t) {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile(`\b(?:Test|Fuzz)[A-Z]\w*`).FindAllString(string(text), -1) {
			if !strings.Contains(all, "\nfunc "+name+"(") {
				t.Errorf("%s names %s, which does not exist", document, name)
			}
		}
	}
}

// allSources is the text of all Go files of the module.
func allSources(t *testing.T) string {
	t.Helper()
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
	return strings.Join(sources, "\n")
}

func documents(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	return found
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
