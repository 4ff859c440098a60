package latercli

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) whyCommand() *cobra.Command {
	var m mending
	cmd := &cobra.Command{
		Use:   "why ID",
		Short: "Say why a job is, or is not, running, and what to do",
		Long: "Say why a job is, or is not, running, and what to do. Exits with 9 if something keeps it that somebody should mend.\n" +
			"--fix offers what can be done at once: retry the job, resume its queue or a process that drains.",
		Example: "  later why 48213\n  later why 48213 --fix",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseID(args[0])
			if err != nil {
				return err
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				job, err := get(ctx, q, id)
				if err != nil {
					return err
				}
				report, err := q.Why(ctx, id)
				if err != nil {
					return err
				}
				if !a.json() {
					fmt.Fprintf(a.out, "#%d %s  queue %s  %s\n\n", job.ID, printable(job.Type), printable(job.Queue), statusFor(job, report.At))
				}
				if m.wanted {
					return a.mend(ctx, q, report, m)
				}
				return a.printFindings(report, true)
			})
		},
	}
	m.flags(cmd)
	return cmd
}

// statusFor is the status of a job, and for how long it has had it, as far as that is known.
func statusFor(job later.Job, now time.Time) string {
	since := job.FinishedAt
	switch job.Status {
	case later.StatusRunning:
		since = job.StartedAt
	case later.StatusPending:
		since = job.QueuedAt
		for _, at := range []time.Time{job.ScheduledAt, job.StartedAt} { // of a retry it is not known: after its last attempt began
			if at.After(since) && !at.After(now) {
				since = at
			}
		}
		if job.Attempt > 0 {
			return string(job.Status)
		}
	case later.StatusScheduled, later.StatusRetrying:
		return string(job.Status) + ", due " + when(job.NextRunAt, now)
	}
	if since.IsZero() || since.After(now) {
		return string(job.Status)
	}
	return string(job.Status) + " for " + span(now.Sub(since))
}

func (a *app) doctorCommand() *cobra.Command {
	var known []string
	var m mending
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what needs a person in the whole system",
		Long: "Look for what needs a person in the whole system. Exits with 9 if there is something, for monitors. What is known, and\n" +
			"meant so, can be left out by its code. --fix offers what is safe: to resume queues, schedules and processes that drain.",
		Example: "  later doctor\n  later doctor -o json --ignore L312\n  later doctor --fix",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, code := range known {
				if !findingCode.MatchString(code) {
					return usagef("--ignore %q: the code of a finding is like L312", code)
				}
			}
			return a.withQueue(cmd.Context(), func(ctx context.Context, q *later.JobQueue) error {
				report, err := q.Doctor(ctx)
				if err != nil {
					return err
				}
				report.Findings = slices.DeleteFunc(report.Findings, func(f later.Finding) bool { return slices.Contains(known, f.Code) })
				if m.wanted {
					return a.mend(ctx, q, report, m)
				}
				return a.printFindings(report, false)
			})
		},
	}
	cmd.Flags().StringSliceVar(&known, "ignore", nil, "codes of findings to leave out, separated by commas")
	m.flags(cmd)
	return cmd
}

var findingCode = regexp.MustCompile(`^L\d{3}$`)

// printFindings prints what was found, and fails if somebody should see to it. What is
// fine takes a line each, or brief: one for all.
func (a *app) printFindings(report later.Findings, brief bool) error {
	switch {
	case a.json():
		if err := a.printJSON(report); err != nil {
			return err
		}
	default:
		for _, f := range report.Findings {
			a.printFinding(f)
		}
		a.printFine(report.Fine, brief)
	}
	if n := report.Bad(); n > 0 {
		return coded(exitProblem, fmt.Errorf("problems found: %d; %s help %s explains a code", n, a.path, worst(report)))
	}
	return nil
}

func (a *app) printFine(fine []string, brief bool) {
	lines := []string{""}
	for _, text := range fine {
		text = "✓ " + printable(text)
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = text
		case brief && displayWidth(*last+"   "+text) <= 100:
			*last += "   " + text
		default:
			lines = append(lines, text)
		}
	}
	if len(fine) > 0 {
		fmt.Fprintln(a.out, strings.Join(lines, "\n"))
	}
}

// worst is the code of a finding that somebody should see to.
func worst(report later.Findings) string {
	for _, f := range report.Findings {
		if f.Severity != later.SeverityInfo {
			return f.Code
		}
	}
	return ""
}

var severityMarks = map[later.FindingSeverity]string{later.SeverityError: "✖", later.SeverityWarning: "▲", later.SeverityInfo: "·"}

var severityColours = map[later.FindingSeverity]string{later.SeverityError: red, later.SeverityWarning: yellow}

func (a *app) printFinding(f later.Finding) {
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(a.out, "  %-9s %s\n", name, printable(oneLine(text, 400)))
		}
	}
	mark := a.paint(severityColours[f.Severity], severityMarks[f.Severity])
	fmt.Fprintf(a.out, "%s %s  %s\n", mark, printable(f.Text), a.paint(faint, f.Code))
	for _, e := range f.Evidence {
		if e.Value != "" {
			fmt.Fprintf(a.out, "  %s: %s\n", printable(e.Name), printable(oneLine(e.Value, 400)))
		}
	}
	line("now", f.Fix.Now)
	line("command", f.Fix.Command)
	line("in code", f.Fix.Code)
	if f.Severity != later.SeverityInfo {
		line("more", a.path+" help "+f.Code)
	}
	fmt.Fprintln(a.out)
}
