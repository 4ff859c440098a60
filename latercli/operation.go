package latercli

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
	"github.com/laterjobs/later/store"
)

// mostDirect is how many jobs are changed at once; more are the work of an operation.
const mostDirect = 100

func (a *app) operationCommand() *cobra.Command {
	return group("op", "Look at operations, which change many jobs; cancel and undo them",
		a.operationListCommand(),
		a.oneOperation("show", "Show how far an operation is", a.showOperation),
		a.oneOperation("wait", "Carry an operation on and wait for its end", func(ctx context.Context, q *later.JobQueue, id int64) error {
			return a.awaitOperation(ctx, q, id, "changed")
		}),
		a.oneOperation("cancel", "End a running operation; what it has changed stays so, and can be undone", a.cancelOperation),
		a.oneOperation("undo", "Put the jobs of an operation back as they were, for ten minutes after its end", a.undoOperation))
}

func (a *app) oneOperation(verb, short string, do func(context.Context, *later.JobQueue, int64) error) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ID",
		Short: short,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return do(ctx, q, id) })
		},
	}
}

func (a *app) operationListCommand() *cobra.Command {
	var f later.OperationFilter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List operations, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.Limit < 1 || f.Limit > 1000 {
				return usagef("--limit %d: choose 1 to 1000", f.Limit)
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.listOperations(ctx, q, f) })
		},
	}
	cmd.Flags().BoolVar(&f.Working, "working", false, "only those that have something left to do")
	cmd.Flags().IntVar(&f.Limit, "limit", 50, "at most so many")
	cmd.Flags().Int64Var(&f.Before, "before", 0, "only ids below: the next page")
	return cmd
}

func (a *app) listOperations(ctx context.Context, q *later.JobQueue, f later.OperationFilter) error {
	found, err := q.Operations(ctx, f)
	if err != nil {
		return err
	}
	now := time.Now()
	ids, rows := []int64{}, [][]string{{"ID", "STATE", "WHAT", "CHANGED", "LEFT ALONE", "WHO", "WHEN"}}
	for _, o := range found {
		ids = append(ids, o.ID)
		rows = append(rows, []string{
			strconv.FormatInt(o.ID, 10), string(o.State), oneLine(string(o.Action)+" "+selects(o.Filter), 60),
			strconv.FormatInt(o.Changed, 10), strconv.FormatInt(o.Left, 10), oneLine(o.Person, 40), when(o.CreatedAt, now),
		})
	}
	switch {
	case a.quiet:
		return printIDs(a, ids)
	case a.json():
		return a.printJSON(append([]later.Operation{}, found...))
	}
	return a.table(rows)
}

// selects is a filter as a query, with what no words say as JSON.
func selects(f later.Filter) string {
	text, rest := query.Written(f)
	more, err := json.Marshal(rest)
	switch {
	case err == nil && string(more) != "{}" && text == "":
		return string(more)
	case err == nil && string(more) != "{}":
		return text + " " + string(more)
	case text == "":
		return "all jobs"
	}
	return text
}

func (a *app) showOperation(ctx context.Context, q *later.JobQueue, id int64) error {
	o, err := q.Operation(ctx, id)
	if err != nil {
		return err
	}
	return a.printOperation(o)
}

func (a *app) printOperation(o later.Operation) error {
	switch {
	case a.quiet:
		return printIDs(a, []int64{o.ID})
	case a.json():
		return a.printJSON(o)
	}
	now := time.Now()
	rows := [][]string{{"operation", strconv.FormatInt(o.ID, 10)}, {"state", string(o.State)}, {"action", string(o.Action)}, {"jobs", selects(o.Filter)}}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, value})
		}
	}
	matched := strconv.FormatInt(o.Matched, 10)
	if o.Matched >= store.OperationCounted {
		matched = "more than " + matched
	}
	if o.Action == later.OperationReschedule {
		add("to", a.runsAt(o.At))
	}
	add("matched", matched)
	add("changed", strconv.FormatInt(o.Changed, 10))
	if jobs := query.OfOperation(o); jobs != "" {
		add("which", a.path+" list --where "+jobs)
	}
	add("left alone", strconv.FormatInt(o.Left, 10))
	if o.Restored > 0 || len(o.NotUndone) > 0 {
		add("restored", strconv.FormatInt(o.Restored, 10))
	}
	for _, why := range notUndone(o) {
		add("not restored", why)
	}
	add("person", o.Person)
	add("reason", o.Reason)
	add("begun", when(o.CreatedAt, now))
	if !o.FinishedAt.IsZero() {
		add("ended", when(o.FinishedAt, now))
	}
	if until := o.UndoableUntil(); until.After(now) {
		add("undoable", "until "+until.In(a.zone).Format(time.TimeOnly))
	}
	add("problem", o.Problem)
	return a.pairs(rows)
}

