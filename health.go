package later

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

// Health is whether a JobQueue can do its work, and what a person should see to.
type Health struct {
	OK      bool           `json:"ok"` // no problem is severe
	Working bool           `json:"working"`
	Reasons []HealthReason `json:"reasons"` // severe ones first; none: all is well
}

// HealthReason is one thing that is wrong.
type HealthReason struct {
	Code    string `json:"code"` // a word for programs: see docs/telemetry.md
	Message string `json:"message"`
	Severe  bool   `json:"severe"` // this process cannot do its work now
}

// The codes of reasons. The first four are severe: they are about this process. The
// others are about the whole system; to restart a process does not mend them.
const (
	healthUnreachable = "store_unreachable" // the store does not answer, or not within two seconds
	healthNoBeat      = "no_beat"           // no heartbeat was accepted for three intervals
	healthFenced      = "fenced"            // the lease may be lost: nothing is started until a heartbeat succeeds
	healthStopping    = "stopping"          // claims nothing more

	healthAlarm      = "store_alarm" // the store needs attention, see the message
	healthNotClaimed = "not_claimed" // a queue has jobs that could start, and nothing of it runs, for a minute or longer
	healthPaused     = "paused"      // a queue is paused
	healthClock      = "clock"       // this machine's clock and the store's differ by five seconds or more
)

const (
	healthPatience  = 2 * time.Second
	notClaimedAfter = time.Minute
	clockDifference = 5 * time.Second
	beatsMissed     = 3
)

// Health says whether this JobQueue can do its work: that of a worker if it has been
// started, else that of an enqueuer. It costs little: see RecentStats.
func (q *JobQueue) Health(ctx context.Context) Health {
	h := Health{Reasons: []HealthReason{}}
	q.checkProcess(&h)
	ctx, cancel := context.WithTimeout(ctx, healthPatience)
	defer cancel()
	stats, at, err := q.RecentStats(ctx)
	if err != nil {
		h.severe(healthUnreachable, "the store does not answer: "+unreachable(err))
	}
	if alarmed, ok := q.store.(store.Alarmed); ok {
		if text := alarmed.Alarm(); text != "" {
			h.add(healthAlarm, "the store needs attention: "+text)
		}
	}
	if difference := time.Until(q.now()).Abs(); difference >= clockDifference {
		h.add(healthClock, fmt.Sprintf("the clocks of this machine and of the store differ by %v", difference.Round(time.Millisecond)))
	}
	if err == nil {
		h.checkQueues(stats, at)
	}
	h.OK = len(h.Reasons) == 0 || !h.Reasons[0].Severe
	return h
}

// unreachable says why in a word: the error itself may name hosts and users.
func unreachable(err error) string {
	switch {
	case errors.Is(err, ErrClosed):
		return "it has been closed"
	case errors.Is(err, context.DeadlineExceeded):
		return "not within " + healthPatience.String()
	case errors.Is(err, ErrVersion):
		return "its schema is of another version"
	}
	return "see the program's log"
}

// checkProcess asks no store.
func (q *JobQueue) checkProcess(h *Health) {
	q.mu.Lock()
	working := q.engine
	q.mu.Unlock()
	if working == nil {
		return
	}
	h.Working = true
	status := working.Status()
	if status.Fenced {
		h.severe(healthFenced, "no heartbeat was accepted for too long: others may have this process's jobs")
	} else if status.SinceBeat > beatsMissed*q.cfg.Heartbeat {
		h.severe(healthNoBeat, fmt.Sprintf("no heartbeat was accepted for %v", status.SinceBeat.Round(time.Millisecond)))
	}
	if status.Stopping {
		h.severe(healthStopping, "the process is stopping")
	}
}

