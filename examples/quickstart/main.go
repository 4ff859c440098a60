// Command quickstart defines a job, stores it in jobs.db, performs it and waits
// for its end.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/sqlite"
)

type greetArgs struct {
	Name string `json:"name" validate:"required"`
}

var greet = later.Define[greetArgs]("GreetJob", later.Description("Greets somebody"))

func main() {
	path := "jobs.db"
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := run(context.Background(), path); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, path string) error {
	store, err := sqlite.Open(path)
	if err != nil {
		return err
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(greet.Do(func(_ context.Context, args greetArgs) error {
		fmt.Printf("Hello, %s!\n", args.Name)
		return nil
	}))
	if err := queue.Start(ctx); err != nil {
		return err
	}
	defer queue.Stop(ctx)

	job, err := greet.PerformLater(ctx, queue, greetArgs{Name: "Ada"})
	if err != nil {
		return err
	}
	job, err = queue.Wait(ctx, job.ID)
	fmt.Printf("job %d is %s\n", job.ID, job.Status)
	return err
}
