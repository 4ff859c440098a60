package why

import (
	"os"
	"regexp"
	"testing"
)

// TestCodesAreDocumented: each code has its section, under its words, and no section is
// of a code that does not exist.
func TestCodesAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]string{}
	for _, heading := range regexp.MustCompile(`(?m)^### (L\d+) (.+)$`).FindAllSubmatch(text, -1) {
		documented[string(heading[1])] = string(heading[2])
	}
	for code, words := range Codes {
		if documented[code] != words {
			t.Errorf("%s %s: documented as %q", code, words, documented[code])
		}
	}
	for code := range documented {
		if Codes[code] == "" {
			t.Errorf("%s is documented, and does not exist", code)
		}
	}
}
