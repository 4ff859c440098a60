package later_test

import (
	"context"
	"fmt"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

// A job says more of itself as it finds out: people see it in lists, and filters find it.
func ExampleRunningJob_SetMetadata() {
	type ImportArgs struct {
		File string `json:"file"`
	}
	importFile := later.Define[ImportArgs]("ImportJob")

	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(importFile.Do(func(ctx context.Context, args ImportArgs) error {
		job := later.Running(ctx)
		if err := job.AddTags("csv"); err != nil {
			return err
		}
		return job.SetMetadata("rows", 1200)
	}))
	ctx := context.Background()
	if err := queue.Start(ctx); err != nil {
		panic(err)
	}
	defer queue.Stop(ctx)

	job, err := importFile.PerformLater(ctx, queue, ImportArgs{File: "orders.csv"})
	if err != nil {
		panic(err)
	}
	job, err = queue.Wait(ctx, job.ID)
	fmt.Println(job.Status, string(job.Metadata), job.Tags, err)
	// Output: completed {"rows":1200} [csv] <nil>
}
