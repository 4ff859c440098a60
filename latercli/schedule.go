package latercli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/nearest"
)

func (a *app) scheduleCommand() *cobra.Command {
	return group("schedule", "Look at schedules, run, pause and delete them",
		a.scheduleListCommand(), a.scheduleShowCommand(), a.scheduleNextCommand(), a.scheduleRunCommand(),
		a.schedulePauseCommand(), a.scheduleResumeCommand(), a.scheduleDeleteCommand(), a.scheduleCheckCommand())
}

func (a *app) scheduleListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List schedules, with when they run next",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				schedules, err := a.visibleSchedules(ctx, q)
				if err != nil {
					return err
				}
				return a.printSchedules(schedules)
			})
		},
	}
}

// visibleSchedules are all, with what of their arguments may be shown.
func (a *app) visibleSchedules(ctx context.Context, q *later.JobQueue) ([]later.Schedule, error) {
	schedules, err := q.Schedules(ctx)
	if err != nil {
		return nil, err
	}
	jobs := make([]later.Job, len(schedules))
	for i, s := range schedules {
		jobs[i] = later.Job{Type: s.Type, Args: s.Args}
	}
	if jobs, err = q.Redact(ctx, jobs...); err != nil {
		return nil, err
	}
	for i := range schedules {
		schedules[i].Args = jobs[i].Args
	}
	return schedules, nil
}

func (a *app) printSchedules(schedules []later.Schedule) error {
	now := time.Now()
	rows, names := [][]string{{"SCHEDULE", "STATE", "RULE", "ZONE", "TYPE", "QUEUE", "NEXT RUN", "LAST JOB", "DETAILS"}}, []string{}
	for _, s := range schedules {
		state, more := scheduleState(s, now)
		last := ""
		if s.LastJob != 0 {
			last = strconv.FormatInt(s.LastJob, 10)
		}
		names = append(names, s.Name)
		rows = append(rows, []string{s.Name, state, s.Rule, s.Zone, s.Type, s.Queue, when(s.NextRun, now), last, oneLine(more, 60)})
	}
	switch {
	case a.quiet:
		return printIDs(a, names)
	case a.json():
		return a.printJSON(append([]later.Schedule{}, schedules...))
	}
	return a.table(rows)
}

// scheduleState says in a word how a schedule is, and more about it.
func scheduleState(s later.Schedule, now time.Time) (state, more string) {
	switch {
	case s.Problem != "":
		return "broken", s.Problem
	case !s.PausedAt.IsZero():
		return "paused", when(s.PausedAt, now) + " " + s.PauseReason
	}
	return "active", ""
}

// withSchedule calls do with one schedule.
func (a *app) withSchedule(ctx context.Context, name string, do func(context.Context, *later.JobQueue, later.Schedule) error) error {
	return a.withQueue(ctx, func(ctx context.Context, q *later.JobQueue) error {
		schedules, err := a.visibleSchedules(ctx, q)
		if err != nil {
			return err
		}
		var names []string
		for _, s := range schedules {
			if s.Name == name {
				return do(ctx, q, s)
			}
			names = append(names, s.Name)
		}
		if similar := nearest.Name(name, names); similar != "" {
			return fmt.Errorf("schedule %q: %w: did you mean %q?", name, later.ErrNotFound, similar)
		}
		return fmt.Errorf("schedule %q: %w", name, later.ErrNotFound)
	})
}

// scheduleVerb is a command about one schedule.
func (a *app) scheduleVerb(use, short string, do func(context.Context, *later.JobQueue, later.Schedule) error) *cobra.Command {
	return &cobra.Command{
		Use: use + " NAME", Short: short, Args: cobra.ExactArgs(1), ValidArgsFunction: a.firstName(scheduleNames),
		RunE: func(cmd *cobra.Command, args []string) error { return a.withSchedule(cmd.Context(), args[0], do) },
	}
}

