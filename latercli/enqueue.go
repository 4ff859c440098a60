package latercli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// enqueueFlags are the flags of enqueue.
type enqueueFlags struct {
	args, at, queue, user, target, uniqueKey string
	in                                       spanValue
	wait                                     bool
	priority                                 int
	tags                                     []string
}

func (a *app) enqueueCommand() *cobra.Command {
	var f enqueueFlags
	cmd := &cobra.Command{
		Use:               "enqueue TYPE",
		Short:             "Store a job of a type that some process performs",
		Example:           `  later enqueue WelcomeEmailJob --args '{"user_id": 42}' --in 1h`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(typeNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := a.readArgs(f.args)
			if err != nil {
				return err
			}
			opts, err := f.options(cmd, time.Now().In(a.zone))
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				job, err := q.Enqueue(ctx, args[0], raw, opts...)
				if err != nil {
					return err
				}
				visible, err := q.Redact(ctx, job)
				if err != nil {
					return err
				}
				if f.wait {
					return a.waitFor(ctx, q, []int64{job.ID})
				}
				return a.printEnqueued(visible[0])
			})
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.args, "args", "{}", "arguments as JSON; @FILE reads a file, - the standard input")
	flags.Var(&f.in, "in", "perform after a while, such as 90s, 2h30m or 3d")
	flags.StringVar(&f.at, "at", "", "perform at a time, such as 'tomorrow 09:00': see help times")
	flags.BoolVar(&f.wait, "wait", false, "wait until the job is finished, as wait does")
	flags.StringVar(&f.queue, "queue", "", "queue, instead of the type's own")
	flags.IntVar(&f.priority, "priority", 0, "higher first, −32768 to 32767")
	flags.StringVar(&f.user, "user", "", "who owns the job")
	flags.StringVar(&f.target, "target", "", "what the job works on")
	flags.StringVar(&f.uniqueKey, "unique-key", "", "unique key, instead of what the type makes of the arguments; empty: none")
	flags.StringSliceVar(&f.tags, "tag", nil, "tags, separated by commas")
	a.complete(cmd, "queue", queueNames)
	return cmd
}

func (a *app) readArgs(given string) (json.RawMessage, error) {
	switch {
	case given == "-":
		return io.ReadAll(a.in)
	case len(given) > 1 && given[0] == '@':
		return os.ReadFile(given[1:])
	}
	return json.RawMessage(given), nil
}

func (f *enqueueFlags) options(cmd *cobra.Command, now time.Time) ([]later.CallOption, error) {
	if cmd.Flags().Changed("in") && cmd.Flags().Changed("at") {
		return nil, usagef("--in and --at exclude each other")
	}
	opts := []later.CallOption{later.User(f.user), later.Target(f.target), later.Tags(f.tags...)}
	if cmd.Flags().Changed("queue") {
		opts = append(opts, later.Queue(f.queue))
	}
	if cmd.Flags().Changed("unique-key") {
		opts = append(opts, later.UniqueKey(f.uniqueKey))
	}
	if cmd.Flags().Changed("priority") {
		opts = append(opts, later.Priority(f.priority))
	}
	if cmd.Flags().Changed("in") {
		opts = append(opts, later.In(time.Duration(f.in)))
	}
	if cmd.Flags().Changed("at") {
		at, err := parseTime(f.at, now)
		if err != nil {
			return nil, usagef("--at: %w", err)
		}
		opts = append(opts, later.At(at))
	}
	return opts, nil
}

func (a *app) printEnqueued(job later.Job) error {
	switch {
	case a.json():
		return a.printJSON(job)
	case a.quiet:
		return printIDs(a, []int64{job.ID})
	}
	more := ""
	switch {
	case job.Deduplicated:
		more = " and was there before: it holds the unique key"
	case job.Status == later.StatusScheduled:
		more = ": " + a.runsAt(job.NextRunAt)
	}
	_, err := fmt.Fprintf(a.out, "job %d is %s%s\n", job.ID, job.Status, more)
	a.hint("show %d", job.ID)
	return err
}
