package dashboard

import (
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/query"
)

// finding is something that needs a person: what is wrong, since when, and where to
// mend it.
type finding struct {
	Severity string // error, warning
	Text     string
	Link     string // from the root
	Action   string // the words of the link
}

// silence is after how long without a heartbeat people are told.
const silence = 15 * time.Second

// longWait is after how long a pending job is worth a word.
const longWait = 5 * time.Minute

// attention finds what needs a person, the worst first.
func attention(now time.Time, stats later.Stats, processes []later.Process) (found []finding) {
	for _, q := range queueRows(now, stats, processes) {
		link := "jobs/?q=" + escape(query.Term("queue", q.Name)+" status:pending")
		switch {
		case q.Pending == 0:
		case !q.PausedAt.IsZero() && now.Sub(q.PausedAt) > time.Hour:
			found = append(found, finding{"warning", fmt.Sprintf("Queue %s has been paused for %s and holds %s.", q.Name,
				short(now.Sub(q.PausedAt)), plural(q.Pending, "job", "jobs")), "queues/", "Resume"})
		case !q.PausedAt.IsZero():
		case q.Processes == 0:
			found = append(found, finding{"error", fmt.Sprintf("Queue %s: %s, and no process serves it.", q.Name,
				plural(q.Pending, "job waits", "jobs wait")), link, "Show them"})
		case now.Sub(q.Oldest) > longWait:
			found = append(found, finding{"warning", fmt.Sprintf("Queue %s is behind: its oldest job has waited for %s.", q.Name,
				short(now.Sub(q.Oldest))), link, "Show them"})
		}
	}
	for _, p := range processes {
		if quiet := now.Sub(p.BeatAt); quiet > silence {
			found = append(found, finding{"error", fmt.Sprintf("Process %d on %s has been silent for %s.", p.PID, p.Host, short(quiet)),
				"processes/", "Show it"})
		}
	}
	if n := stats.Counts[later.StatusFailed]; n > 0 {
		found = append(found, finding{"error", plural(n, "job has failed and will not run again by itself", "jobs have failed and will not run again by themselves") + ".",
			"jobs/?q=status:failed", "Show them"})
	}
	slices.SortStableFunc(found, func(a, b finding) int {
		if a.Severity == b.Severity {
			return 0
		}
		if a.Severity == "error" {
			return -1
		}
		return 1
	})
	return found
}
