package dashboard

import (
	"fmt"
	"slices"

	"github.com/laterjobs/later"
)

// reason says why a job does not run (any more), with what can be done.
type reason struct {
	Text, Fix string
	Wrong     bool // somebody should do something
}

// why answers the question of whoever opens the page of a job, the first reason
// first.
func (b *board) why(v *view, job later.Job) ([]reason, error) {
	switch job.Status {
	case later.StatusCompleted:
		return nil, nil
	case later.StatusFailed:
		return []reason{{Text: failedBecause(job), Fix: "Retry it when the cause is gone.", Wrong: true}}, nil
	case later.StatusCancelled:
		return []reason{{Text: "Cancelled " + ago(v.Now, job.FinishedAt) + orNothing(": ", job.Error)}}, nil
	case later.StatusRunning:
		return []reason{{Text: fmt.Sprintf("Runs since %s in process %d.", v.Time(job.StartedAt), job.ProcessID)}}, nil
	case later.StatusRetrying:
		return []reason{{Text: fmt.Sprintf("Attempt %d failed. It runs again %s, at %s.", job.Attempt, until(v.Now, job.NextRunAt), v.Time(job.NextRunAt))}}, nil
	case later.StatusScheduled:
		text := fmt.Sprintf("Its time is %s, at %s", until(v.Now, job.NextRunAt), v.Time(job.NextRunAt))
		return []reason{{Text: text + orNothing(". It was postponed: ", job.Reason) + "."}}, nil
	}
	return b.whyPending(v, job)
}

func (b *board) whyPending(v *view, job later.Job) ([]reason, error) {
	stats, err := b.queue.Stats(v.context())
	if err != nil {
		return nil, err
	}
	processes, err := b.queue.Processes(v.context())
	if err != nil {
		return nil, err
	}
	rows := queueRows(v.Now, stats, processes)
	i := slices.IndexFunc(rows, func(r queueRow) bool { return r.Name == job.Queue })
	if i < 0 {
		return nil, nil // it has left the queue meanwhile
	}
	q := rows[i]
	switch {
	case !q.PausedAt.IsZero():
		return []reason{{fmt.Sprintf("Queue %s was paused %s%s.", q.Name, ago(v.Now, q.PausedAt), orNothing(": ", q.PauseReason)), "Resume the queue.", true}}, nil
	case len(processes) == 0:
		return []reason{{"No process works on this store.", "Start a program that calls queue.Run.", true}}, nil
	case q.Processes == 0:
		return []reason{{fmt.Sprintf("No process serves the queue %q.", q.Name), "Name it in the Queues of a process's Config.", true}}, nil
	case q.Running >= int64(q.Slots):
		return []reason{{Text: fmt.Sprintf("All %s of queue %s are in use; %s ahead of it or beside it.",
			plural(int64(q.Slots), "slot", "slots"), q.Name, plural(max(0, q.Pending-1), "job waits", "jobs wait"))}}, nil
	}
	return []reason{{Text: fmt.Sprintf("Waits for its turn among %s of queue %s, or for a process that has a handler for %s.",
		plural(q.Pending, "job", "jobs"), q.Name, job.Type)}}, nil
}

func failedBecause(job later.Job) string {
	if job.Crashes > 0 && job.Attempt == 0 {
		return fmt.Sprintf("It failed since %s died while they had it.", plural(int64(job.Crashes), "process", "processes"))
	}
	return fmt.Sprintf("It failed after %s.", plural(int64(job.Attempt), "attempt", "attempts"))
}

func orNothing(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}
