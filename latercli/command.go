package latercli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/nearest"
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
	// Commands are further ones, to start something. They can look at the options --db, --schema and --output.
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
		fmt.Fprintf(fit(problems), "later: %s\n", errorText(err))
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

	path     string // how the command line is called: "later", or "app jobs"
	output   string // one of outputs, or a template
	template *template.Template
	quiet    bool           // only ids
	color    string         // auto, always or never
	coloured bool           // what that means here
	noInput  bool           // ask nothing
	timeZone string         // as given
	zone     *time.Location // of times that are read and shown
	timeout  spanValue      // of the whole command; 0: none

	fullScreen bool // nothing but the command may write to the terminal
}

func (a *app) command(name string) *cobra.Command {
	root := group(name, "Background jobs: look at them, enqueue them, steer them")
	root.Annotations = map[string]string{mountedHere: "here"}
	flags := root.PersistentFlags()
	flags.StringVarP(&a.output, "output", "o", "text", "text for people; json, jsonl (a line each), csv or template={{.id}} for programs")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "print ids or names alone")
	flags.StringVar(&a.color, "color", "auto", "colours: auto, always or never")
	flags.BoolVar(&a.noInput, "no-input", false, "ask nothing: fail where a person would have to decide")
	flags.StringVar(&a.timeZone, "tz", "", "time zone of the times that are given and shown, such as Europe/Berlin (the local one)")
	flags.Var(&a.timeout, "timeout", "how long the command may take, such as 30s (no limit)")
	for name, values := range map[string][]string{"output": outputs, "color": {"auto", "always", "never"}} {
		_ = root.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	if a.program != nil {
		flags.StringVar(&a.db, "db", "", "the store: a file, or a postgres:// URL (or the environment variable LATER_DB)")
		flags.StringVar(&a.schema, "schema", "", "schema of the tables in a PostgreSQL database (later)")
		for _, cmd := range a.program.Commands {
			cmd.GroupID = "start"
			root.AddCommand(cmd)
		}
	}
	a.addCommands(root)
	addTopics(root)
	addHelp(root)
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) { help(root, cmd, args) })
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
			return usagef("unknown command %q for %q%s", args[0], cmd.CommandPath(), meant(cmd, args[0]))
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(below...)
	return cmd
}

// meant suggests the command below cmd, or one of names, that was probably meant.
func meant(cmd *cobra.Command, name string, names ...string) string {
	for _, below := range cmd.Commands() {
		names = append(names, below.Name())
	}
	if similar := nearest.Name(name, names); similar != "" {
		return ": did you mean " + similar + "?"
	}
	return ""
}

// prepare makes a command and those below it begin and end as all do. Persistent hooks
// would take the place of those of a program that mounts the command.
func (a *app) prepare(cmd *cobra.Command) {
	cmd.SilenceUsage = true
	if accept := cmd.Args; accept != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := accept(cmd, args)
			if err != nil && !errors.Is(err, ErrUsage) {
				err = usagef("write it as: %s", cmd.UseLine())
			}
			return err
		}
	}
	if run := cmd.RunE; run != nil {
		cmd.RunE = func(cmd *cobra.Command, args []string) error {
			err := a.begin(cmd)
			if err == nil {
				err = a.inTime(cmd, func() error { return run(cmd, args) })
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

// inTime ends the context of a command when its time is over.
func (a *app) inTime(cmd *cobra.Command, run func() error) error {
	if a.timeout <= 0 {
		return run()
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), time.Duration(a.timeout))
	defer cancel()
	cmd.SetContext(ctx)
	err := run()
	if err == context.DeadlineExceeded && errors.Is(ctx.Err(), err) {
		return coded(exitTimedOut, fmt.Errorf("timed out after %s", span(time.Duration(a.timeout))))
	}
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return coded(exitTimedOut, fmt.Errorf("timed out after %s: %w", span(time.Duration(a.timeout)), err))
	}
	return err
}

// begin looks at what all commands are told.
func (a *app) begin(cmd *cobra.Command) (err error) {
	a.in, a.out, a.err = cmd.InOrStdin(), fit(cmd.OutOrStdout()), fit(cmd.ErrOrStderr())
	for c := cmd; c != nil; c = c.Parent() {
		if c.Annotations[mountedHere] != "" {
			a.path = c.CommandPath()
		}
	}
	if err := a.chooseOutput(); err != nil {
		return err
	}
	if a.zone = time.Local; a.timeZone != "" {
		if a.zone, err = time.LoadLocation(a.timeZone); err != nil {
			return usagef("--tz %q: write the name of a time zone, such as Europe/Berlin", a.timeZone)
		}
	}
	a.coloured, err = a.wantsColour()
	return err
}

// mountedHere marks the command below which all others are.
const mountedHere = "later"
