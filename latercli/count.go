package latercli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

func (a *app) countCommand() *cobra.Command {
	var selected selection
	var fields []string
	cmd := &cobra.Command{
		Use:     "count",
		Short:   "Count jobs, by status, queue, type, user or target",
		Example: "  later count --where 'queued:<1d' --by status,type",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var by []later.CountBy
			for _, field := range fields {
				by = append(by, later.CountBy(field))
			}
			if err := store.CheckCountBy(by); err != nil {
				return usagef("--by %q: choose one of status, queue, type, user, target, or several, each once", strings.Join(fields, ","))
			}
			f, err := selected.get(time.Now().In(a.zone))
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.count(ctx, q, f, by) })
		},
	}
	a.selectionFlags(&selected, cmd)
	cmd.Flags().StringSliceVar(&fields, "by", nil, "a line for each status, queue, type, user or target, or each combination of them")
	return cmd
}

func (a *app) count(ctx context.Context, q *later.JobQueue, f later.Filter, by []later.CountBy) error {
	counted, err := a.counted(ctx, q, f, by...)
	if err != nil {
		return err
	}
	return a.printCounts(counted, by)
}

// counted counts jobs, and shows how far it is.
func (a *app) counted(ctx context.Context, q *later.JobQueue, f later.Filter, by ...later.CountBy) (whole later.Counted, err error) {
	if f, err = q.Guard(ctx, f); err != nil {
		return whole, err
	}
	bar := a.progress("looking at jobs", 0)
	defer bar.end()
	for {
		part, err := q.CountPart(ctx, f, by...)
		if err != nil {
			return whole, err
		}
		whole.Add(part)
		if len(whole.Groups) > mostCounted {
			return whole, fmt.Errorf("more than %d combinations of %v: select fewer jobs, or count by less", mostCounted, by)
		}
		bar.add(int(part.Looked))
		if f.Before = part.Next; part.Next == 0 {
			return whole, nil
		}
	}
}

// mostCounted is how many lines a count has at most: they are kept in memory.
const mostCounted = 100_000

func (a *app) printCounts(counted later.Counted, by []later.CountBy) error {
	rows, documents := [][]string{nil}, []map[string]any{}
	for _, field := range by {
		rows[0] = append(rows[0], strings.ToUpper(string(field)))
	}
	rows[0] = append(rows[0], "JOBS")
	for _, group := range counted.Groups {
		document := map[string]any{"count": group.Jobs}
		for i, field := range by {
			document[string(field)] = group.Values[i]
		}
		documents = append(documents, document)
		rows = append(rows, append(slices.Clone(group.Values), strconv.FormatInt(group.Jobs, 10)))
	}
	switch {
	case a.json() && len(by) == 0:
		return a.printJSON(map[string]int64{"count": counted.Jobs})
	case a.json():
		return a.printJSON(documents)
	case len(by) == 0:
		return printIDs(a, []int64{counted.Jobs})
	}
	return a.table(rows)
}
