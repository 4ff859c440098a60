package latercli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// steering is a verb that changes jobs, one by one or by filter.
type steering struct {
	use, short, done string
	next             string            // what to do next with a single job
	then             string            // and with several
	of               []later.JobStatus // that it changes
	one              func(context.Context, *later.JobQueue, int64) error
	all              func(context.Context, *later.JobQueue, later.Filter) (int, error)
	operation        func() later.Operation // the same, of many jobs
}

func (a *app) cancelCommand() *cobra.Command {
	var reason string
	cmd := a.steeringCommand(steering{
		use: "cancel", short: "Cancel jobs that wait or run", done: "cancelled", next: "retry %d    to run it after all",
		then: "list --status cancelled", of: append([]later.JobStatus{later.StatusRunning}, waits...),
		one: func(ctx context.Context, q *later.JobQueue, id int64) error { return q.Cancel(ctx, id, reason) },
		all: func(ctx context.Context, q *later.JobQueue, f later.Filter) (int, error) {
			return q.CancelAll(ctx, f, reason)
		},
		operation: func() later.Operation {
			return later.Operation{Action: later.OperationCancel, Reason: reason}
		},
	})
	cmd.Flags().StringVar(&reason, "reason", "cancelled on the command line", "why: shown with the job")
	return cmd
}

func (a *app) retryCommand() *cobra.Command { return a.steeringCommand(retrying) }

var retrying = steering{
	use: "retry", short: "Make finished or retrying jobs pending again", done: "pending", next: "wait %d", then: "tail    to see what becomes of them",
	of:        []later.JobStatus{later.StatusRetrying, later.StatusCompleted, later.StatusFailed, later.StatusCancelled},
	one:       func(ctx context.Context, q *later.JobQueue, id int64) error { return q.Retry(ctx, id) },
	all:       func(ctx context.Context, q *later.JobQueue, f later.Filter) (int, error) { return q.RetryAll(ctx, f) },
	operation: func() later.Operation { return later.Operation{Action: later.OperationRetry} },
}

func (a *app) deleteCommand() *cobra.Command { return a.steeringCommand(deleting) }

var deleting = steering{
	use: "delete", short: "Delete jobs that do not run, with their history", done: "deleted", then: "audit    to see who has deleted what",
	of:        append([]later.JobStatus{later.StatusCompleted, later.StatusFailed, later.StatusCancelled}, waits...),
	one:       func(ctx context.Context, q *later.JobQueue, id int64) error { return q.Delete(ctx, id) },
	all:       func(ctx context.Context, q *later.JobQueue, f later.Filter) (int, error) { return q.DeleteAll(ctx, f) },
	operation: func() later.Operation { return later.Operation{Action: later.OperationDelete} },
}

func (a *app) rescheduleCommand() *cobra.Command {
	var in spanValue
	var at string
	var when time.Time
	cmd := a.steeringCommand(steering{
		use: "reschedule", short: "Give scheduled, pending or retrying jobs a new time", done: "rescheduled", next: "show %d",
		then: "list --status scheduled", of: []later.JobStatus{later.StatusScheduled, later.StatusPending, later.StatusRetrying},
		one: func(ctx context.Context, q *later.JobQueue, id int64) error { return q.Reschedule(ctx, id, when) },
		all: func(ctx context.Context, q *later.JobQueue, f later.Filter) (int, error) {
			return q.RescheduleAll(ctx, f, when)
		},
		operation: func() later.Operation {
			return later.Operation{Action: later.OperationReschedule, At: when}
		},
	})
	cmd.Flags().Var(&in, "in", "after a while, such as 90s, 2h30m or 3d")
	cmd.Flags().StringVar(&at, "at", "", "at a time: see help times")
	cmd.MarkFlagsMutuallyExclusive("in", "at")
	cmd.Example = "  later reschedule 42 --in 10m\n  later reschedule --type ReportJob --at 'tomorrow 09:00'"
	steer := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		now := time.Now().In(a.zone)
		switch {
		case cmd.Flags().Changed("in"):
			when = now.Add(time.Duration(in))
		case at != "":
			if when, err = parseTime(at, now); err != nil {
				return usagef("--at: %w", err)
			}
		default:
			return usagef("when? Give --in or --at")
		}
		if err := steer(cmd, args); err != nil {
			return err
		}
		if !a.json() && !a.quiet {
			fmt.Fprintln(a.err, a.runsAt(when))
		}
		return nil
	}
	return cmd
}

