package latercli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) processCommand() *cobra.Command {
	return group("process", "List processes, let them drain and resume, see the stack of a running job",
		a.processListCommand(), a.processShowCommand(),
		a.processAskCommand("drain", "Let a process claim nothing more, finish what runs, and go on living", later.RequestDrain),
		a.processAskCommand("resume", "Let a process that drains claim jobs again", later.RequestResume),
		a.processStackCommand())
}

func (a *app) processListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the processes that work on the store",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				processes, err := q.Processes(ctx)
				switch {
				case err != nil:
					return err
				case a.quiet:
					return printIDs(a, processNames(processes))
				case a.json():
					return a.printJSON(append([]later.Process{}, processes...))
				}
				return a.table(processRows(processes))
			})
		},
	}
}

func processNames(processes []later.Process) (names []string) {
	for _, p := range processes {
		names = append(names, strconv.FormatInt(p.ID, 36))
	}
	return names
}

func processIDs(ctx context.Context, q *later.JobQueue) ([]string, error) {
	processes, err := q.Processes(ctx)
	return processNames(processes), err
}

// shownProcess is what process show prints for programs.
type shownProcess struct {
	later.Process
	Running []later.Job `json:"running"`
}

func (a *app) processShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show PROCESS",
		Short:             "Show one process, and the jobs that it runs",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(processIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				p, err := findProcess(ctx, q, args[0])
				if err != nil {
					return err
				}
				running, err := runningIn(ctx, q, p)
				if err != nil {
					return err
				}
				return a.printProcess(p, running)
			})
		},
	}
}

// runningIn are jobs that a process runs, without what may not be shown.
func runningIn(ctx context.Context, q *later.JobQueue, p later.Process) ([]later.Job, error) {
	running, err := q.List(ctx, later.Filter{Status: []later.JobStatus{later.StatusRunning}, Limit: 1000})
	if err != nil {
		return nil, err
	}
	running = slices.DeleteFunc(running, func(job later.Job) bool { return job.ProcessID != p.ID })
	return q.Redact(ctx, running...)
}

func (a *app) printProcess(p later.Process, running []later.Job) error {
	if a.json() {
		return a.printJSON(shownProcess{p, append([]later.Job{}, running...)})
	}
	if err := a.table(processRows([]later.Process{p})); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\nPerforms: %s\n\n", printable(strings.Join(p.Performs, ", ")))
	rows := [][]string{{"JOB", "TYPE", "QUEUE", "STARTED"}}
	for _, job := range running {
		rows = append(rows, []string{strconv.FormatInt(job.ID, 10), job.Type, job.Queue, job.StartedAt.In(a.zone).Format("15:04:05")})
	}
	return a.table(rows)
}

// findProcess finds a process by its id as it is listed, in JSON, or by its number in the
// operating system.
func findProcess(ctx context.Context, q *later.JobQueue, name string) (later.Process, error) {
	processes, err := q.Processes(ctx)
	if err != nil {
		return later.Process{}, err
	}
	for _, as := range []func(later.Process) string{
		func(p later.Process) string { return strconv.FormatInt(p.ID, 36) },
		func(p later.Process) string { return strconv.FormatInt(p.ID, 10) },
		func(p later.Process) string { return strconv.Itoa(p.PID) },
	} {
		var found []later.Process
		for _, p := range processes {
			if as(p) == name {
				found = append(found, p)
			}
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	return later.Process{}, fmt.Errorf("process %q: %w; there are: %s", name, later.ErrNotFound, strings.Join(processNames(processes), ", "))
}

func (a *app) processAskCommand(verb, short string, kind later.RequestKind) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " PROCESS",
		Short:             short,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(processIDs),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				p, err := findProcess(ctx, q, args[0])
				if err != nil {
					return err
				}
				if err := a.askProcess(ctx, q, later.ProcessRequest{Kind: kind, ProcessID: p.ID}); err != nil {
					return err
				}
				if kind == later.RequestDrain {
					a.hint("process resume %s    to let it claim jobs again", strconv.FormatInt(p.ID, 36))
				}
				return nil
			})
		},
	}
}

func (a *app) processStackCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stack JOB",
		Short: "Show where the goroutines of a running job are",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				return a.askProcess(ctx, q, later.ProcessRequest{Kind: later.RequestStack, JobID: id})
			})
		},
	}
}

// askProcess asks, and prints the answer.
func (a *app) askProcess(ctx context.Context, q *later.JobQueue, r later.ProcessRequest) error {
	asked, err := q.AskProcess(ctx, r)
	if err != nil {
		return err
	}
	answered, err := q.AwaitAnswer(ctx, asked.ID)
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(answered)
	}
	_, err = fmt.Fprintln(a.out, answerText(answered.Answer))
	return err
}

// answerText is an answer for a terminal: the tabs of a stack are as they should be.
func answerText(text string) string {
	return printable(strings.ReplaceAll(text, "\t", "    "))
}
