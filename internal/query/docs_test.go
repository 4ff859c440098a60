package query

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestDocumentedQueries: what docs/query.md shows can be read, and every field is shown.
func TestDocumentedQueries(t *testing.T) {
	page, err := os.ReadFile("../../docs/query.md")
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for line := range strings.Lines(string(page)) {
		if strings.HasPrefix(line, "| `") {
			first, _, _ := strings.Cut(line[2:], " | ")
			for _, quoted := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(first, -1) {
				shown = append(shown, quoted[1])
			}
		}
	}
	for _, text := range shown {
		if _, err := Parse(text, now); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, field := range Fields {
		name, _, _ := strings.Cut(field, "NAME")
		if !strings.Contains(strings.Join(shown, " "), strings.TrimSuffix(name, ".")) {
			t.Errorf("no example shows %s", field)
		}
	}
	if len(shown) < 30 {
		t.Errorf("only %d examples", len(shown))
	}
}