// notUndone is what the undo has left alone, and why.
func notUndone(o later.Operation) (lines []string) {
	for why, n := range o.NotUndone {
		lines = append(lines, fmt.Sprintf("%s: %s", plural(int(n), "job"), why))
	}
	slices.Sort(lines)
	return lines
}

// operate begins an operation and waits for its end. Whoever is tired of waiting leaves
// it to the processes that work on the store, or goes on with op wait.
func (a *app) operate(ctx context.Context, q *later.JobQueue, s steering, f later.Filter) error {
	o := s.operation()
	o.Filter = f
	begun, err := q.Operate(ctx, o)
	if err != nil {
		return err
	}
	if !a.quiet {
		fmt.Fprintf(a.err, "operation %d has begun; to undo it within ten minutes of its end: %s op undo %d\n", begun.ID, a.path, begun.ID)
	}
	return a.awaitOperation(ctx, q, begun.ID, s.done)
}

func (a *app) cancelOperation(ctx context.Context, q *later.JobQueue, id int64) error {
	o, err := q.CancelOperation(ctx, id)
	if err != nil {
		return err
	}
	if a.json() || a.quiet {
		return a.printOperation(o)
	}
	_, err = fmt.Fprintf(a.out, "operation %d is cancelled; it had changed %s\n", o.ID, plural(int(o.Changed), "job"))
	a.hint("op undo %d", o.ID)
	return err
}

func (a *app) undoOperation(ctx context.Context, q *later.JobQueue, id int64) error {
	if _, err := q.UndoOperation(ctx, id); err != nil {
		return err
	}
	return a.awaitOperation(ctx, q, id, "changed")
}

// awaitOperation waits for the end, and says what it came to.
func (a *app) awaitOperation(ctx context.Context, q *later.JobQueue, id int64, done string) error {
	o, err := a.watchOperation(ctx, q, id)
	if ctx.Err() != nil {
		return fmt.Errorf("operation %d has not ended: processes that work on the store go on with it, and so does: %s op wait %d; to end it: %s op cancel %d: %w",
			id, a.path, id, a.path, id, context.Cause(ctx))
	}
	if err != nil {
		return err
	}
	if a.json() || a.quiet {
		err = a.printOperation(o)
	} else {
		err = a.sayEnded(o, done)
	}
	if o.State == later.OperationFailed && err == nil {
		err = fmt.Errorf("operation %d failed: %s", o.ID, o.Problem)
	}
	return err
}

func (a *app) sayEnded(o later.Operation, done string) (err error) {
	if o.State == later.OperationUndone {
		_, err = fmt.Fprintf(a.out, "%s restored\n", plural(int(o.Restored), "job"))
		for _, line := range notUndone(o) {
			fmt.Fprintf(a.err, "not restored: %s\n", line)
		}
		return err
	}
	_, err = fmt.Fprintf(a.out, "%s %s\n", plural(int(o.Changed), "job"), done)
	if o.Left > 0 {
		fmt.Fprintf(a.err, "left alone: %s that could not be changed, such as those whose unique key another job holds\n", plural(int(o.Left), "job"))
	}
	return err
}

// watchOperation takes part in carrying an operation out, and shows how far it is.
func (a *app) watchOperation(ctx context.Context, q *later.JobQueue, id int64) (ended later.Operation, err error) {
	bar := a.progress("operation "+strconv.FormatInt(id, 10), 0)
	defer bar.end()
	over := make(chan struct{})
	go func() {
		defer close(over)
		ended, err = q.AwaitOperation(ctx, id)
	}()
	look := time.NewTicker(progressEvery)
	defer look.Stop()
	for {
		select {
		case <-over:
			return ended, err
		case <-look.C:
			if o, err := q.Operation(ctx, id); err == nil { // else AwaitOperation says so
				bar.operation(o)
			}
		}
	}
}

// operation shows how far one is, or its undo.
func (l *progressLine) operation(o later.Operation) {
	l.done, l.total = int(o.Changed+o.Left), int(o.Matched)
	if o.Matched >= store.OperationCounted {
		l.total = 0
	}
	if o.State == later.OperationUndoing || o.State == later.OperationUndone {
		l.done, l.total = int(o.Restored), int(o.Changed)
		for _, n := range o.NotUndone {
			l.done += int(n)
		}
	}
	l.add(0)
}
