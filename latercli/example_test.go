package latercli_test

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/latercli"
	"github.com/laterjobs/later/sqlite"
)

type greetArgs struct {
	Name string `json:"name" validate:"required"`
}

var greetJob = later.DefineResult[greetArgs, string]("GreetJob")

// The command line of a program's own queue: myapp jobs list, myapp jobs work and so on.
func ExampleCommand() {
	ctx := context.Background()
	store, err := sqlite.Open(":memory:")
	if err != nil {
		panic(err)
	}
	defer store.Close()
	queue := later.New(store, later.Config{})
	queue.Register(greetJob.Do(func(_ context.Context, args greetArgs) (string, error) { return "hello " + args.Name, nil }))
	os.Args = []string{"myapp", "jobs", "run", "GreetJob", "--args", `{"name": "Ada"}`}

	root := &cobra.Command{Use: "myapp"}
	root.AddCommand(latercli.Command(queue)) // myapp jobs list, myapp jobs work, …
	if err := root.ExecuteContext(ctx); err != nil {
		os.Exit(latercli.ExitCode(err)) // cobra has printed it
	}
	// Output: "hello Ada"
}
