package latercli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) waitCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "wait ID…",
		Short:   "Wait until jobs are finished; exit code 10 if one failed or was cancelled",
		Example: "  later wait 42 --timeout 5m",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := a.parseIDs(args)
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.waitFor(ctx, q, ids) })
		},
	}
}

// waitFor waits for all, and prints each as it is found finished.
func (a *app) waitFor(ctx context.Context, q *later.JobQueue, ids []int64) error {
	var finished []later.Job
	bad := 0
	for _, id := range ids {
		job, err := q.Wait(ctx, id)
		if err != nil {
			return err
		}
		visible, err := q.Redact(ctx, job)
		if err != nil {
			return err
		}
		job = visible[0]
		finished = append(finished, job)
		if job.Status != later.StatusCompleted {
			bad++
		}
		if err := a.printFinished(job); err != nil {
			return err
		}
	}
	if a.json() {
		if err := a.printJSON(finished); err != nil {
			return err
		}
	}
	if bad > 0 {
		return coded(exitJobFailed, fmt.Errorf("%s of %d failed or cancelled", plural(bad, "job"), len(ids)))
	}
	return nil
}

func (a *app) printFinished(job later.Job) error {
	switch {
	case a.json():
		return nil
	case a.quiet:
		return printIDs(a, []int64{job.ID})
	}
	text := string(job.Result)
	if job.Error != "" {
		text = oneLine(job.Error, 200)
	}
	if text != "" {
		text = " " + text
	}
	_, err := fmt.Fprintf(a.out, "job %d is %s%s\n", job.ID, a.paint(colourOf(string(job.Status)), string(job.Status)), printable(text))
	return err
}
