package latercli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// ask prepares a change of the ticked jobs, or of the one under the cursor.
func (m *topScreen) ask(key string) {
	switch {
	case m.page == pageErrors && m.row < len(m.now.causes) && key != "D":
		m.askCause(key, m.now.causes[m.row])
		return
	case m.page == pageSchedules && m.row < len(m.now.schedules) && key == "r":
		m.askRun(m.now.schedules[m.row])
		return
	}
	ids := []int64{}
	for id := range m.ticked {
		ids = append(ids, id)
	}
	if job := m.job(); len(ids) == 0 && job != nil {
		ids = append(ids, job.ID)
	}
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	queue, f := m.queue, later.Filter{IDs: ids}
	verb, change := "retry", func(ctx context.Context) (int, error) { return queue.RetryAll(ctx, f) }
	switch key {
	case "c":
		verb, change = "cancel", func(ctx context.Context) (int, error) { return queue.CancelAll(ctx, f, "cancelled in later top") }
	case "D":
		verb, change = "delete", func(ctx context.Context) (int, error) { return queue.DeleteAll(ctx, f) }
	}
	what := plural(len(ids), "job")
	if len(ids) == 1 {
		what = fmt.Sprintf("job %d", ids[0])
	}
	clear(m.ticked)
	m.asking = &topAction{verb + " " + what + "?", func(ctx context.Context) (string, error) {
		n, err := change(ctx)
		return fmt.Sprintf("%s: %d of %s", verb, n, plural(len(ids), "job")), err
	}}
}

// askCause prepares to retry or cancel all jobs that have a cause.
func (m *topScreen) askCause(key string, c later.Cause) {
	queue, f := m.queue, later.Filter{Cause: c.ID}
	verb, change := "retry", func(ctx context.Context) (int, error) { return queue.RetryAll(ctx, f) }
	if key == "c" {
		verb, change = "cancel", func(ctx context.Context) (int, error) { return queue.CancelAll(ctx, f, "cancelled in later top") }
	}
	what := fmt.Sprintf("%s all jobs that failed of this cause (%d failed, %d retrying)?", verb, c.Failed, c.Retrying)
	m.asking = &topAction{what, func(ctx context.Context) (string, error) {
		n, err := change(ctx)
		return fmt.Sprintf("%s: %s", verb, plural(n, "job")), err
	}}
}

// askRun prepares to enqueue the job of a schedule.
func (m *topScreen) askRun(s later.Schedule) {
	queue := m.queue
	m.asking = &topAction{"run schedule " + s.Name + " now?", func(ctx context.Context) (string, error) {
		job, err := queue.RunSchedule(ctx, s.Name)
		return fmt.Sprintf("job %d is %s", job.ID, job.Status), err
	}}
}

// askFix prepares what can be done about the problem under the cursor.
func (m *topScreen) askFix() {
	if m.page != pageProblems || m.row >= len(m.now.Problems) {
		return
	}
	question, do := remedy(m.queue, m.now.Problems[m.row])
	if question == "" {
		m.message = "nothing can be done about this from here: Enter says more"
		return
	}
	m.asking = &topAction{question, func(ctx context.Context) (string, error) {
		return "done: " + strings.TrimSuffix(question, "?"), do(ctx)
	}}
}

// askDrain prepares to let a process drain or resume.
func (m *topScreen) askDrain(p later.Process) {
	queue := m.queue
	ask := func(kind later.RequestKind) func(context.Context) error {
		return func(ctx context.Context) error {
			asked, err := queue.AskProcess(ctx, later.ProcessRequest{Kind: kind, ProcessID: p.ID})
			if err == nil {
				_, err = queue.AwaitAnswer(ctx, asked.ID)
			}
			return err
		}
	}
	name := fmt.Sprintf("process %d on %s", p.PID, p.Host)
	if p.State == store.ProcessDraining {
		m.asking = &topAction{"resume " + name + "?", func(ctx context.Context) (string, error) { return "resumed " + name, ask(later.RequestResume)(ctx) }}
		return
	}
	m.asking = &topAction{"drain " + name + "?", func(ctx context.Context) (string, error) { return "drained " + name, ask(later.RequestDrain)(ctx) }}
}

// askPause prepares to pause or resume the queue or the schedule under the cursor, or to
// let a process drain.
func (m *topScreen) askPause() {
	queue := m.queue
	const reason = "paused in later top"
	switch {
	case m.row >= m.rowCount():
	case m.page == pageProcesses:
		m.askDrain(m.now.Processes[m.row])
	case m.page == pageQueues:
		of := m.now.Stats.Queues[m.row]
		m.askToggle("queue "+of.Name, !of.PausedAt.IsZero(),
			func(ctx context.Context) error { return queue.Pause(ctx, of.Name, reason) },
			func(ctx context.Context) error { return queue.Resume(ctx, of.Name) })
	case m.page == pageSchedules:
		of := m.now.schedules[m.row]
		m.askToggle("schedule "+of.Name, !of.PausedAt.IsZero(),
			func(ctx context.Context) error { return queue.PauseSchedule(ctx, of.Name, reason) },
			func(ctx context.Context) error { return queue.ResumeSchedule(ctx, of.Name) })
	}
}

func (m *topScreen) askToggle(what string, paused bool, pause, resume func(context.Context) error) {
	verb, do := "pause", pause
	if paused {
		verb, do = "resume", resume
	}
	m.asking = &topAction{verb + " " + what + "?", func(ctx context.Context) (string, error) { return verb + "d " + what, do(ctx) }}
}
