package latercli

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) whyCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "why ID",
		Short:   "Say why a job is, or is not, running, and what to do",
		Long:    "Say why a job is, or is not, running, and what to do. Exits with 9 if something keeps it that somebody should mend.",
		Example: "  later why 48213",
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
					fmt.Fprintf(a.out, "#%d %s  queue %s  %s\n\n", job.ID, printable(job.Type), printable(job.Queue), job.Status)
				}
				return a.printFindings(report)
			})
		},
	}
}

func (a *app) doctorCommand() *cobra.Command {
	var known []string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what needs a person in the whole system",
		Long: "Look for what needs a person in the whole system. Exits with 9 if there is something, for monitors. What is known, and\n" +
			"meant so, can be left out by its code.",
		Example: "  later doctor\n  later doctor -o json --ignore L312",
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
				return a.printFindings(report)
			})
		},
	}
	cmd.Flags().StringSliceVar(&known, "ignore", nil, "codes of findings to leave out, separated by commas")
	return cmd
}

var findingCode = regexp.MustCompile(`^L\d{3}$`)

// printFindings prints what was found, and fails if somebody should see to it.
func (a *app) printFindings(report later.Findings) error {
	if a.json() {
		if err := a.printJSON(report); err != nil {
			return err
		}
	} else {
		for _, f := range report.Findings {
			a.printFinding(f)
		}
		for _, fine := range report.Fine {
			fmt.Fprintln(a.out, "✓ "+printable(fine))
		}
	}
	if n := report.Bad(); n > 0 {
		return coded(exitProblem, fmt.Errorf("problems found: %d; %s help %s explains a code", n, a.path, worst(report)))
	}
	return nil
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

func (a *app) printFinding(f later.Finding) {
	line := func(name, text string) {
		if text != "" {
			fmt.Fprintf(a.out, "  %-9s %s\n", name, printable(oneLine(text, 400)))
		}
	}
	fmt.Fprintf(a.out, "%s %s  %s\n", severityMarks[f.Severity], printable(f.Text), f.Code)
	for _, e := range f.Evidence {
		if e.Value != "" {
			fmt.Fprintf(a.out, "  %s: %s\n", printable(e.Name), printable(oneLine(e.Value, 400)))
		}
	}
	line("now", f.Fix.Now)
	line("command", f.Fix.Command)
	line("in code", f.Fix.Code)
	fmt.Fprintln(a.out)
}
