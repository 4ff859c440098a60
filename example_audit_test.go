package later_test

import (
	"context"
	"fmt"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// Who does something by hand is noted with it.
func ExampleBy() {
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})

	ctx := later.By(context.Background(), "ana", later.FromAPI)
	if err := queue.Pause(ctx, "mailers", "the mail server is down"); err != nil {
		panic(err)
	}

	entries, err := queue.Audit(ctx, later.AuditFilter{Kind: "queue", Target: "mailers"})
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		fmt.Printf("%s (%s): %s %s %s: %s\n", e.Person, e.Source, e.Action, e.Kind, e.Target, e.Reason)
	}
	// Output:
	// ana (api): pause queue mailers: the mail server is down
}
