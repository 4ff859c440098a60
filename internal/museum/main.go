// Command museum shows real bugs of other job systems, each rebuilt in our own code,
// and which of our tests catches it: the tests have teeth.
//
// An exhibit is data: what happened elsewhere and where it was reported, which text
// of which file is replaced by what, and the test that must fail then. The command
// makes the changed copy in a temporary folder and hands it to go test with -overlay:
// the code that is shipped holds no trace of a mutant, not even behind a build tag or
// a switch, and what is tested is that code but for the change. It works for Go files
// as for the SQL that is embedded.
//
// A mutant counts as killed only if its test passes without it and fails with it as a
// test does. One that does not compile, or whose text is no longer found, is a fault
// of the exhibit. The words of the command line choose mutants by a part of their
// name; without any it shows all, prints a table in Markdown, and ends with status 1
// if one survives.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
)

func main() {
	document := flag.Bool("document", false, "print the pages of docs and run nothing")
	flag.Parse()
	if *document {
		fmt.Print(Documents(rooms)["museum.md"], Documents(rooms)["museum-2.md"])
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := tour(ctx, flag.Args(), os.Stdout); err != nil {
		stop()
		fmt.Fprintln(os.Stderr, "museum:", err)
		os.Exit(1)
	}
}

// tour shows the chosen mutants one after the other: beside each other they would
// compete for the processor, and tests that watch the clock could fail for that.
func tour(ctx context.Context, words []string, out io.Writer) error {
	root, err := moduleRoot(ctx)
	if err != nil {
		return err
	}
	stage, shown, alive := NewStage(root), 0, 0
	fmt.Fprint(out, "| mutant | the bug | what was changed | caught by | seconds |\n|---|---|---|---|---|\n")
	for _, room := range rooms {
		for _, exhibit := range room.Exhibits {
			for _, mutant := range exhibit.Mutants {
				if !chosen(mutant.Name, words) {
					continue
				}
				result := stage.Show(ctx, mutant)
				if ctx.Err() != nil {
					return fmt.Errorf("interrupted after %d mutants: %w", shown, ctx.Err())
				}
				fmt.Fprintf(out, "| %s | %s | %s | %s | %.1f |\n", mutant.Name, exhibit.Title, mutant.What, result, result.Took.Seconds())
				shown++
				if result.Verdict != Killed {
					alive++
				}
			}
		}
	}
	fmt.Fprintf(out, "\n%d of %d killed\n", shown-alive, shown)
	switch {
	case shown == 0:
		return fmt.Errorf("no mutant has %q in its name", words)
	case alive > 0:
		return fmt.Errorf("%d of %d mutants are not killed", alive, shown)
	}
	return nil
}

func chosen(name string, words []string) bool {
	for _, word := range words {
		if strings.Contains(name, word) {
			return true
		}
	}
	return len(words) == 0
}

func moduleRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}
