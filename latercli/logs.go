package latercli

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) logsCommand() *cobra.Command {
	var follow bool
	cmd := &cobra.Command{
		Use:   "logs ID",
		Short: "Print what a job has logged",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := a.parseIDs(args)
			if err != nil {
				return err
			}
			if len(ids) != 1 {
				return usagef("one job, please")
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				if follow {
					return a.followLog(ctx, q, ids[0])
				}
				if _, err := q.Get(ctx, ids[0]); err != nil {
					return err
				}
				lines, err := q.Log(ctx, ids[0])
				if err != nil {
					return err
				}
				return a.printLog(lines)
			})
		},
	}
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what it logs, until it is finished")
	return cmd
}

// logPoll is how often a log that is followed is read.
const logPoll = 300 * time.Millisecond

// followLog prints what comes to a log until the job is finished.
func (a *app) followLog(ctx context.Context, q *later.JobQueue, id int64) error {
	if a.output == "json" {
		return usagef("-o json is one document, which --follow never has: choose jsonl")
	}
	poll := time.NewTicker(logPoll)
	defer poll.Stop()
	var last []later.LogLine
	for {
		job, err := q.Get(ctx, id) // first: what it logs before it is finished is there then
		if err != nil {
			return err
		}
		lines, err := q.Log(ctx, id)
		if err != nil {
			return err
		}
		if err := a.printLog(newLines(last, lines)); err != nil {
			return err
		}
		if last = lines; job.Status.Finished() {
			return nil
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// newLines are those of a log that were not there before. The oldest may be gone since.
func newLines(before, now []later.LogLine) []later.LogLine {
	if len(before) == 0 {
		return now
	}
	last := before[len(before)-1]
	for i := len(now) - 1; i >= 0; i-- {
		if reflect.DeepEqual(now[i], last) {
			return now[i+1:]
		}
	}
	return now
}

func (a *app) printLog(lines []later.LogLine) error {
	if a.json() {
		if lines == nil {
			lines = []later.LogLine{}
		}
		if a.output == "csv" && len(lines) == 0 {
			return nil
		}
		return a.printJSON(lines)
	}
	for _, line := range lines {
		a.printLine(line)
	}
	return nil
}

func (a *app) printLine(line later.LogLine) {
	fmt.Fprintf(a.out, "%s  %-5s  %s %s\n", line.At.In(a.zone).Format("15:04:05.000"),
		printable(line.Level), printable(line.Message), printable(string(line.Attrs)))
}
