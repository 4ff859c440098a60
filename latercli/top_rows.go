package latercli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// rows are the rows of the page, the heading first.
func (m *topScreen) rows() [][]string {
	now := time.Now()
	switch m.page {
	case pageQueues:
		return m.queueRows()
	case pageErrors:
		return causeRows(m.now.causes, now)
	case pageJobs:
		rows := [][]string{{"ID", "STATUS", "TYPE", "QUEUE", "ATTEMPT", "QUEUED", "DETAILS"}}
		for _, job := range m.now.jobs {
			rows = append(rows, jobRow(job, now))
		}
		return rows
	case pageProcesses:
		return processRows(m.now.Processes)
	case pageSchedules:
		rows := [][]string{{"SCHEDULE", "STATE", "RULE", "ZONE", "TYPE", "NEXT RUN", "DETAILS"}}
		for _, s := range m.now.schedules {
			state, more := scheduleState(s, now)
			rows = append(rows, []string{s.Name, state, s.Rule, s.Zone, s.Type, when(s.NextRun, now), more})
		}
		return rows
	}
	rows := [][]string{{"CODE", "SEVERITY", "PROBLEM"}}
	for _, problem := range m.now.Problems {
		rows = append(rows, []string{problem.Code, fmt.Sprint(problem.Severity), problem.Text})
	}
	return rows
}

func jobRow(job later.Job, now time.Time) []string {
	return []string{
		strconv.FormatInt(job.ID, 10), string(job.Status), job.Type, job.Queue,
		strconv.Itoa(job.Attempt), when(job.QueuedAt, now), attention(job, now),
	}
}

// queueRows are the queues with their speeds of late, and why some are paused.
func (m *topScreen) queueRows() [][]string {
	rows := [][]string{{"QUEUE", "STATE", "PENDING", "OLDEST", "RUN", "SCHEDULED", "IN/MIN", "OUT/MIN", "15 MIN", "EMPTY IN", "PAUSED"}}
	anyPaused := false
	for _, q := range m.now.Stats.Queues {
		oldest := ""
		state, paused := queueState(q, m.now.Processes, m.now.At)
		if !q.Oldest.IsZero() {
			oldest = span(m.now.At.Sub(q.Oldest))
		}
		minutes, flow := m.now.past.done[q.Name], m.now.past.flows[q.Name]
		rows = append(rows, []string{
			q.Name, state, atLeast(q.Pending, q.PendingMore), oldest, atLeast(q.Running, q.RunningMore) + "/" + strconv.Itoa(slotsOf(m.now.Processes, q.Name, m.now.At)),
			atLeast(q.Scheduled, q.ScheduledMore), perMinute(flow.In), perMinute(flow.Out), sparkline(minutes[:]), flow.Outlook(q, span), paused,
		})
		anyPaused = anyPaused || paused != ""
	}
	if !anyPaused {
		for i := range rows {
			rows[i] = rows[i][:len(rows[i])-1]
		}
	}
	return rows
}

// claims reports whether a process takes jobs.
func claims(p later.Process, now time.Time) bool {
	return processState(p, now) == string(store.ProcessRunning)
}

func perMinute(n float64) string {
	if n < 10 {
		return strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
	}
	return strconv.FormatFloat(n, 'f', 0, 64)
}
