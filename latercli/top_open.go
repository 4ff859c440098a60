package latercli

import (
	"context"
	"fmt"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
)

// open shows everything about what is under the cursor: a job, a process, a schedule or a
// problem; or the jobs of a queue or a cause.
func (m *topScreen) open() tea.Cmd {
	if m.row >= m.rowCount() {
		return nil
	}
	switch m.page {
	case pageQueues:
		m.filter = query.Term("queue", m.now.Stats.Queues[m.row].Name)
		return m.show(pageJobs)
	case pageErrors:
		m.filter = query.Term("cause", m.now.causes[m.row].ID.String())
		return m.show(pageJobs)
	case pageJobs:
		id := m.now.jobs[m.row].ID
		return m.print(func(ctx context.Context, a *app) error { return a.show(ctx, m.queue, id) })
	case pageProcesses:
		p := m.now.Processes[m.row]
		return m.print(func(ctx context.Context, a *app) error {
			running, err := runningIn(ctx, m.queue, p)
			if err != nil {
				return err
			}
			return a.printProcess(p, running)
		})
	case pageSchedules:
		s := m.now.schedules[m.row]
		return m.print(func(_ context.Context, a *app) error { return a.printSchedule(s) })
	}
	problem := m.now.Problems[m.row]
	return m.print(func(_ context.Context, a *app) error {
		a.printFinding(problem)
		return nil
	})
}

// explain says why the job under the cursor is, or is not, running.
func (m *topScreen) explain() tea.Cmd {
	job := m.job()
	if job == nil {
		return nil
	}
	id := job.ID
	return m.print(func(ctx context.Context, a *app) error {
		of, err := get(ctx, m.queue, id)
		if err != nil {
			return err
		}
		report, err := m.queue.Why(ctx, id)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "#%d %s  queue %s  %s\n\n", of.ID, printable(of.Type), printable(of.Queue), statusFor(of, report.At))
		for _, f := range report.Findings {
			a.printFinding(f)
		}
		a.printFine(report.Fine, true)
		return nil
	})
}

// print shows what a command would print, by an app of its own, which prints into a text.
func (m *topScreen) print(do func(context.Context, *app) error) tea.Cmd {
	var text strings.Builder
	printer := *m.app
	printer.out, printer.output, printer.template, printer.quiet, printer.coloured = &text, "text", nil, false, false
	ctx := m.ctx
	return func() tea.Msg {
		err := do(ctx, &printer)
		return topOpened{strings.Split(text.String(), "\n"), err}
	}
}

// printSchedule is a schedule with its next times.
func (a *app) printSchedule(s later.Schedule) error {
	if err := a.printSchedules([]later.Schedule{s}); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\narguments  %s\n", printable(string(s.Args)))
	runs, err := s.NextRuns(5)
	if err != nil {
		return nil // its state says that it is broken
	}
	fmt.Fprintln(a.out, "\nNEXT RUNS")
	now := time.Now()
	for _, at := range runs {
		fmt.Fprintf(a.out, "%s  %s\n", at.In(a.zone).Format("Mon 2 Jan 2006 15:04:05 MST"), when(at, now))
	}
	return nil
}
