package latercli

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/spf13/cobra"

	"github.com/laterjobs/later"
)

func (a *app) topCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "top",
		Short: "Watch queues, jobs, errors, processes, schedules and problems live",
		Long: "Shows what happens in the store, and lets you steer it, with the keys of the dashboard: ? lists them. It looks\n" +
			"once a second. Where the output is no terminal it prints one snapshot and ends.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a.fullScreen = true
			return a.withQueue(cmd.Context(), a.top)
		},
	}
}

const (
	topEvery    = time.Second      // how often top looks
	doctorEvery = 10 * time.Second // how often it looks for problems, and reads what charts are drawn from
)

func (a *app) top(ctx context.Context, q *later.JobQueue) error {
	if a.json() || !isTerminal(a.out) || !isTerminalReader(a.in) {
		return a.topOnce(ctx, q)
	}
	m := &topScreen{app: a, ctx: ctx, queue: q, store: a.storeName(), plain: !knowsUnicode(), ticked: map[int64]bool{}, width: 80, height: 24}
	m.coloured = true
	if wanted, err := a.wantsColour(); err == nil {
		m.coloured = wanted
	}
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(a.in), tea.WithOutput(whole(a.out))).Run()
	switch {
	case errors.Is(err, tea.ErrInterrupted), errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil:
		return nil
	case err != nil:
		return fmt.Errorf("top: %w", err)
	}
	return nil
}

// snapshot is what one look at the store finds.
type snapshot struct {
	At        time.Time        `json:"at"`
	Stats     later.Stats      `json:"stats"`
	Processes []later.Process  `json:"processes"`
	Problems  []later.Finding  `json:"problems"`
	jobs      []later.Job      // of the page that is shown
	causes    []later.Cause    // of the page that is shown
	schedules []later.Schedule // of the page that is shown
	past      past
}

// storeName is what people call the store; empty: the program knows.
func (a *app) storeName() string {
	if a.program == nil {
		return ""
	}
	at, err := a.address()
	if err != nil {
		return "" // it is open: this does not happen
	}
	return at.String()
}

func (a *app) topOnce(ctx context.Context, q *later.JobQueue) error {
	s, err := look(ctx, q)
	if err != nil {
		return err
	}
	if s.Problems, err = doctor(ctx, q); err != nil {
		return err
	}
	if a.json() {
		return a.printJSON(s)
	}
	queues, err := a.queueFlows(ctx, q, s.Stats.Queues)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "%s  %s\n\n", s.At.In(a.zone).Format(time.DateTime), countsLine(s.Stats))
	if err := a.table(queueRows(queues, s.Processes)); err != nil {
		return err
	}
	fmt.Fprintln(a.out)
	if err := a.table(processRows(s.Processes)); err != nil {
		return err
	}
	for _, problem := range s.Problems {
		fmt.Fprintf(a.out, "\n%s: %s\n", problem.Severity, printable(problem.Text))
	}
	return nil
}

// look reads what every page shows.
func look(ctx context.Context, q *later.JobQueue) (s snapshot, err error) {
	if s.Stats, s.At, err = q.RecentStats(ctx); err != nil {
		return s, err
	}
	if s.Processes, err = q.Processes(ctx); err != nil {
		return s, err
	}
	return s, nil
}

// doctor reads what a person should see to.
func doctor(ctx context.Context, q *later.JobQueue) ([]later.Finding, error) {
	found, err := q.Doctor(ctx)
	return append([]later.Finding{}, found.Findings...), err
}

// countsLine is all statuses in one line.
func countsLine(stats later.Stats) string {
	return breakdownOf(func(status later.JobStatus) (string, bool) {
		n := stats.Counts[status]
		return atLeast(n, stats.More[status]), n > 0
	})
}
