package main

import (
	"fmt"
	"regexp"
	"strings"
)

const introduction = `# The bug museum

Other job systems have run in production for years, and their users have written down, in public, what went wrong. This is what we learn from them: each exhibit
is such a bug, rebuilt in the code of later by a small change, and the test that catches it. Most of these bugs were mended long ago, and they could be found because
their projects speak openly about them. That one of them is listed here says nothing against it.

A mutant counts as killed only if its test passes on our code and fails on the changed code. One that does not compile, or whose test runs out of time, is no kill.
The shipped code holds no trace of the mutants: they are handed to the compiler as an overlay when the museum runs.

` + "```sh\nmake museum                                        # all of them: takes several minutes, needs a PostgreSQL to start\ngo run ./internal/museum outcome-without-token     # those with this in their name\n```" + `

In brackets after each bug: the [invariants](#invariants) that it breaks.

Each subtest of ` + "`TestStoreInFile` and `TestStore`" + ` is one check of ` + "`storetest`" + `, which every store has to pass: the same check guards the store that has no mutant of its own.

`

const continued = `# The bug museum: second part

Bugs of other job systems, rebuilt in ours, and the test that catches each. What this is, and the invariants by their numbers, is told in [museum.md](museum.md).
`

// onFirstPage is how many rooms the first page has: with all of them it would be too
// long to read.
const onFirstPage = 2

// Documents are the pages in docs, by name.
func Documents(rooms []Room) map[string]string {
	var first, second strings.Builder
	first.WriteString(introduction)
	exhibits, mutants, holes := count(rooms)
	fmt.Fprintf(&first, "%d exhibits, %d mutants. %d of them, marked †, lived when they were first rebuilt: no test of ours noticed. Each has led to a test.\n",
		exhibits, mutants, holes)
	write(&first, rooms[:onFirstPage])
	first.WriteString("\nThe other rooms are on the [second page](museum-2.md).\n" +
		"\n## Invariants\n\nWhat must hold whatever happens, by the numbers of [guarantees.md](guarantees.md); here are those that an exhibit breaks.\n\n")
	for _, invariant := range invariants {
		fmt.Fprintf(&first, "* %s: %s\n", invariant.Number, invariant.Says)
	}

	second.WriteString(continued)
	write(&second, rooms[onFirstPage:])
	second.WriteString("\n## Waiting rooms\n\nBugs that will be rebuilt as soon as later has what they break.\n")
	for _, room := range waitingRooms {
		fmt.Fprintf(&second, "\n* **%s**\n", room.Feature)
		for _, bug := range room.Bugs {
			what, sources, _ := strings.Cut(bug, ": ")
			fmt.Fprintf(&second, "  * %s: %s\n", what, links(strings.Split(sources, ", ")))
		}
	}
	return map[string]string{"museum.md": first.String(), "museum-2.md": second.String()}
}

func write(b *strings.Builder, rooms []Room) {
	for _, room := range rooms {
		fmt.Fprintf(b, "\n## %s\n\n| What happened elsewhere | What is broken in ours, and what catches it |\n|---|---|\n", room.Title)
		for _, exhibit := range room.Exhibits {
			fmt.Fprintf(b, "| **%s.** %s (%s)<br>%s | %s |\n", exhibit.Title, exhibit.Bug, strings.Join(exhibit.Breaks, ", "), links(exhibit.Sources), strings.Join(rebuilt(exhibit.Mutants), "<br>"))
		}
	}
}

func count(rooms []Room) (exhibits, mutants, holes int) {
	for _, room := range rooms {
		exhibits += len(room.Exhibits)
		for _, exhibit := range room.Exhibits {
			mutants += len(exhibit.Mutants)
			for _, m := range exhibit.Mutants {
				if m.Hole {
					holes++
				}
			}
		}
	}
	return exhibits, mutants, holes
}

// rebuilt describes mutants.
func rebuilt(mutants []Mutant) (lines []string) {
	for _, m := range mutants {
		mark := ""
		if m.Hole {
			mark = " †"
		}
		lines = append(lines, fmt.Sprintf("`%s`%s: %s → `%s`", m.Name, mark, m.What, m.Killer))
	}
	return lines
}

var issue = regexp.MustCompile(`^([\w.-]+/[\w.-]+)#(\d+)$`)

// links makes links of issues; other sources stay text.
func links(sources []string) string {
	linked := make([]string, len(sources))
	for i, source := range sources {
		linked[i] = issue.ReplaceAllString(source, "[$0](https://github.com/$1/issues/$2)")
	}
	return strings.Join(linked, ", ")
}
