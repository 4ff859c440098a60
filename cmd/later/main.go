// Command later works with the jobs in a store, a SQLite file or a PostgreSQL
// database: it lists, shows, enqueues, steers and moves them, and starts the demo.
// Run "later help" for the commands.
//
// Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 5 conflict,
// 6 store unreachable.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// streams are where a command reads and writes.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// run executes one command line and returns its exit code.
func run(ctx context.Context, args []string, to streams) int {
	a := &app{streams: to}
	root := a.command()
	root.SetArgs(args)
	return a.exitCode(root.ExecuteContext(ctx))
}

// app is what all commands share.
type app struct {
	streams
	db      string // a file or a URL, which may hold a password
	schema  string
	output  string
	started bool // the command line was understood
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:           "later",
		Short:         "Background jobs: look at them, enqueue them, steer them",
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("db") { // not as its default: help would show the password
				a.db = os.Getenv("LATER_DB")
			}
			if a.output != "text" && a.output != "json" {
				return usagef("--output %q: choose text or json", a.output)
			}
			a.started = true
			return nil
		},
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.PersistentFlags().StringVar(&a.db, "db", "", "the store: a file, or a postgres:// URL (or the environment variable LATER_DB)")
	root.PersistentFlags().StringVar(&a.schema, "schema", "", "schema of the tables in a PostgreSQL database (later)")
	root.PersistentFlags().StringVarP(&a.output, "output", "o", "text", "text for people, json for programs")
	root.AddCommand(
		a.demoCommand(), a.enqueueCommand(), a.listCommand(), a.showCommand(),
		a.cancelCommand(), a.retryCommand(), a.deleteCommand(),
		a.pauseCommand(), a.resumeCommand(),
		a.statsCommand(), a.webCommand(), a.migrateCommand(), a.moveCommand(), a.versionCommand(),
	)
	return root
}
