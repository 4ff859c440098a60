package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// A Room is the exhibits of one kind.
type Room struct {
	Title    string
	Exhibits []Exhibit
}

// An Exhibit is one bug that users of other job systems have met.
type Exhibit struct {
	Title   string
	Bug     string   // what happened there
	Sources []string // owner/repository#number, or owner/repository: and a name
	Breaks  []string // the invariants
	Mutants []Mutant // the same bug in our code, once or in several places
}

// A Mutant is a bug rebuilt in our code.
type Mutant struct {
	Name    string // for the command line
	What    string // was changed
	Changes []Change
	Killer  Test
	Hole    bool // no test noticed it when it was first rebuilt
}

// A Change replaces a text that occurs exactly once in a file.
type Change struct {
	File     string // within the module, with slashes
	Old, New string
}

// A Test is one test or subtest.
type Test struct {
	Package string // within the module, "." for the root
	Name    string // as it was given to Run, levels separated by slashes
}

func (t Test) String() string { return strings.TrimPrefix(t.Package+" "+t.Name, ". ") }

// Overlay applies the changes of a mutant to the module in root, and returns the
// changed files by their path.
func (m Mutant) Overlay(root string) (map[string]string, error) {
	changed := map[string]string{}
	for _, change := range m.Changes {
		path := filepath.Join(root, filepath.FromSlash(change.File))
		text, again := changed[path]
		if !again {
			original, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			text = string(original)
		}
		if n := strings.Count(text, change.Old); n != 1 {
			return nil, fmt.Errorf("the exhibit is stale: its text occurs %d times in %s:\n%s", n, change.File, change.Old)
		}
		changed[path] = strings.Replace(text, change.Old, change.New, 1)
	}
	return changed, checkSyntax(changed)
}

func checkSyntax(files map[string]string) error {
	for path, text := range files {
		if filepath.Ext(path) != ".go" {
			continue
		}
		if _, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution); err != nil {
			return fmt.Errorf("the mutant is not Go: %w", err)
		}
	}
	return nil
}
