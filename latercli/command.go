package latercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// Command is the command line of a JobQueue, to be mounted in your own program. Its name
// is "jobs"; set Use to give it another. Its errors are to be printed by whoever executes
// it, as cobra does, and ExitCode says with which code to exit.
func Command(queue *later.JobQueue) *cobra.Command {
	a := &app{queue: queue}
	return a.command("jobs")
}

// Program is the command line that is told by --db which store to open.
type Program struct {
	// At reads the address of a store, for an option of the name flag. It refuses with
	// ErrUsage what is none.
	At func(db, schema, flag string) (Address, error)
	// Commands are further ones. They can look at the options --db, --schema and --output.
	Commands []*cobra.Command
}

// Run executes one command line, prints its error and returns its exit code.
func (p Program) Run(ctx context.Context, args []string, in io.Reader, out, problems io.Writer) int {
	a := &app{program: &p}
	root := a.command("later")
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(problems)
	root.SilenceErrors = true
	err := root.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintf(problems, "later: %s\n", printable(err.Error()))
	}
	return ExitCode(err)
}

// app is what all commands share.
type app struct {
	queue   *later.JobQueue // that the command is mounted on
	program *Program        // or that opens the store

	in       io.Reader
	out, err io.Writer

	db     string // a file or a URL, which may hold a password
	schema string
	output string
}

func (a *app) command(name string) *cobra.Command {
	root := group(name, "Background jobs: look at them, enqueue them, steer them")
	flags := root.PersistentFlags()
	flags.StringVarP(&a.output, "output", "o", "text", "text for people, json for programs")
	if a.program != nil {
		flags.StringVar(&a.db, "db", "", "the store: a file, or a postgres:// URL (or the environment variable LATER_DB)")
		flags.StringVar(&a.schema, "schema", "", "schema of the tables in a PostgreSQL database (later)")
		root.AddCommand(a.program.Commands...)
	}
	a.addCommands(root)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%w", err) })
	a.prepare(root)
	return root
}

// group is a command that is only there for those below it.
func group(use, short string, below ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use:   use,
		Short: short,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return usagef("unknown command %q for %q%s", args[0], cmd.CommandPath(), meant(cmd.SuggestionsFor(args[0])))
		},
		RunE:                       func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(below...)
	return cmd
}

func meant(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": did you mean " + strings.Join(names, " or ") + "?"
}

// prepare makes a command and those below it begin and end as all do. Persistent hooks
// would take the place of those of a program that mounts the command.
func (a *app) prepare(cmd *cobra.Command) {
	cmd.SilenceUsage = true
	if accept := cmd.Args; accept != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := accept(cmd, args)
			if err != nil && !errors.Is(err, ErrUsage) {
				err = usagef("%w", err)
			}
			return err
		}
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			err := a.begin(cmd)
			if err == nil {
				err = run(cmd, args)
			}
			if err != nil {
				return failure{err}
			}
			return nil
		}
	}
	for _, below := range cmd.Commands() {
		a.prepare(below)
	}
}

// begin looks at what all commands are told.
func (a *app) begin(cmd *cobra.Command) error {
	a.in, a.out, a.err = cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr()
	if a.output != "text" && a.output != "json" {
		return usagef("--output %q: choose text or json", a.output)
	}
	return nil
}
