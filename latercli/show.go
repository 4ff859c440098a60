package latercli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) showCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show everything about one job: its fields, attempts, steps and log",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := a.parseIDs(args)
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				return a.show(ctx, q, ids[0])
			})
		},
	}
}

// get is a job; if there is none, the error says what may have become of it.
func get(ctx context.Context, q *later.JobQueue, id int64) (later.Job, error) {
	job, err := q.Get(ctx, id)
	if !errors.Is(err, later.ErrNotFound) {
		return job, err
	}
	newest, failed := q.List(ctx, later.Filter{Limit: 1})
	switch {
	case failed != nil:
		return job, err
	case len(newest) == 0:
		return job, fmt.Errorf("%w: there is no job in this store", err)
	case newest[0].ID < id:
		return job, fmt.Errorf("%w: the newest job is %d", err, newest[0].ID)
	}
	return job, fmt.Errorf("%w: deleted, or finished so long ago that it was pruned; some ids are never used", err)
}

// shown is what show prints for programs.
type shown struct {
	later.Job
	Attempts []later.Attempt `json:"attempts"`
	Steps    []later.JobStep `json:"steps"`
	Log      []later.LogLine `json:"log"`
}

func (a *app) show(ctx context.Context, q *later.JobQueue, id int64) error {
	job, err := get(ctx, q, id)
	if err != nil {
		return err
	}
	attempts, err := q.Attempts(ctx, id)
	if err != nil {
		return err
	}
	steps, err := q.Steps(ctx, id)
	if err != nil {
		return err
	}
	log, err := q.Log(ctx, id)
	if err != nil {
		return err
	}
	visible, err := q.Redact(ctx, job)
	if err != nil {
		return err
	}
	job = visible[0]
	if a.quiet {
		return printIDs(a, []int64{job.ID})
	}
	if a.json() {
		return a.printJSON(shown{job, attempts, steps, log})
	}
	if err := a.pairs(a.fields(job)); err != nil {
		return err
	}
	return a.history(attempts, steps, log)
}

// fields lists what is known of a job, without what is empty.
func (a *app) fields(job later.Job) [][]string {
	now := time.Now()
	at := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return a.clock(t) + " (" + when(t, now) + ")"
	}
	var rows [][]string
	for _, field := range [][2]string{
		{"id", strconv.FormatInt(job.ID, 10)}, {"type", job.Type}, {"queue", job.Queue},
		{"status", string(job.Status)}, {"priority", strconv.Itoa(job.Priority)},
		{"attempt", fmt.Sprintf("%d of %d", job.Attempt, job.MaxRetries+1)},
		{"crashes", strings.TrimPrefix(strconv.Itoa(job.Crashes), "0")},
		{"reason", job.Reason}, {"error", job.Error},
		{"arguments", string(job.Args)}, {"result", string(job.Result)}, {"metadata", string(job.Metadata)},
		{"user", job.UserID}, {"target", job.TargetID}, {"tags", strings.Join(job.Tags, ", ")},
		{"queued", at(job.QueuedAt)}, {"scheduled", at(job.ScheduledAt)}, {"next run", at(job.NextRunAt)},
		{"started", at(job.StartedAt)}, {"finished", at(job.FinishedAt)}, {"progress", progress(job.Progress)},
	} {
		if field[1] != "" {
			rows = append(rows, field[:])
		}
	}
	return rows
}

func progress(p later.Progress) string {
	switch {
	case p.At.IsZero():
		return ""
	case p.Total == 0:
		return strings.TrimSpace(fmt.Sprintf("%d %s", p.Done, p.Message))
	}
	return strings.TrimSpace(fmt.Sprintf("%d of %d %s", p.Done, p.Total, p.Message))
}

func (a *app) history(attempts []later.Attempt, steps []later.JobStep, log []later.LogLine) error {
	if len(attempts) > 0 {
		fmt.Fprintln(a.out)
		rows := [][]string{{"ATTEMPT", "OUTCOME", "STARTED", "TOOK", "ERROR"}}
		for _, attempt := range attempts {
			rows = append(rows, []string{
				strconv.Itoa(attempt.Number), string(attempt.Outcome),
				a.clock(attempt.StartedAt),
				span(attempt.FinishedAt.Sub(attempt.StartedAt)), oneLine(attempt.Error, 80),
			})
		}
		if err := a.table(rows); err != nil {
			return err
		}
	}
	if len(steps) > 0 {
		fmt.Fprintln(a.out)
		rows := [][]string{{"STEP", "KIND", "SAVED", "RESULT"}}
		for _, step := range steps {
			rows = append(rows, []string{
				printable(step.Name), printable(string(step.Kind)), a.clock(step.At), oneLine(string(step.Result), 80),
			})
		}
		if err := a.table(rows); err != nil {
			return err
		}
	}
	for i, line := range log {
		if i == 0 {
			fmt.Fprintln(a.out, "\nLOG")
		}
		a.printLine(line)
	}
	return nil
}
