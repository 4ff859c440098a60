package latercli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/nearest"
)

func (a *app) listCommand() *cobra.Command {
	var selected selection
	var limit int
	var before int64
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List jobs, newest first",
		Long: "List jobs, newest first, at a bounded cost. What an index answers (id, status, type, user, target) is found however old it is;\n" +
			"anything else is looked for in the newest 100,000 of those jobs, for about 250 ms. Where more are left, it says how far it\n" +
			"has looked, and with which --before to go on. count and export look at all of them.",
		Example: "  later list --status failed,retrying\n  later list --where 'type:EmailJob queued:<2h \"connection refused\"'\n" +
			"  later list -q --status failed | xargs later retry",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f, err := selected.get(time.Now().In(a.zone))
			if err != nil {
				return err
			}
			if limit < 1 || limit > 10_000 {
				return usagef("--limit %d: choose 1 to 10000", limit)
			}
			f.Limit, f.Before = limit, before
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				return a.list(ctx, q, f)
			})
		},
	}
	a.selectionFlags(&selected, cmd)
	cmd.Flags().IntVarP(&limit, "limit", "n", 50, "at most so many")
	cmd.Flags().Int64Var(&before, "before", 0, "only ids below: the next page")
	return cmd
}

func (a *app) list(ctx context.Context, q *later.JobQueue, f later.Filter) error {
	f, err := q.Guard(ctx, f)
	if err != nil {
		return err
	}
	began := time.Now()
	found, err := q.Search(ctx, f)
	took := time.Since(began)
	jobs := found.Jobs
	if err == nil {
		jobs, err = q.Redact(ctx, jobs...)
	}
	if err != nil {
		return err
	}
	defer a.sayLooked(f, found, took)
	if a.quiet {
		return printIDs(a, idsOf(jobs))
	}
	if a.json() {
		if jobs == nil {
			jobs = []later.Job{}
		}
		return a.printJSON(jobs)
	}
	if len(jobs) == 0 {
		a.suggest(ctx, q, f)
	}
	now := time.Now()
	rows := [][]string{{"ID", "TYPE", "QUEUE", "STATUS", "ATTEMPT", "QUEUED", "DETAILS"}}
	for _, job := range jobs {
		rows = append(rows, []string{
			strconv.FormatInt(job.ID, 10), job.Type, job.Queue, string(job.Status),
			strconv.Itoa(job.Attempt), when(job.QueuedAt, now), oneLine(attention(job, now), 60),
		})
	}
	return a.table(rows)
}

// sayLooked says how to go on: where a page is not full, to programs as well, which would
// take it for the last one.
func (a *app) sayLooked(f later.Filter, found later.Found, took time.Duration) {
	switch {
	case found.Next == 0:
	case len(found.Jobs) == f.Limit:
		a.hint("list --before %d    for the next page", found.Next)
	default:
		which := ", the newest ones"
		if f.Before > 0 {
			which = fmt.Sprintf(" below %d", f.Before)
		}
		fmt.Fprintf(a.err, "looked at %s%s, in %s; there are more: go on with the same and --before %d\n", plural(int(found.Looked), "job"), which, span(took), found.Next)
	}
}

func idsOf(jobs []later.Job) []int64 {
	ids := make([]int64, len(jobs))
	for i, job := range jobs {
		ids[i] = job.ID
	}
	return ids
}

// suggest says of an empty list which name of a queue or a type was probably meant.
func (a *app) suggest(ctx context.Context, q *later.JobQueue, f later.Filter) {
	for _, asked := range []struct {
		what, name string
		known      names
	}{{"queue", f.Queue, queueNames}, {"type", f.Type, typeNames}} {
		if asked.name == "" {
			continue
		}
		all, err := asked.known(ctx, q)
		if err != nil || slices.Contains(all, asked.name) { // the list is right, if empty
			continue
		}
		if similar := nearest.Name(asked.name, all); similar != "" {
			fmt.Fprintf(a.err, "nobody knows a %s %q: did you mean %q?\n", asked.what, printable(asked.name), printable(similar))
		}
	}
}
