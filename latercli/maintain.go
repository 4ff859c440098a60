package latercli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check that the store is sound and fits together; exit code 9 if not",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.withQueue(cmd.Context(), a.check) },
	}
}

func (a *app) check(ctx context.Context, q *later.JobQueue) error {
	problems, err := q.Check(ctx)
	if err != nil {
		return err
	}
	if a.json() {
		err = a.printJSON(map[string]any{"ok": len(problems) == 0, "problems": append([]string{}, problems...)})
	} else if len(problems) == 0 && !a.quiet {
		_, err = fmt.Fprintln(a.out, "the store is sound")
	} else {
		err = printIDs(a, problems)
	}
	if err == nil && len(problems) > 0 {
		err = coded(exitProblem, fmt.Errorf("the check has found %s", plural(len(problems), "problem")))
	}
	return err
}

func (a *app) pruneCommand() *cobra.Command {
	older := spanValue(7 * 24 * time.Hour)
	var statuses []string
	var yes bool
	cmd := &cobra.Command{
		Use:   "prune",
		Short: "Delete finished jobs that are old, with their history",
		Long: "Deletes finished jobs that are older than --older-than. Processes do the same every ten minutes, by their\n" +
			"Config.Retention.",
		Example: "  later prune --older-than 30d --status completed,cancelled",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			keep, err := retention(statuses, time.Duration(older))
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				if !yes {
					question := fmt.Sprintf("delete finished jobs older than %s?", span(time.Duration(older)))
					if err := a.ask(question); err != nil {
						return err
					}
				}
				n, err := q.Prune(ctx, keep)
				return errors.Join(err, a.printCount(n, "deleted"))
			})
		},
	}
	cmd.Flags().Var(&older, "older-than", "how long ago they finished, such as 30d")
	cmd.Flags().StringSliceVar(&statuses, "status", nil, "only these of completed, failed and cancelled")
	cmd.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return cmd
}

// retention keeps the jobs of these statuses for a time, and the others for ever.
func retention(statuses []string, d time.Duration) (later.Retention, error) {
	keep := later.Retention{Completed: -1, Failed: -1, Cancelled: -1}
	if len(statuses) == 0 {
		return later.Retention{Completed: d, Failed: d, Cancelled: d}, nil
	}
	for _, status := range statuses {
		switch later.JobStatus(status) {
		case later.StatusCompleted:
			keep.Completed = d
		case later.StatusFailed:
			keep.Failed = d
		case later.StatusCancelled:
			keep.Cancelled = d
		default:
			return keep, usagef("--status %q: choose one of completed, failed, cancelled", status)
		}
	}
	return keep, nil
}

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Copy a store in a file, under full load, and check the copy",
		Long: "Writes the store as it is at one moment to a file that does not exist yet, and checks it, while others go on\n" +
			"working. To restore it, stop all processes and put it in the place of the store, without files ending in -wal\n" +
			"and -shm.\n\n" +
			"A PostgreSQL database is copied by pg_dump, in one snapshot with what else is in it:\n\n" +
			"  pg_dump --format=custom --schema=later --file=jobs.dump DATABASE\n\n" +
			"Jobs alone, in a form that every store reads, are written by export.",
		Example: "  later backup /backups/jobs-$(date +%F).db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				err := q.Backup(ctx, args[0])
				if errors.Is(err, later.ErrUnsuitable) {
					return fmt.Errorf("%w: run pg_dump --format=custom --schema=%s --file=%s DATABASE, "+
						"which copies in one snapshot; see also export", err, quoted(a.schemaName()), quoted(args[0]))
				}
				if err != nil {
					return err
				}
				return a.say("backup", args[0], "whole and checked")
			})
		},
	}
}

func (a *app) schemaName() string {
	if a.schema == "" {
		return "later"
	}
	return a.schema
}
