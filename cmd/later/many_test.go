package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

// TestManyJobs: a list of more jobs than a search looks at says how far it has looked, and
// how to go on.
func TestManyJobs(t *testing.T) {
	db := newFile(t)
	t.Setenv("LATER_DB", db)
	const jobs, batch = 105_000, 5000
	store, err := address{db: db}.Create(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{Logger: slog.New(slog.DiscardHandler)})
	for n := 0; n < jobs; n += batch {
		calls := make([]later.Call, batch)
		for i := range calls {
			calls[i] = greet.With(args{N: n + i + 1}, later.Queue(fmt.Sprintf("q%d", i%2)))
		}
		if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
			t.Fatal(err)
		}
	}
	line := []string{"list", "-q", "--where", "args.n:5"}
	goOn := ""
	for range 20 { // a slow machine looks at less at once
		code, out, problems := laterCmd(t, line...)
		if code != 0 {
			t.Fatal(code, problems)
		}
		if out != "" {
			if goOn == "" || out != "5\n" {
				t.Errorf("found %q, after --before %s", out, goOn)
			}
			return
		}
		_, after, more := strings.Cut(problems, "there are more: go on with the same and --before ")
		if !more {
			t.Fatalf("found nothing, and says %q", problems)
		}
		goOn = strings.TrimSpace(after)
		line = []string{"list", "-q", "--where", "args.n:5", "--before", goOn}
	}
	t.Error("never found it")
}
