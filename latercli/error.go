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

func (a *app) errorCommand() *cobra.Command {
	return group("error", "List what jobs fail of, one line for each cause, and retry all that failed of one",
		a.errorListCommand(), a.errorShowCommand(), a.errorRetryCommand(), a.errorMuteCommand())
}

func (a *app) errorListCommand() *cobra.Command {
	var f later.CauseFilter
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List the causes of failures, those seen last first",
		Example: "  later error list --failed\n  later error list --type EmailJob -o json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.Limit < 1 || f.Limit > 1000 {
				return usagef("--limit %d: choose 1 to 1000", f.Limit)
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error { return a.listErrors(ctx, q, f) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Type, "type", "", "only of this type of jobs")
	flags.BoolVar(&f.Failed, "failed", false, "only those of which jobs have failed for good")
	flags.BoolVar(&f.Unmuted, "unmuted", false, "without those that are muted")
	flags.IntVarP(&f.Limit, "limit", "n", 50, "at most so many")
	a.complete(cmd, "type", typeNames)
	return cmd
}

func (a *app) listErrors(ctx context.Context, q *later.JobQueue, f later.CauseFilter) error {
	causes, err := q.Causes(ctx, f)
	if err != nil {
		return err
	}
	switch {
	case a.quiet:
		return printIDs(a, causeIDs(causes))
	case a.json():
		return a.printJSON(append([]later.Cause{}, causes...))
	}
	return a.table(causeRows(causes, time.Now()))
}

func causeRows(causes []later.Cause, now time.Time) [][]string {
	rows := [][]string{{"ID", "TYPE", "FAILED", "RETRYING", "TOTAL", "LAST SEEN", "STATE", "ERROR"}}
	for _, c := range causes {
		muted := ""
		if c.Muted(now) {
			muted = "muted"
		}
		rows = append(rows, []string{
			c.ID.String(), c.Type, strconv.FormatInt(c.Failed, 10), strconv.FormatInt(c.Retrying, 10),
			strconv.FormatInt(c.Total, 10), when(c.LastSeen, now), muted, oneLine(c.Title, 100),
		})
	}
	return rows
}

func causeIDs(causes []later.Cause) []later.CauseID {
	ids := make([]later.CauseID, len(causes))
	for i, c := range causes {
		ids[i] = c.ID
	}
	return ids
}

func (a *app) errorShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:               "show ID",
		Short:             "Show one cause, and the newest jobs that failed of it",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(causeNames),
		RunE:              a.withCause(a.showError),
	}
}

// shownError is what error show prints for programs.
type shownError struct {
	later.Cause
	Jobs []later.Job `json:"jobs"`
}

// causeJobs is how many jobs error show lists.
const causeJobs = 20

func (a *app) showError(ctx context.Context, q *later.JobQueue, c later.Cause) error {
	jobs, err := q.List(ctx, later.Filter{Cause: c.ID, Limit: causeJobs})
	if err == nil {
		jobs, err = q.Redact(ctx, jobs...)
	}
	if err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(shownError{c, append([]later.Job{}, jobs...)})
	}
	now := time.Now()
	rows := [][]string{
		{"cause", c.ID.String()}, {"type", c.Type}, {"error type", c.ErrorType}, {"error", c.Title}, {"first", c.Sample},
		{"first seen", when(c.FirstSeen, now)}, {"last seen", when(c.LastSeen, now)}, {"failures", strconv.FormatInt(c.Total, 10)},
		{"failed", strconv.FormatInt(c.Failed, 10)}, {"retrying", strconv.FormatInt(c.Retrying, 10)},
	}
	if c.Muted(now) {
		rows = append(rows, []string{"muted", "until " + a.clock(c.MutedUntil)})
	}
	if err := a.pairs(rows); err != nil {
		return err
	}
	if len(jobs) == 0 {
		return nil
	}
	list := [][]string{{"JOB", "QUEUE", "STATUS", "QUEUED", "ERROR"}}
	for _, job := range jobs {
		list = append(list, []string{strconv.FormatInt(job.ID, 10), job.Queue, string(job.Status), when(job.QueuedAt, now), oneLine(job.Error, 100)})
	}
	fmt.Fprintln(a.out)
	if err := a.table(list); err != nil {
		return err
	}
	a.hint("error retry %s", c.ID)
	return nil
}

func (a *app) errorRetryCommand() *cobra.Command {
	change := bulk{verb: "retry", of: retrying.of}
	cmd := &cobra.Command{
		Use:   "retry ID",
		Short: "Make all jobs pending again that failed of a cause, or are to be retried because of it",
		Long: "Makes the jobs pending whose latest error has this cause: those that failed start over with all their retries,\n" +
			"those that would be retried later run at once.",
		Example:           "  later error retry 2f6c0d1e9a3b4c5d --dry-run",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(causeNames),
		RunE: a.withCause(func(ctx context.Context, q *later.JobQueue, c later.Cause) error {
			return a.steerAll(ctx, q, retrying, change, later.Filter{Cause: c.ID})
		}),
	}
	change.flags(cmd)
	return cmd
}

func (a *app) errorMuteCommand() *cobra.Command {
	var off bool
	var until string
	cmd := &cobra.Command{
		Use:               "mute ID",
		Short:             "Let a cause raise no attention for a while; its jobs go their way",
		Example:           "  later error mute 2f6c0d1e9a3b4c5d --until 'monday 09:00'\n  later error mute 2f6c0d1e9a3b4c5d --off",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: a.firstName(causeNames),
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		now := time.Now().In(a.zone)
		end, err := parseTime(until, now)
		if err != nil {
			return usagef("--until: %w", err)
		}
		if !end.After(now) {
			return usagef("--until %s: that is over", until)
		}
		return a.withCause(func(ctx context.Context, q *later.JobQueue, c later.Cause) error {
			if off {
				return a.muted(ctx, q, c, time.Time{}, "no longer muted")
			}
			return a.muted(ctx, q, c, end, "muted until "+a.clock(end))
		})(cmd, args)
	}
	cmd.Flags().StringVar(&until, "until", "1d", "how long: a time, or a while such as 3d; see help times")
	cmd.Flags().BoolVar(&off, "off", false, "end it")
	cmd.MarkFlagsMutuallyExclusive("until", "off")
	return cmd
}

func (a *app) muted(ctx context.Context, q *later.JobQueue, c later.Cause, until time.Time, state string) error {
	if err := q.Mute(ctx, c.ID, until); err != nil {
		return err
	}
	return a.say("cause", c.ID.String(), state)
}

// withCause looks up the cause that the first argument names.
func (a *app) withCause(do func(context.Context, *later.JobQueue, later.Cause) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		id, err := store.ParseCauseID(args[0])
		if err != nil {
			return usagef("%q is no id of a cause: error list shows them", args[0])
		}
		return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
			causes, err := q.Causes(ctx, later.CauseFilter{IDs: []later.CauseID{id}})
			switch {
			case err != nil:
				return err
			case len(causes) == 0:
				return fmt.Errorf("cause %s: %w: it is forgotten when no job has failed of it for 30 days", id, later.ErrNotFound)
			}
			return do(ctx, q, causes[0])
		})
	}
}

func causeNames(ctx context.Context, q *later.JobQueue) ([]string, error) {
	causes, err := q.Causes(ctx, later.CauseFilter{CountTo: 1})
	var found []string
	for _, c := range causes {
		found = append(found, c.ID.String())
	}
	return found, err
}
