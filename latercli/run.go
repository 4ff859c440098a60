package latercli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) runCommand() *cobra.Command {
	var given string
	cmd := &cobra.Command{
		Use:     "run TYPE",
		Short:   "Perform a job now, here, without storing it, and print its result",
		Example: `  jobs run WelcomeEmailJob --args '{"user_id": 42}'`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			raw, err := a.readArgs(given)
			if err != nil {
				return err
			}
			ctx, stop := untilSignal(cmd.Context())
			defer stop()
			result, err := a.queue.PerformNow(ctx, args[0], raw)
			if err != nil || len(result) == 0 {
				return err
			}
			_, err = fmt.Fprintln(whole(a.out), printable(string(result)))
			return err
		},
	}
	cmd.Flags().StringVar(&given, "args", "{}", "arguments as JSON; @FILE reads a file, - the standard input")
	return cmd
}
