package later_test

import (
	"context"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/sqlite"
)

// TestDocumentsAreShort: nobody reads a page of more than 2,000 words.
func TestDocumentsAreShort(t *testing.T) {
	for _, document := range append(documents(t), "README.md") {
		if words := len(strings.Fields(read(t, document))); words > 2000 {
			t.Errorf("%s has %d words: split it", document, words)
		}
	}
}

// TestLinksLead: what a page links to in this repository is there, heading included.
func TestLinksLead(t *testing.T) {
	for _, document := range append(documents(t), "README.md", "CONTRIBUTING.md", "bench/README.md") {
		for _, link := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(prose(read(t, document)), -1) {
			target, err := url.Parse(link[1])
			if err != nil {
				t.Errorf("%s: %v", document, err)
			}
			if target.Scheme != "" {
				continue
			}
			file := document
			if target.Path != "" {
				file = filepath.Join(filepath.Dir(document), target.Path)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s: %v", document, link[1], err)
			} else if target.Fragment != "" && !slices.Contains(anchors(t, file), target.Fragment) {
				t.Errorf("%s links to %s, which has no such heading", document, link[1])
			}
		}
	}
}

// prose is a document without its blocks of code.
func prose(text string) string {
	return regexp.MustCompile("(?s)```.*?```").ReplaceAllString(text, "")
}

// anchors are the names of a document's headings, as GitHub makes them.
func anchors(t *testing.T, document string) (names []string) {
	t.Helper()
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(prose(read(t, document)), -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N}_ -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestDocumentsAreListed: docs/README.md knows every page.
func TestDocumentsAreListed(t *testing.T) {
	list := read(t, "docs/README.md")
	for _, document := range documents(t) {
		if name := filepath.Base(document); name != "README.md" && !strings.Contains(list, "]("+name) {
			t.Errorf("docs/README.md does not link to %s", name)
		}
	}
}

// TestFirstProgramOutside follows docs/quick-reference.md in a module of its own: the
// program and its test are taken from the page, compiled against this checkout, and run.
func TestFirstProgramOutside(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a module")
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir, page := t.TempDir(), blocks(t, "docs/quick-reference.md", "go")
	for name, text := range map[string]string{"main.go": page[0], "main_test.go": page[1], "go.sum": read(t, "go.sum")} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{"mod", "init", "hello"},
		{"mod", "edit", "-go=1.26.0", "-require", "github.com/laterjobs/later@v0.0.0", "-replace", "github.com/laterjobs/later=" + here},
		{"test", "-mod=mod", "."},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestBackoffTable: the waits of docs/quick-reference.md are those of the engine.
func TestBackoffTable(t *testing.T) {
	backoffs := map[string]engine.Backoff{
		"`Exponential(10*time.Second, 2*time.Hour)`": engine.Exponential(10*time.Second, 2*time.Hour),
		"`Exponential(time.Second, time.Hour)`":      engine.Exponential(time.Second, time.Hour),
		"`Linear(time.Minute, 5*time.Minute)`":       engine.Linear(time.Minute, 5*time.Minute),
		"`Fixed(30*time.Second)`":                    engine.Fixed(30 * time.Second),
	}
	table := rows(t, "docs/quick-reference.md", "| | 1st |")
	for _, row := range table[1:] {
		backoff, known := backoffs[row[0]]
		if !known {
			t.Fatalf("what is %s?", row[0])
		}
		for i, text := range row[1:] {
			retry, err := strconv.Atoi(regexp.MustCompile(`\d+`).FindString(table[0][i+1]))
			if err != nil {
				t.Fatal(err)
			}
			least, most := backoff(retry, nil, 0), backoff(retry, nil, 1)
			want, err := time.ParseDuration(text)
			if err != nil || least.Round(time.Second) > want || most.Round(time.Second) < want ||
				((least+most)/2-want).Abs() > want/50 {
				t.Errorf("%s, retry %d: %v … %v; the table says %s, %v", row[0], retry, least, most, text, err)
			}
		}
	}
	if len(table) != len(backoffs)+1 {
		t.Errorf("%d rows", len(table))
	}
}

// TestDocumentedColumns: the page names the columns that the view has, and no others.
func TestDocumentedColumns(t *testing.T) {
	s, err := sqlite.Open(":memory:")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	found, err := s.DB().QueryContext(context.Background(), "SELECT * FROM jobs")
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	named := codes(rows(t, "docs/quick-reference.md", "| column |")[1:])
	slices.Sort(columns)
	slices.Sort(named)
	if !slices.Equal(columns, named) {
		t.Errorf("the page names %v; the view has %v", named, columns)
	}
}

// TestDocumentedConfig: the page names every field of Config.
func TestDocumentedConfig(t *testing.T) {
	named := codes(rows(t, "docs/quick-reference.md", "| field |")[1:])
	var fields []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[later.Config]()) {
		fields = append(fields, field.Name)
	}
	slices.Sort(fields)
	slices.Sort(named)
	if !slices.Equal(fields, named) {
		t.Errorf("the page names %v; Config has %v", named, fields)
	}
}

// codes are the words in code in the first cells of rows.
func codes(rows [][]string) (names []string) {
	for _, row := range rows {
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[0], -1) {
			names = append(names, name[1])
		}
	}
	return names
}

// rows are the cells of the table that begins with a text, the line under its head left out.
func rows(t *testing.T, document, begin string) (table [][]string) {
	t.Helper()
	_, rest, found := strings.Cut(read(t, document), "\n"+begin)
	if !found {
		t.Fatalf("%s has no table %q", document, begin)
	}
	for line := range strings.Lines(begin + rest) {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		table = append(table, cells)
	}
	return slices.Delete(table, 1, 2)
}

func read(t *testing.T, document string) string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestDocumentedOptions: the page names every option, in the row of what it fits.
func TestDocumentedOptions(t *testing.T) {
	rowOf := map[string]string{
		"Option": "of a definition and of a call", "LimitOption": "of a definition and of a call",
		"DefineOption": "of a definition", "BackoffOption": "of a definition", "CallOption": "of a call",
		"UniqueOption": "of a unique key", "ScheduleOption": "of a schedule",
	}
	named := map[string][]string{}
	for _, row := range rows(t, "docs/quick-reference.md", "| options | |")[1:] {
		named[row[0]] = codes([][]string{{row[1]}})
	}
	makes := regexp.MustCompile(`(?m)^func ([A-Z]\w*)(?:\[.*?\])?\(.*\) (\w*Option) \{`)
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found [][]string
	for _, source := range sources {
		found = append(found, makes.FindAllStringSubmatch(read(t, source), -1)...)
	}
	for _, option := range found {
		if row, known := rowOf[option[2]]; known && !slices.Contains(named[row], option[1]) {
			t.Errorf("the options %s lack %s", row, option[1])
		}
	}
	if len(found) < 30 {
		t.Errorf("only %d options found", len(found))
	}
}
