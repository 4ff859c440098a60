package latercli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) queueCommand() *cobra.Command {
	return group("queue", "Pause queues and let them go on", a.queuePauseCommand(), a.queueResumeCommand())
}

func (a *app) queuePauseCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "pause QUEUE",
		Short: "Stop every process from starting jobs of a queue",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				if err := q.Pause(ctx, args[0], reason); err != nil {
					return err
				}
				return a.say("queue", args[0], "paused")
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why: shown with the queue")
	return cmd
}

func (a *app) queueResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "resume QUEUE",
		Short: "Let a paused queue go on",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				if err := q.Resume(ctx, args[0]); err != nil {
					return err
				}
				return a.say("queue", args[0], "resumed")
			})
		},
	}
}
