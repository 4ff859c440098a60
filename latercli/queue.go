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
	"github.com/laterjobs/later/internal/nearest"
)

func (a *app) queueCommand() *cobra.Command {
	return group("queue", "List queues, pause them and let them go on, empty them",
		a.queueListCommand(), a.queueShowCommand(), a.queuePauseCommand(), a.queueResumeCommand(), a.queuePurgeCommand())
}

func (a *app) queueListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List queues, with what waits and runs in each",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				stats, err := q.Stats(ctx)
				if err != nil {
					return err
				}
				queues, err := a.queueFlows(ctx, q, stats.Queues)
				if err != nil {
					return err
				}
				processes, err := q.Processes(ctx)
				if err != nil {
					return err
				}
				return a.printQueues(queues, processes)
			})
		},
	}
}

func (a *app) printQueues(queues []queueFlow, processes []later.Process) error {
	switch {
	case a.quiet:
		var names []string
		for _, queue := range queues {
			names = append(names, queue.Name)
		}
		return printIDs(a, names)
	case a.json():
		return a.printJSON(append([]queueFlow{}, queues...))
	}
	return a.table(queueRows(queues, processes))
}

func namesOf(stats later.Stats) []string {
	var names []string
	for _, queue := range stats.Queues {
		names = append(names, queue.Name)
	}
	return names
}

func (a *app) queueShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show QUEUE",
		Short:             "Show one queue, and the processes that work on it",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.showQueue(ctx, q, args[0]) })
		},
	}
}

// shownQueue is what queue show prints for programs.
type shownQueue struct {
	queueFlow
	Processes []later.Process `json:"processes"`
}

func (a *app) showQueue(ctx context.Context, q *later.JobQueue, name string) error {
	stats, err := q.Stats(ctx)
	if err != nil {
		return err
	}
	processes, err := q.Processes(ctx)
	if err != nil {
		return err
	}
	processes = slices.DeleteFunc(processes, func(p later.Process) bool {
		_, serves := p.Queues[name]
		return p.Queues != nil && !serves
	})
	at := slices.IndexFunc(stats.Queues, func(s later.QueueStats) bool { return s.Name == name })
	if at < 0 {
		return unknownQueue(name, namesOf(stats))
	}
	queues, err := a.queueFlows(ctx, q, stats.Queues[at:at+1])
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(shownQueue{queues[0], append([]later.Process{}, processes...)})
	}
	if err := a.printQueues(queues, processes); err != nil || a.quiet {
		return err
	}
	fmt.Fprintln(a.out)
	return a.table(processRows(processes))
}

func unknownQueue(name string, names []string) error {
	if similar := nearest.Name(name, names); similar != "" {
		return fmt.Errorf("queue %q: %w: did you mean %q?", name, later.ErrNotFound, similar)
	}
	return fmt.Errorf("queue %q: %w: it has no jobs and is not paused", name, later.ErrNotFound)
}

func (a *app) queuePauseCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:               "pause QUEUE",
		Short:             "Stop every process from starting jobs of a queue",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				a.warnOfQueue(ctx, q, args[0])
				if err := q.Pause(ctx, args[0], reason); err != nil {
					return err
				}
				defer a.hint("queue resume %s", quoted(args[0]))
				return a.say("queue", args[0], "paused")
			})
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why: shown with the queue")
	return cmd
}

// warnOfQueue says that nobody knows a queue, which may be paused all the same.
func (a *app) warnOfQueue(ctx context.Context, q *later.JobQueue, name string) {
	stats, err := q.Stats(ctx)
	if err != nil || slices.Contains(namesOf(stats), name) {
		return
	}
	if similar := nearest.Name(name, namesOf(stats)); similar != "" {
		fmt.Fprintf(a.err, "no job is in a queue %q: did you mean %q?\n", printable(name), printable(similar))
	}
}

// quoted is a name as a shell reads it.
func quoted(name string) string {
	if name != "" && !strings.ContainsFunc(name, func(r rune) bool { return strings.ContainsRune(" \t\n'\"\\$&;|<>()*?[]{}#~!`", r) }) {
		return name
	}
	return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
}

func (a *app) queueResumeCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "resume QUEUE",
		Short:             "Let a paused queue go on",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				if err := q.Resume(ctx, args[0]); err != nil {
					return err
				}
				defer a.hint("queue show %s", quoted(args[0]))
				return a.say("queue", args[0], "resumed")
			})
		},
	}
}

// atLeast is a number of jobs, of which there may be more than were counted.
func atLeast(jobs int64, more bool) string {
	text := strconv.FormatInt(jobs, 10)
	if more && jobs > 0 {
		return text + "+"
	}
	return text
}

func queueRows(queues []queueFlow, processes []later.Process) [][]string {
	now := time.Now()
	rows := [][]string{{"QUEUE", "STATE", "PENDING", "RUNNING", "SCHEDULED", "OLDEST PENDING", "IN/MIN", "OUT/MIN", "EMPTY IN", "PAUSED"}}
	for _, queue := range queues {
		state, paused := queueState(queue.QueueStats, processes, now)
		rows = append(rows, []string{
			queue.Name, state, atLeast(queue.Pending, queue.PendingMore), atLeast(queue.Running, queue.RunningMore),
			atLeast(queue.Scheduled, queue.ScheduledMore), when(queue.Oldest, now), perMinute(queue.In), perMinute(queue.Out), queue.EmptyIn, oneLine(paused, 60),
		})
	}
	return rows
}

// queueState is what a queue is like, in a word, and since when and why it is paused.
func queueState(queue later.QueueStats, processes []later.Process, now time.Time) (state, paused string) {
	switch {
	case !queue.PausedAt.IsZero():
		return "paused", when(queue.PausedAt, now) + " " + queue.PauseReason
	case slotsOf(processes, queue.Name, now) == 0:
		return "no process", ""
	}
	return "active", ""
}

// slotsOf is how many jobs of a queue run at once, at most.
func slotsOf(processes []later.Process, queue string, now time.Time) (slots int) {
	for _, p := range processes {
		if !claims(p, now) {
			continue
		}
		if p.Queues == nil {
			slots += p.Slots
		} else {
			slots += p.Queues[queue]
		}
	}
	return slots
}

// waits are the statuses of jobs that a queue is emptied of.
var waits = []later.JobStatus{later.StatusPending, later.StatusScheduled, later.StatusRetrying, later.StatusBlocked}

func (a *app) queuePurgeCommand() *cobra.Command {
	change := bulk{verb: "delete", of: deleting.of}
	cmd := &cobra.Command{
		Use:   "purge QUEUE",
		Short: "Delete the jobs that wait in a queue; those that run or have finished stay",
		Long: "Deletes the jobs that wait in a queue: pending, scheduled and retrying ones. Those that run or have finished stay.\n" +
			"More than 100 are deleted by an operation, which can be undone for ten minutes: see op. To keep them in sight,\n" +
			"cancel them: later cancel --queue QUEUE --status pending,scheduled,retrying.",
		Example:           "  later queue purge imports --dry-run\n  later queue purge imports --yes",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(queueNames),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				a.warnOfQueue(ctx, q, args[0])
				return a.steerAll(ctx, q, deleting, change, later.Filter{Queue: args[0], Status: waits})
			})
		},
	}
	change.flags(cmd)
	return cmd
}
