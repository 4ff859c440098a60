package docs

import (
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestPages: every page is HTML that the security policy of the dashboard shows as it is,
// and its links lead to pages, to their headings, or out.
func TestPages(t *testing.T) {
	link := regexp.MustCompile(`<a href="([^"]*)"`)
	for _, name := range Names() {
		title, body, err := Page(name)
		if err != nil || title == "" {
			t.Fatalf("%s: %q, %v", name, title, err)
		}
		for _, forbidden := range []string{"<script", " style=", "<img", "<style", "](", "\n| "} {
			if strings.Contains(withoutCode(string(body)), forbidden) {
				t.Errorf("%s has %q", name, forbidden)
			}
		}
		for _, found := range link.FindAllStringSubmatch(string(body), -1) {
			if strings.HasPrefix(found[1], "https://") {
				continue
			}
			target, heading, _ := strings.Cut(found[1], "#")
			if target == "" {
				target = name
			}
			if !slices.Contains(Names(), target) {
				t.Errorf("%s links to %s", name, found[1])
				continue
			}
			_, there, err := Page(target)
			if err != nil || heading != "" && !strings.Contains(string(there), ` id="`+heading+`"`) {
				t.Errorf("%s links to %s: no such heading, %v", name, found[1], err)
			}
		}
	}
}

func TestFinding(t *testing.T) {
	if got := Finding("L104"); !strings.HasPrefix(got, "L104 No process serves the queue\n\nJobs were enqueued") || strings.Contains(got, "L105") {
		t.Errorf("%q", got)
	}
	if got := Finding("L1"); got != "" {
		t.Errorf("%q", got)
	}
}

func withoutCode(page string) string {
	return regexp.MustCompile(`(?s)<code.*?</code>`).ReplaceAllString(page, "")
}

func TestPageThatIsNotThere(t *testing.T) {
	for _, name := range []string{"nothing.md", "../README.md", "/etc/passwd"} {
		if _, _, err := Page(name); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	first, _, err := Page("")
	if err != nil || first != "Documentation" {
		t.Errorf("%q, %v", first, err)
	}
}
