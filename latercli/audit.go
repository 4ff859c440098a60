package latercli

import (
	"context"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) auditCommand() *cobra.Command {
	var f later.AuditFilter
	cmd := &cobra.Command{
		Use:     "audit",
		Short:   "List who has changed what by hand, newest first",
		Example: "  later audit --db jobs.db --person ana\n  later audit --db jobs.db --kind queue --target mailers",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.Limit < 1 || f.Limit > 1000 {
				return usagef("--limit %d: choose 1 to 1000", f.Limit)
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.audit(ctx, q, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Person, "person", "", "only what this person did")
	flags.StringVar(&f.Action, "action", "", "only this: cancel, retry, delete, pause and so on")
	flags.StringVar(&f.Kind, "kind", "", "only changes of a job, of jobs, of an operation, a queue or a schedule")
	flags.StringVar(&f.Target, "target", "", "only changes of this: an id or a name")
	flags.Int64Var(&f.Job, "job", 0, "only changes of the job with this id, also together with others")
	flags.IntVar(&f.Limit, "limit", 50, "at most so many")
	flags.Int64Var(&f.Before, "before", 0, "only ids below: the next page")
	return cmd
}

func (a *app) audit(ctx context.Context, q *later.JobQueue, f later.AuditFilter) error {
	entries, err := q.Audit(ctx, f)
	if err != nil {
		return err
	}
	if a.json() {
		if entries == nil {
			entries = []later.AuditEntry{}
		}
		return a.printJSON(entries)
	}
	now := time.Now()
	rows := [][]string{{"ID", "WHEN", "WHO", "FROM", "WHAT", "JOBS", "WHY"}}
	for _, e := range entries {
		jobs := ""
		if e.Jobs > 0 {
			jobs = strconv.FormatInt(e.Jobs, 10)
		}
		rows = append(rows, []string{
			strconv.FormatInt(e.ID, 10), when(e.At, now), oneLine(e.Person, 40), string(e.Source),
			oneLine(e.Action+" "+e.Kind+" "+e.Target, 60), jobs, oneLine(e.Reason, 60),
		})
	}
	return a.table(rows)
}
