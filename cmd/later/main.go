// Command later works with the jobs in a store, a SQLite file or a PostgreSQL
// database: it lists, shows, enqueues, steers and moves them, and starts the demo.
// Run "later help" for the commands; package latercli has them, and mounts them in
// your own program.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later/latercli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second ctrl-C ends the program at once
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
	program := latercli.Program{At: at, Commands: further()}
	return program.Run(ctx, args, to.in, to.out, to.err)
}

// further are the commands that work on no store that exists.
func further() []*cobra.Command {
	return []*cobra.Command{demoCommand(), initCommand(), devCommand(), manCommand()}
}
