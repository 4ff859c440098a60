package main

import (
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later"
)

// TestOperationCommands: what is about more than a hundred jobs is an operation, which
// can be looked at and undone.
func TestOperationCommands(t *testing.T) {
	onEach(t, func(t *testing.T, fresh func(testing.TB) string) {
		db := stocked(t, fresh(t))
		t.Setenv("LATER_DB", db)
		queue := later.New(open(t, address{db: db}), later.Config{})
		calls := make([]later.Call, 101)
		for i := range calls {
			calls[i] = greet.With(args{N: i + 1}, later.Queue("many"), later.In(time.Hour))
		}
		if _, err := queue.EnqueueAll(t.Context(), calls...); err != nil {
			t.Fatal(err)
		}
		code, out, said := laterCmd(t, words("cancel -w queue:many,nobody --reason enough -y")...)
		if code != 0 || out != "101 jobs cancelled\n" || !strings.Contains(said, "operation 1 has begun") || !strings.Contains(said, "op undo 1") {
			t.Errorf("exit %d\n%s%s", code, out, said)
		}
		follow(t, []step{
			{words("count -w status:cancelled"), 0, "101\n"},
			{words("op list"), 0, "1   done   cancel queue:many,nobody  101"},
			{words("op show 1"), 0, "enough"},
			{words("op show 1 -o json"), 0, `"changed": 101`},
			{words("op wait 1"), 0, "101 jobs changed"},
			{words("op cancel 1"), 5, "operation 1 is done"},
			{words("retry 7"), 0, "1 job pending"},
			{words("op undo 1"), 0, "100 jobs restored\n"},
			{words("op show 1"), 0, "1 job: has changed since"},
			{words("op undo 1"), 5, "operation 1 is undone"},
			{words("op list --working -q"), 0, ""},
			{words("op show 77"), 3, "operation 77"},
			{words("op show x"), 2, `"x" is no id`},
			{words("audit --kind operation"), 0, "undo operation 1"},
			{words("delete -w queue:many -y -o json"), 0, `"action": "delete"`},
			{words("op list --limit 0"), 2, "--limit 0"},
		})
	})
}
