package main

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/laterjobs/later"
)

// TestManyJobs: of more jobs than a search looks at a list says how far it has looked, and
// how to go on; a count, and what a change would be about, is of all of them.
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
	follow(t, []step{
		{words("count"), 0, "105000\n"},
		{words("count --by queue,status"), 0, "QUEUE  STATUS   JOBS\nq0     pending  52500\nq1     pending  52500\n"},
		{words("count --where args.n:>=104999 --by type -o json"), 0, `"count": 2,`},
		{words("count --by target,user -o csv"), 0, "105000,,\n"},
		{words("cancel --where queue:q1 --dry-run"), 0, "would cancel 52500 jobs: 52500 pending\n  105000  GreetJob  q1  pending"},
		{words("cancel --where queue:q1 --dry-run"), 0, "  and 52497 more\n"},
	})
	line := []string{"list", "-q", "--where", "args.n:5"}
	goOn := ""
	for range 200 { // a slow machine looks at less at once
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
