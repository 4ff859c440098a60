package latercli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// moving is the flags of move.
type moving struct {
	from, to, toSchema string
	drain              bool
}

func (a *app) moveCommand() *cobra.Command {
	var m moving
	cmd := &cobra.Command{
		Use:   "move",
		Short: "Carry everything from one store to another, and verify it",
		Long: "Carries every job with its history from one store to another: a file to PostgreSQL, the other way round,\n" +
			"or any other pair. The target is made if there is none, and must hold no other jobs. Both are compared at\n" +
			"the end. The queues of the source stay paused, so that nobody performs its jobs twice.\n\n" +
			"Stop the processes that work on the source first, and whatever enqueues into it. With --drain the move\n" +
			"pauses the queues, lets running jobs end and waits until you have stopped the processes.\n\n" +
			"A move that was interrupted goes on when the same command is run again.",
		Example: "  later move --from jobs.db --to postgres://ada@host/jobs\n  later move --from postgres://ada@host/jobs --to jobs.db --drain",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.move(cmd.Context(), m) },
	}
	flags := cmd.Flags()
	flags.StringVar(&m.from, "from", "", "the source: a file, or a postgres:// URL")
	flags.StringVar(&m.to, "to", "", "the target: a file, or a postgres:// URL")
	flags.StringVar(&m.toSchema, "to-schema", "", "schema of the target, if it is not --schema")
	flags.BoolVar(&m.drain, "drain", false, "wait for the processes of the source instead of refusing")
	return cmd
}

// ends are the two stores of a move. --schema is for those that are in PostgreSQL.
func (a *app) ends(m moving) (from, to Address, err error) {
	schemaOf := func(db, schema string) string {
		if !isURL(db) && (isURL(m.from) || isURL(m.to)) {
			return ""
		}
		return schema
	}
	if from, err = a.program.At(m.from, schemaOf(m.from, a.schema), "from"); err != nil {
		return nil, nil, err
	}
	schema := schemaOf(m.to, a.schema)
	if m.toSchema != "" {
		schema = m.toSchema
	}
	to, err = a.program.At(m.to, schema, "to")
	return from, to, err
}

// isURL tells the URL of a database from the name of a file.
func isURL(db string) bool { return strings.Contains(db, "://") }

func (a *app) move(ctx context.Context, m moving) (err error) {
	source, target, err := a.ends(m)
	if err != nil {
		return err
	}
	from, err := source.Open(ctx)
	if err != nil {
		return fmt.Errorf("the source: %w", err)
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := target.Create(ctx, false)
	if err != nil {
		return fmt.Errorf("the target: %w", err)
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	line := a.progress("moving", 0)
	report, err := later.Move(ctx, from, to, later.MoveOptions{Drain: m.drain, To: target.String(), Progress: line.moves})
	line.end()
	if err != nil {
		return err
	}
	return a.printMove(source, target, report)
}

// moved is what move prints for programs.
type moved struct {
	From string `json:"from"`
	To   string `json:"to"`
	later.MoveReport
}

func (a *app) printMove(from, to Address, report later.MoveReport) error {
	if a.json() {
		return a.printJSON(moved{from.String(), to.String(), report})
	}
	rows := [][]string{{"STATUS", "JOBS"}}
	for _, status := range store.Statuses {
		rows = append(rows, []string{string(status), strconv.FormatInt(report.Counts[status], 10)})
	}
	if err := a.table(rows); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n%d jobs moved from %s to %s", report.Jobs, printable(from.String()), printable(to.String()))
	if report.Resumed > 0 {
		fmt.Fprintf(a.out, ", %d of them by a move before", report.Resumed)
	}
	fmt.Fprintf(a.out, ";\nboth hold the same, with the checksum %s.\n", report.Checksum)
	if len(report.Queues) > 0 {
		fmt.Fprintf(a.out, "The queues of the source stay paused: %s.\n", printable(strings.Join(report.Queues, ", ")))
	}
	return nil
}
