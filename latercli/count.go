package latercli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// countedBy are the fields that jobs are counted by.
var countedBy = map[string]func(later.Job) string{
	"status": func(j later.Job) string { return string(j.Status) },
	"queue":  func(j later.Job) string { return j.Queue },
	"type":   func(j later.Job) string { return j.Type },
	"user":   func(j later.Job) string { return j.UserID },
}

func (a *app) countCommand() *cobra.Command {
	var selected selection
	var by []string
	cmd := &cobra.Command{
		Use:     "count",
		Short:   "Count jobs, by status, queue, type or user",
		Example: "  later count --where 'queued:<1d' --by status,type",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, field := range by {
				if countedBy[field] == nil {
					return usagef("--by %q: choose one of status, queue, type, user", field)
				}
			}
			f, err := selected.get(time.Now().In(a.zone))
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.count(ctx, q, f, by) })
		},
	}
	a.selectionFlags(&selected, cmd)
	cmd.Flags().StringSliceVar(&by, "by", nil, "a line for each status, queue, type or user, or each combination of them")
	return cmd
}

func (a *app) count(ctx context.Context, q *later.JobQueue, f later.Filter, by []string) error {
	counts, names := map[string]int{}, map[string][]string{}
	bar := a.progress("counting jobs", 0)
	err := eachPage(ctx, q, f, func(jobs []later.Job) error {
		for _, job := range jobs {
			of := make([]string, len(by))
			for i, field := range by {
				of[i] = countedBy[field](job)
			}
			key := strings.Join(of, "\x00")
			counts[key]++
			names[key] = of
		}
		bar.add(len(jobs))
		return nil
	})
	bar.end()
	if err != nil {
		return err
	}
	if len(by) == 0 && len(counts) == 0 {
		counts[""] = 0
	}
	keys := make([]string, 0, len(counts))
	for key := range counts {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return a.printCounts(keys, counts, names, by)
}

func (a *app) printCounts(keys []string, counts map[string]int, names map[string][]string, by []string) error {
	rows, documents := [][]string{nil}, []map[string]any{}
	for _, field := range by {
		rows[0] = append(rows[0], strings.ToUpper(field))
	}
	rows[0] = append(rows[0], "JOBS")
	for _, key := range keys {
		document := map[string]any{"count": counts[key]}
		for i, field := range by {
			document[field] = names[key][i]
		}
		documents = append(documents, document)
		rows = append(rows, append(slices.Clone(names[key]), strconv.Itoa(counts[key])))
	}
	switch {
	case a.json() && len(by) == 0:
		return a.printJSON(documents[0])
	case a.json():
		return a.printJSON(documents)
	case len(by) == 0:
		return printIDs(a, []int{counts[""]})
	}
	return a.table(rows)
}