func (a *app) scheduleShowCommand() *cobra.Command {
	return a.scheduleVerb("show", "Show one schedule, and what it enqueues", func(_ context.Context, _ *later.JobQueue, s later.Schedule) error {
		if a.json() || a.quiet {
			return a.printSchedules([]later.Schedule{s})
		}
		return a.printSchedule(s)
	})
}

func (a *app) scheduleNextCommand() *cobra.Command {
	count := 5
	cmd := a.scheduleVerb("next", "Say when a schedule runs next", func(_ context.Context, _ *later.JobQueue, s later.Schedule) error {
		runs, err := s.NextRuns(min(max(count, 1), 1000))
		if err != nil {
			return err
		}
		return a.printRuns(runs)
	})
	cmd.Flags().IntVarP(&count, "count", "n", count, "how many times, up to 1000")
	return cmd
}

func (a *app) printRuns(runs []time.Time) error {
	if a.json() {
		return a.printJSON(append([]time.Time{}, runs...))
	}
	now := time.Now()
	for _, at := range runs {
		if _, err := fmt.Fprintf(a.out, "%s  %s\n", at.In(a.zone).Format("Mon 2 Jan 2006 15:04:05 MST"), when(at, now)); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) scheduleRunCommand() *cobra.Command {
	return a.scheduleVerb("run", "Enqueue the schedule's job now, besides its times", func(ctx context.Context, q *later.JobQueue, s later.Schedule) error {
		job, err := q.RunSchedule(ctx, s.Name)
		if err != nil {
			return err
		}
		visible, err := q.Redact(ctx, job)
		if err != nil {
			return err
		}
		return a.printEnqueued(visible[0])
	})
}

func (a *app) schedulePauseCommand() *cobra.Command {
	var reason string
	cmd := a.scheduleVerb("pause", "Let a schedule enqueue nothing", func(ctx context.Context, q *later.JobQueue, s later.Schedule) error {
		if err := q.PauseSchedule(ctx, s.Name, reason); err != nil {
			return err
		}
		defer a.hint("schedule resume %s", quoted(s.Name))
		return a.say("schedule", s.Name, "paused")
	})
	cmd.Flags().StringVar(&reason, "reason", "", "why: shown with the schedule")
	return cmd
}

func (a *app) scheduleResumeCommand() *cobra.Command {
	return a.scheduleVerb("resume", "Let a paused schedule go on", func(ctx context.Context, q *later.JobQueue, s later.Schedule) error {
		if err := q.ResumeSchedule(ctx, s.Name); err != nil {
			return err
		}
		return a.say("schedule", s.Name, "resumed")
	})
}

func (a *app) scheduleDeleteCommand() *cobra.Command {
	return a.scheduleVerb("delete", "Delete a schedule; one that is defined in code comes back with its program", func(ctx context.Context, q *later.JobQueue, s later.Schedule) error {
		if err := q.DeleteSchedule(ctx, s.Name); err != nil {
			return err
		}
		return a.say("schedule", s.Name, "deleted")
	})
}

func (a *app) scheduleCheckCommand() *cobra.Command {
	count, zone := 5, ""
	cmd := &cobra.Command{
		Use:     "check EXPRESSION",
		Short:   "Check a cron expression or an interval, and say when it would run",
		Example: "  later schedule check '*/15 9-17 * * MON-FRI' --zone Europe/Berlin\n  later schedule check '@every 90s'",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			runs, err := later.Cron(args[0], zone).NextRuns(min(max(count, 1), 1000))
			if err != nil {
				return err
			}
			if len(runs) == 0 {
				return fmt.Errorf("%q is never due", args[0])
			}
			if zone != "" && a.timeZone == "" {
				a.zone = runs[0].Location()
			}
			return a.printRuns(slices.Clip(runs))
		},
	}
	cmd.Flags().IntVarP(&count, "count", "n", count, "how many times, up to 1000")
	cmd.Flags().StringVar(&zone, "zone", "", "zone in which the rule counts (UTC)")
	return cmd
}
