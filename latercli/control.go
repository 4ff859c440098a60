package latercli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// steering is a verb that changes jobs, one by one or by filter.
type steering struct {
	use, short, done string
	one              func(context.Context, *later.JobQueue, int64) error
	all              func(context.Context, *later.JobQueue, later.Filter) (int, error)
}

func (a *app) cancelCommand() *cobra.Command {
	var reason string
	cmd := a.steeringCommand(steering{
		use: "cancel", short: "Cancel jobs that wait or run", done: "cancelled",
		one: func(ctx context.Context, q *later.JobQueue, id int64) error { return q.Cancel(ctx, id, reason) },
		all: func(ctx context.Context, q *later.JobQueue, f later.Filter) (int, error) {
			return q.CancelAll(ctx, f, reason)
		},
	})
	cmd.Flags().StringVar(&reason, "reason", "cancelled on the command line", "why: shown with the job")
	return cmd
}

func (a *app) retryCommand() *cobra.Command {
	return a.steeringCommand(steering{
		use: "retry", short: "Make finished or retrying jobs pending again", done: "pending",
		one: func(ctx context.Context, q *later.JobQueue, id int64) error { return q.Retry(ctx, id) },
		all: func(ctx context.Context, q *later.JobQueue, f later.Filter) (int, error) { return q.RetryAll(ctx, f) },
	})
}

func (a *app) deleteCommand() *cobra.Command {
	return a.steeringCommand(steering{
		use: "delete", short: "Delete jobs that do not run, with their history", done: "deleted",
		one: func(ctx context.Context, q *later.JobQueue, id int64) error { return q.Delete(ctx, id) },
		all: func(ctx context.Context, q *later.JobQueue, f later.Filter) (int, error) { return q.DeleteAll(ctx, f) },
	})
}

func (a *app) steeringCommand(s steering) *cobra.Command {
	var selected selection
	cmd := &cobra.Command{
		Use:     s.use + " [ID…]",
		Short:   s.short,
		Long:    s.short + ": the ones named, or all that the flags select.",
		Example: fmt.Sprintf("  later %s 42 43 --db jobs.db\n  later %s --type WelcomeEmailJob --db jobs.db", s.use, s.use),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := parseIDs(args)
			if err != nil {
				return err
			}
			f, err := selected.get()
			if err != nil {
				return err
			}
			if len(ids) > 0 != selected.empty() {
				return usagef("which jobs? Give ids, or flags such as --type and --status, not both")
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				return a.steer(ctx, q, s, ids, f)
			})
		},
	}
	selected.flags(cmd)
	return cmd
}

// steer goes on after an error, so that one job does not hold back the others.
func (a *app) steer(ctx context.Context, q *later.JobQueue, s steering, ids []int64, f later.Filter) error {
	if len(ids) == 0 {
		n, err := s.all(ctx, q, f)
		return errors.Join(err, a.printCount(n, s.done))
	}
	var problems []error
	for _, id := range ids {
		if err := s.one(ctx, q, id); err != nil {
			problems = append(problems, err)
		}
	}
	problems = append(problems, a.printCount(len(ids)-len(problems), s.done))
	return errors.Join(problems...)
}

func (a *app) printCount(n int, done string) error {
	if a.json() {
		return a.printJSON(map[string]int{done: n})
	}
	noun := "jobs"
	if n == 1 {
		noun = "job"
	}
	_, err := fmt.Fprintf(a.out, "%d %s %s\n", n, noun, done)
	return err
}
