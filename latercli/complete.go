package latercli

import (
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// completionTime bounds how long a shell waits for names.
const completionTime = 200 * time.Millisecond

// names looks up what can be completed.
type names func(context.Context, *later.JobQueue) ([]string, error)

func statusNames(context.Context, *later.JobQueue) ([]string, error) { return allStatuses(), nil }

func typeNames(ctx context.Context, q *later.JobQueue) ([]string, error) {
	types, err := q.KnownTypes(ctx)
	var found []string
	for _, t := range types {
		found = append(found, t.Name)
	}
	return found, err
}

func queueNames(ctx context.Context, q *later.JobQueue) ([]string, error) {
	stats, _, err := q.RecentStats(ctx)
	var found []string
	for _, queue := range stats.Queues {
		found = append(found, queue.Name)
	}
	return found, err
}

func scheduleNames(ctx context.Context, q *later.JobQueue) ([]string, error) {
	schedules, err := q.Schedules(ctx)
	var found []string
	for _, s := range schedules {
		found = append(found, s.Name)
	}
	return found, err
}

// complete lets shells complete the value of a flag.
func (a *app) complete(cmd *cobra.Command, flag string, from names) {
	_ = cmd.RegisterFlagCompletionFunc(flag, a.completion(from)) // the flag exists
}

// completion looks up names in the store, for a moment, and says nothing of problems.
func (a *app) completion(from names) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		a.in, a.out, a.err = strings.NewReader(""), io.Discard, io.Discard
		found := make(chan []string, 1)
		go func() { // a store may be slower to open than a context ends
			var all []string
			_ = a.withQueue(ctx, func(ctx context.Context, q *later.JobQueue) (err error) {
				all, err = from(ctx, q)
				return err
			})
			found <- all
		}()
		var fitting []cobra.Completion
		select {
		case all := <-found:
			for _, name := range all {
				if strings.HasPrefix(name, begun) && printable(name) == name {
					fitting = append(fitting, name)
				}
			}
		case <-ctx.Done():
		}
		return fitting, cobra.ShellCompDirectiveNoFileComp
	}
}

// firstName completes the first argument, and no more.
func (a *app) firstName(from names) cobra.CompletionFunc {
	complete := a.completion(from)
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(cmd, args, begun)
	}
}
