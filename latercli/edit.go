package latercli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/redact"
)

func (a *app) editCommand() *cobra.Command {
	var e editing
	cmd := &cobra.Command{
		Use:   "edit ID",
		Short: "Change the arguments of a job in your editor, or its queue or priority, and store it again",
		Long: "Opens the arguments of a job in $VISUAL or $EDITOR, checks what you have made of them, and stores the job\n" +
			"once more. One that still waits is replaced, with its time; one that has finished stays, and the new one is\n" +
			"pending. Values shown as [redacted] keep what they are if you leave them so.\n" +
			"With --queue or --priority alone the arguments stay, and no editor opens.",
		Example: "  later edit 42\n  later edit 42 --args '{\"user_id\": 43}'\n  later edit 42 --queue mailers",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := a.parseIDs(args)
			if err != nil {
				return err
			}
			if len(ids) != 1 {
				return usagef("one job, please")
			}
			e.options = e.changed(cmd)
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				return a.edit(ctx, q, ids[0], e)
			})
		},
	}
	cmd.Flags().StringVar(&e.queue, "queue", "", "another queue")
	cmd.Flags().IntVar(&e.priority, "priority", 0, "another priority: higher first, −32768 to 32767")
	a.complete(cmd, "queue", queueNames)
	cmd.Flags().StringVar(&e.args, "args", "", "the new arguments as JSON, instead of an editor; @FILE reads a file, - the standard input")
	return cmd
}

// editing is the flags of edit.
type editing struct {
	args, queue string
	priority    int
	options     []later.CallOption // that are to change
}

func (e *editing) changed(cmd *cobra.Command) (opts []later.CallOption) {
	if cmd.Flags().Changed("queue") {
		opts = append(opts, later.Queue(e.queue))
	}
	if cmd.Flags().Changed("priority") {
		opts = append(opts, later.Priority(e.priority))
	}
	return opts
}

func (a *app) edit(ctx context.Context, q *later.JobQueue, id int64, e editing) error {
	job, err := q.Get(ctx, id)
	if err != nil {
		return err
	}
	visible, err := q.Redact(ctx, job)
	if err != nil {
		return err
	}
	shown := visible[0].Args
	var edited json.RawMessage
	switch {
	case e.args != "":
		edited, err = a.readArgs(e.args)
	case len(e.options) > 0:
		edited = shown
	default:
		edited, err = a.inEditor(ctx, id, shown)
	}
	if err != nil {
		return err
	}
	if edited, err = redact.Restore(job.Args, shown, edited); err != nil {
		return usagef("the arguments: %w", err)
	}
	if redact.Same(job.Args, edited) && len(e.options) == 0 {
		fmt.Fprintln(a.err, "the arguments are the same: nothing was changed")
		return nil
	}
	stored, err := q.Edit(ctx, id, edited, e.options...)
	if err != nil {
		return err
	}
	if visible, err = q.Redact(ctx, stored); err != nil {
		return err
	}
	return a.printEnqueued(visible[0])
}

// inEditor lets a person edit JSON in a file that nobody else can read.
func (a *app) inEditor(ctx context.Context, id int64, args json.RawMessage) (json.RawMessage, error) {
	editor := os.Getenv("VISUAL")
	if editor == "" {
		editor = os.Getenv("EDITOR")
	}
	if editor == "" || a.noInput {
		return nil, usagef("no editor: set EDITOR, or give the new arguments with --args")
	}
	file, err := os.CreateTemp("", fmt.Sprintf("later-job-%d-*.json", id))
	if err != nil {
		return nil, err
	}
	defer os.Remove(file.Name())
	var pretty bytes.Buffer
	if json.Indent(&pretty, args, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(args)
	}
	pretty.WriteByte('\n')
	if _, err := file.Write(pretty.Bytes()); err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	words := strings.Fields(editor)
	cmd := exec.CommandContext(ctx, words[0], append(words[1:], file.Name())...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = a.in, whole(a.out), whole(a.err)
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("the editor %s: %w; nothing was changed", editor, err)
	}
	return os.ReadFile(file.Name())
}