func (h *Health) checkQueues(stats Stats, at time.Time) {
	for _, queue := range stats.Queues {
		switch {
		case !queue.PausedAt.IsZero():
			h.add(healthPaused, fmt.Sprintf("the queue %q is paused, since %v, with %s jobs that could start",
				queue.Name, queue.PausedAt.UTC().Format(time.RFC3339), atLeast(queue.Pending, queue.PendingMore)))
		case queue.Pending > 0 && queue.Running == 0 && latency(queue, at) >= notClaimedAfter:
			h.add(healthNotClaimed, fmt.Sprintf("the queue %q has %s jobs that could start, the oldest for %v, and nothing of it runs",
				queue.Name, atLeast(queue.Pending, queue.PendingMore), latency(queue, at).Round(time.Second)))
		}
	}
}

// atLeast is a number of jobs of which there may be more.
func atLeast(jobs int64, more bool) string {
	text := strconv.FormatInt(jobs, 10)
	if more {
		return text + " or more"
	}
	return text
}

func (h *Health) add(code, message string) {
	h.Reasons = append(h.Reasons, HealthReason{code, message, false})
}

func (h *Health) severe(code, message string) {
	first := 0
	for first < len(h.Reasons) && h.Reasons[first].Severe {
		first++
	}
	h.Reasons = append(h.Reasons[:first:first], append([]HealthReason{{code, message, true}}, h.Reasons[first:]...)...)
}

// latency is how long the pending job that waits longest has been in the queue.
func latency(queue QueueStats, at time.Time) time.Duration {
	if queue.Pending == 0 || queue.Oldest.IsZero() {
		return 0
	}
	return max(0, at.Sub(queue.Oldest))
}

// HealthHandler answers with Health as JSON: 200 if it is OK, else 503. It is for
// probes. It tells the names of queues, numbers of jobs, and the reasons of Health, no
// arguments and no addresses.
func (q *JobQueue) HealthHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := q.Health(r.Context())
		code := http.StatusOK
		if !h.OK {
			code = http.StatusServiceUnavailable
		}
		answer(w, code, h)
	})
}

// allWaits is how long jobs wait, for autoscalers.
type allWaits struct {
	Seconds float64              `json:"latency_seconds"` // of the queue that is furthest behind
	Pending int64                `json:"pending"`         // of all queues; of each no more than were counted: see Stats
	Running int64                `json:"running"`
	Queues  map[string]queueWait `json:"queues"`
}

// queueWait is how long the jobs of one queue wait.
type queueWait struct {
	Seconds float64 `json:"latency_seconds"` // age of the pending job that was queued first; 0 if none is pending
	Pending int64   `json:"pending"`         // jobs that can start
	Running int64   `json:"running"`
	Paused  bool    `json:"paused,omitempty"`
}

// LatencyHandler answers with how long jobs wait as JSON, for autoscalers, of all queues or of those that are asked
// for by ?queue=NAME, once or several times. Paused queues do not count in the sums:
// more workers would not help. 503: the store does not answer.
func (q *JobQueue) LatencyHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), healthPatience)
		defer cancel()
		stats, at, err := q.RecentStats(ctx)
		if err != nil {
			answer(w, http.StatusServiceUnavailable, map[string]string{"error": "the store does not answer: " + unreachable(err)})
			return
		}
		answer(w, http.StatusOK, latencyOf(stats, at, r.URL.Query()["queue"]))
	})
}

// latencyOf sums up the queues that are asked for; all, if none is.
func latencyOf(stats Stats, at time.Time, names []string) allWaits {
	all := allWaits{Queues: map[string]queueWait{}}
	for _, name := range names {
		all.Queues[name] = queueWait{} // one without jobs has none that wait
	}
	for _, queue := range stats.Queues {
		if _, asked := all.Queues[queue.Name]; !asked && len(names) > 0 {
			continue
		}
		one := queueWait{latency(queue, at).Seconds(), queue.Pending, queue.Running, !queue.PausedAt.IsZero()}
		all.Queues[queue.Name] = one
		if !one.Paused {
			all.Seconds = max(all.Seconds, one.Seconds)
			all.Pending += one.Pending
		}
		all.Running += one.Running
	}
	return all
}

func answer(w http.ResponseWriter, code int, body any) {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(body); err != nil {
		http.Error(w, "the answer does not encode", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(text.String())) // who has left does not want to know
}