func (a *app) steeringCommand(s steering) *cobra.Command {
	var selected selection
	change := bulk{verb: s.use, of: s.of}
	cmd := &cobra.Command{
		Use:   s.use + " [ID…]",
		Short: s.short,
		Long: s.short + ": the ones named, or all that the flags select. More than 100 are changed by an operation, which can be undone: see op.\n\n" +
			"A job is named by its id, by #id, or by the address of its page; - reads ids from the standard input.",
		Example: fmt.Sprintf("  later %s 42 43\n  later %s --where 'type:WelcomeEmailJob queued:<2h' --dry-run", s.use, s.use),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := a.parseIDs(args)
			if err != nil {
				return err
			}
			f, err := selected.get(time.Now().In(a.zone))
			if err != nil {
				return err
			}
			if len(args) > 0 != selected.empty() {
				return usagef("which jobs? Give ids, or flags such as --where and --status, not both")
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				if len(args) > 0 {
					return a.steerEach(ctx, q, s, change, ids)
				}
				return a.steerAll(ctx, q, s, change, f)
			})
		},
	}
	a.selectionFlags(&selected, cmd)
	change.flags(cmd)
	return cmd
}

// steerEach changes the jobs that were named. It goes on after an error, so that one job
// does not hold back the others. Very many are the work of an operation.
func (a *app) steerEach(ctx context.Context, q *later.JobQueue, s steering, change bulk, ids []int64) error {
	if change.dryRun {
		found, err := a.find(ctx, q, later.Filter{IDs: ids})
		if err == nil {
			_, err = a.decide(change, found)
		}
		return err
	}
	if len(ids) > mostDirect {
		return a.operate(ctx, q, s, later.Filter{IDs: ids})
	}
	var problems []error
	for _, id := range ids {
		if err := s.one(ctx, q, id); err != nil {
			problems = append(problems, err)
		}
	}
	done := len(ids) - len(problems)
	err := errors.Join(append(problems, a.printCount(done, s.done))...)
	switch {
	case err != nil && done > 0:
		return coded(exitPartly, err)
	case err == nil && len(ids) == 1 && s.next != "":
		a.hint(s.next, ids[0])
	}
	return err
}

// steerAll changes the jobs that a filter selects, after a person has seen which.
func (a *app) steerAll(ctx context.Context, q *later.JobQueue, s steering, change bulk, f later.Filter) error {
	f, err := q.Guard(ctx, f)
	if err != nil {
		return err
	}
	found, err := a.find(ctx, q, f)
	if err != nil {
		return err
	}
	if count, _, left := found.split(change.of); count == 0 && found.Count > 0 && !change.dryRun {
		fmt.Fprintf(a.err, "left alone: %s\n", breakdown(left))
		return a.printCount(0, s.done)
	}
	if goOn, err := a.decide(change, found); err != nil || !goOn {
		return err
	}
	if found.Count > mostDirect {
		return a.operate(ctx, q, s, f)
	}
	f.IDs = found.IDs
	n, err := s.all(ctx, q, f)
	err = errors.Join(err, a.printCount(n, s.done))
	if err == nil && n > 0 && s.then != "" {
		a.hint("%s", s.then)
	}
	return err
}

func (a *app) printCount(n int, done string) error {
	switch {
	case a.json():
		return a.printJSON(map[string]int{done: n})
	case a.quiet:
		return nil
	}
	_, err := fmt.Fprintf(a.out, "%s %s\n", plural(n, "job"), done)
	return err
}
