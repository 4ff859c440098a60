package latercli

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/nearest"
	"github.com/laterjobs/later/store"
)

func (a *app) typesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "types",
		Short: "List the types of jobs that processes have published, and those of this program",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.types(ctx, q) })
		},
	}
}

func (a *app) types(ctx context.Context, q *later.JobQueue) error {
	types, err := q.KnownTypes(ctx)
	if err != nil {
		return err
	}
	now := time.Now()
	rows, names := [][]string{{"TYPE", "QUEUE", "PRIORITY", "RETRIES", "TIMEOUT", "SEEN", "DESCRIPTION"}}, []string{}
	for _, t := range types {
		timeout := ""
		if t.Timeout > 0 {
			timeout = span(t.Timeout)
		}
		names = append(names, t.Name)
		rows = append(rows, []string{
			t.Name, t.Queue, strconv.Itoa(t.Priority), strconv.Itoa(t.MaxRetries), timeout, when(t.SeenAt, now), oneLine(t.Description, 80),
		})
	}
	switch {
	case a.quiet:
		return printIDs(a, names)
	case a.json():
		return a.printJSON(append([]store.JobType{}, types...))
	}
	return a.table(rows)
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "schema TYPE",
		Short:             "Print the JSON Schema of a type's arguments",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(typeNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.printSchema(ctx, q, args[0]) })
		},
	}
}

func (a *app) printSchema(ctx context.Context, q *later.JobQueue, name string) error {
	types, err := q.KnownTypes(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, t := range types {
		if names = append(names, t.Name); t.Name != name {
			continue
		}
		if t.Schema == nil {
			return fmt.Errorf("schema of %s: %w: its arguments have a type that no schema describes", name, later.ErrNotFound)
		}
		encoder := json.NewEncoder(whole(a.out))
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(t.Schema)
	}
	if similar := nearest.Name(name, names); similar != "" {
		return fmt.Errorf("%w %q: did you mean %q?", later.ErrUnknownType, name, similar)
	}
	return fmt.Errorf("%w %q: no process has published it", later.ErrUnknownType, name)
}
