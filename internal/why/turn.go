package why

import (
	"fmt"
	"strconv"
	"time"

	"github.com/laterjobs/later/store"
)

// turn: everything is there, and the job waits for others.
func turn(f *JobFacts, r *Report) bool {
	slots := 0
	for _, p := range serving(f.living(), f.Job.Queue) {
		if p.State == store.ProcessRunning {
			slots += slotsFor(p, f.Job.Queue)
		}
	}
	ahead := "many jobs are ahead of it"
	switch {
	case f.Ahead < 0 && f.Queue.Pending <= sampled: // few, but far apart among those of other queues
		ahead = "others may be ahead of it"
	case f.Ahead >= 0:
		ahead = count(int64(f.Ahead), "job is ahead of it", "jobs are ahead of it")
	}
	if f.Favoured > 0 {
		ahead += fmt.Sprintf(", %d of a higher priority", f.Favoured)
	}
	facts := []Fact{fact("slots", strconv.Itoa(slots)), fact("running in the queue", strconv.FormatInt(f.Queue.Running, 10)), fact("waiting in the queue", atLeast(f.Queue.Pending, f.Queue.PendingMore))}
	if perMinute := float64(f.Done) / recent.Minutes(); perMinute > 0 && f.Ahead >= 0 {
		left := time.Duration(float64(f.Ahead+1) / perMinute * float64(time.Minute))
		facts = append(facts, fact("its turn", "in about "+span(left)+", at the speed of the last "+span(recent)))
	}
	for _, job := range f.Runners[:min(3, len(f.Runners))] {
		facts = append(facts, fact("longest runner", fmt.Sprintf("%s %d, for %s", job.Type, job.ID, span(f.Now.Sub(job.StartedAt)))))
	}
	if f.Queue.Running >= int64(slots) || f.Ahead != 0 {
		r.found(Finding{
			Code: "L109", Severity: Info, Text: fmt.Sprintf("All slots are taken, or it is not its turn: %s.", ahead),
			Fix: Fix{Now: "Wait, or start more processes.", Action: "show", Query: term("queue", f.Job.Queue) + " status:running",
				Code: "More slots: Config.Concurrency, Config.Queues. Sooner than others: later.Priority."},
		}.with(facts...))
		return true
	}
	r.found(Finding{Code: "L112", Severity: Info, Text: "Nothing keeps it: it starts at any moment. Slots that all queues share may be taken by other queues."}.with(facts...))
	return true
}
