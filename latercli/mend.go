package latercli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

// mending is what --fix asks for.
type mending struct{ wanted, yes bool }

func (m *mending) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&m.wanted, "fix", false, "offer to do what can be done safely at once")
	cmd.Flags().BoolVarP(&m.yes, "yes", "y", false, "with --fix: do not ask")
}

// remedy is what can be done about a finding; no question: nothing, here.
func remedy(q *later.JobQueue, f later.Finding) (question string, do func(context.Context) error) {
	fix := f.Fix
	switch fix.Action {
	case "resume":
		return "resume the queue " + quoted(fix.Queue) + "?", func(ctx context.Context) error { return q.Resume(ctx, fix.Queue) }
	case "resume-schedule":
		return "resume the schedule " + quoted(fix.Schedule) + "?", func(ctx context.Context) error { return q.ResumeSchedule(ctx, fix.Schedule) }
	case "resume-process":
		return "let the process " + strconv.FormatInt(fix.Process, 36) + " resume?", func(ctx context.Context) error {
			asked, err := q.AskProcess(ctx, later.ProcessRequest{Kind: later.RequestResume, ProcessID: fix.Process})
			if err == nil {
				_, err = q.AwaitAnswer(ctx, asked.ID)
			}
			return err
		}
	case "retry":
		return fmt.Sprintf("retry job %d?", fix.Job), func(ctx context.Context) error { return q.Retry(ctx, fix.Job) }
	}
	return "", nil
}

// mended is what --fix prints for programs.
type mended struct {
	later.Finding
	Mended bool `json:"mended"`
}

// mend goes through the findings, and does of what can be done at once that to which a
// person says yes. It fails if something that somebody should see to is left.
func (a *app) mend(ctx context.Context, q *later.JobQueue, report later.Findings, m mending) error {
	documents, left := []mended{}, 0
	for _, f := range report.Findings {
		if !a.json() {
			a.printFinding(f)
		}
		done, err := a.offer(ctx, q, f, m)
		if err != nil {
			return err
		}
		if documents = append(documents, mended{f, done}); !done && f.Severity != later.SeverityInfo {
			left++
		}
	}
	if a.json() {
		if err := a.printJSON(documents); err != nil {
			return err
		}
	}
	if left > 0 {
		return coded(exitProblem, fmt.Errorf("problems left: %d; %s help %s explains a code", left, a.path, worst(report)))
	}
	return nil
}

// offer does what can be done about a finding, if a person agrees.
func (a *app) offer(ctx context.Context, q *later.JobQueue, f later.Finding, m mending) (done bool, err error) {
	question, do := remedy(q, f)
	if question == "" || f.Severity == later.SeverityInfo { // what is as it should be stays so
		return false, nil
	}
	if !m.yes {
		if err := a.ask(question); err == errDeclined {
			return false, nil
		} else if err != nil {
			return false, err
		}
	}
	if err := do(ctx); err != nil {
		return false, err
	}
	if !a.json() {
		fmt.Fprintf(a.out, "  %-9s %s\n\n", "done", question[:len(question)-1])
	}
	return true, nil
}
