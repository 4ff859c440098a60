package latercli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

func (a *app) statsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "stats",
		Short: "Count the jobs per status and per queue, and name the processes that work",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return a.withQueue(cmd.Context(), a.stats) },
	}
}

// counted is what stats prints for programs.
type counted struct {
	later.Stats
	Processes []later.Process `json:"processes"`
}

func (a *app) stats(ctx context.Context, q *later.JobQueue) error {
	stats, err := q.Stats(ctx)
	if err != nil {
		return err
	}
	processes, err := q.Processes(ctx)
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(counted{stats, processes})
	}
	queues, err := a.queueFlows(ctx, q, stats.Queues)
	if err != nil {
		return err
	}
	rows := [][]string{{"STATUS", "JOBS"}}
	for _, status := range store.Statuses {
		rows = append(rows, []string{string(status), atLeast(stats.Counts[status], stats.More[status])})
	}
	if err := a.table(rows); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	if err := a.table(queueRows(queues, processes)); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	return a.table(processRows(processes))
}

func processRows(processes []later.Process) [][]string {
	now := time.Now()
	rows := [][]string{{"PROCESS", "HOST", "PID", "STATE", "SLOTS", "STARTED", "LAST HEARTBEAT"}}
	for _, process := range processes {
		rows = append(rows, []string{
			strconv.FormatInt(process.ID, 36), process.Host, strconv.Itoa(process.PID), processState(process, now),
			strconv.Itoa(process.Slots), when(process.StartedAt, now), when(process.BeatAt, now),
		})
	}
	return rows
}

// longSilence is the default of Config.TimeToDie: that of the process is not known here.
const longSilence = 15 * time.Second

// processState is what a process says of itself, unless it can say nothing more.
func processState(p later.Process, now time.Time) string {
	switch {
	case p.Ended:
		return "died"
	case now.Sub(p.BeatAt) > longSilence:
		return "silent"
	}
	return string(p.State)
}
