package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// The rules of one step: what a verb may have done to jobs and processes.

func changed(a, b store.Job) bool {
	return a.Status != b.Status || a.Token != b.Token || a.ProcessID != b.ProcessID || a.Attempt != b.Attempt ||
		a.Crashes != b.Crashes || !a.NextRunAt.Equal(b.NextRunAt)
}

// appeared: only an enqueue makes jobs, each once.
func (c *checker) appeared(op *operation, row store.Job) {
	o := c.w.orderOf(row)
	if at, ok := instantOf(row); ok {
		c.atInstant(op, row, at)
	} else if op.verb != "Enqueue" || op.err != nil || o.stored {
		c.violate("I2", "%s made job %d of order %d (stored before: %v): %v", op.verb, row.ID, o.number, o.stored, op.err)
	}
	o.stored, o.lost = true, false
	c.fresh[row.ID] = true
	c.overwritten(op, row)
	c.ids = append(c.ids, row.ID)
	if row.Status == store.Pending && row.ScheduledAt.After(op.now) {
		c.violate("I10", "job %d is pending at once, asked for at %v", row.ID, row.ScheduledAt)
	}
}

// counted is how many attempts of a job have counted.
func counted(job store.Job) int {
	if job.Status == store.Running {
		return job.Attempt - 1
	}
	return job.Attempt
}

// moved looks at one change of one job.
func (c *checker) moved(op *operation, old, row store.Job) {
	if op.err != nil {
		c.violate("I2", "%s failed (%v) but moved job %d", op.verb, op.err, row.ID)
	}
	if old.Status != row.Status && !store.CanFollow(old.Status, row.Status) {
		c.violate("I23", "%s took job %d from %s to %s", op.verb, row.ID, old.Status, row.Status)
	}
	if old.Status.Finished() && op.verb != "Retry" {
		c.violate("I23", "%s changed job %d, which was %s", op.verb, row.ID, old.Status)
	}
	if got := counted(row); got > row.MaxRetries+1 {
		c.violate("I8", "job %d has had %d attempts of %d", row.ID, got, row.MaxRetries+1)
	}
	if op.verb != "Finish" && op.verb != "Retry" && counted(row) != counted(old) {
		c.violate("I8", "%s burned an attempt of job %d", op.verb, row.ID)
	}
	if op.verb != "Recover" && op.verb != "Retry" && row.Crashes != old.Crashes {
		c.violate("I9", "%s changed the crashes of job %d", op.verb, row.ID)
	}
	if row.Status == store.Running || row.Status.Finished() {
		delete(c.fresh, row.ID)
	}
	switch op.verb {
	case "Enqueue":
		if !c.replaces(op, row.ID) {
			c.violate("I23", "an enqueue changed job %d", row.ID)
		}
	case "Claim":
		c.claimed(op, old, row)
	case "Finish":
		c.finished(op, old, row)
	case "Leave":
		if old.ProcessID != op.in.(int64) {
			c.violate("I3", "a leaving process released job %d of another", row.ID)
		}
		c.ended[claim{row.ID, old.Token}] = store.Release
	case "Recover":
		c.recovered(old, row)
	case "Promote":
		if op.now.Before(old.NextRunAt) {
			c.violate("I10", "job %d was promoted %v early", row.ID, old.NextRunAt.Sub(op.now))
		}
	case "Cancel":
		if !slices.Contains(op.out.([]int64), row.ID) {
			c.violate("I18", "a cancel changed job %d without saying so", row.ID)
		}
	case "Retry":
		c.startedOver(old, row)
	case "Reschedule":
	default:
		c.violate("I23", "%s changed job %d", op.verb, row.ID)
	}
	if row.Status == store.Failed && row.Error == store.CrashedReason {
		c.quarantined(row)
	}
	if row.Status == store.Cancelled {
		c.cancelled[row.ID] = true
	}
}

// startedOver: what a person retries begins anew, if it had come to its end.
func (c *checker) startedOver(old, row store.Job) {
	delete(c.cancelled, row.ID)
	c.retried[row.ID] = true
	if !old.Status.Finished() {
		return
	}
	if old.Status == store.Completed {
		c.w.durable.forget(row.ID)
	}
	c.fresh[row.ID] = true
	c.w.ledger.kills[c.w.orderOf(row)] = 0 // a person gives it all its lives again
	if row.Attempt != 0 || row.Crashes != 0 {
		c.violate("I23", "job %d starts over with %d attempts and %d crashes", row.ID, row.Attempt, row.Crashes)
	}
}

// withinDemand: no more than was asked for, in all and from each queue.
func (c *checker) withinDemand(op *operation) {
	d, jobs := op.in.(store.Demand), op.out.([]store.Job)
	got := map[string]int{}
	for _, job := range jobs {
		got[job.Queue]++
		if d.Queues != nil && got[job.Queue] > d.Queues[job.Queue] || len(jobs) > d.Limit {
			c.violate("I17", "a claim of %d (%v) brought %d jobs, %v", d.Limit, d.Queues, len(jobs), got)
			return
		}
	}
}

func (c *checker) claimed(op *operation, old, row store.Job) {
	d := op.in.(store.Demand)
	switch {
	case old.Status != store.Pending:
		c.violate("I3", "job %d was claimed while it was %s", row.ID, old.Status)
	case row.Token != d.Token || row.ProcessID != d.ProcessID:
		c.violate("I3", "job %d was claimed under another token or process than asked for", row.ID)
	case c.paused[row.Queue]:
		c.violate("I19", "job %d was claimed from a paused queue", row.ID)
	case c.cancelled[row.ID]:
		c.violate("I18", "job %d was claimed after it had been cancelled", row.ID)
	case d.Suspects != (old.Crashes >= store.SuspectAfter):
		c.violate("I9", "job %d with %d crashes was claimed in a claim of suspects: %v", row.ID, old.Crashes, d.Suspects)
	case !slices.Contains(d.Types, row.Type):
		c.violate("I17", "job %d was claimed by a process that cannot perform it", row.ID)
	}
	key := claim{row.ID, row.Token}
	if _, again := c.claims[key]; again {
		c.violate("I3", "job %d was claimed twice under one token", row.ID)
	}
	c.claims[key] = claimed{c.w.orderOf(row).number, row.ProcessID, op.by}
}

// finished: one outcome under the current token, leading where its kind says.
func (c *checker) finished(op *operation, old, row store.Job) {
	outcomes := op.in.([]store.Outcome)
	i := slices.IndexFunc(outcomes, func(o store.Outcome) bool { return o.JobID == row.ID && o.Token == old.Token })
	if i < 0 || old.Status != store.Running {
		c.violate("I4", "job %d moved from %s without an outcome under its token", row.ID, old.Status)
		return
	}
	o, key := outcomes[i], claim{row.ID, old.Token}
	if verdict := op.out.([]store.Verdict)[i]; verdict != store.Accepted {
		c.violate("I4", "job %d moved by an outcome that was %s", row.ID, verdictNames[verdict])
	}
	if _, before := c.ended[key]; before {
		c.violate("I4", "a second outcome of one claim of job %d was accepted", row.ID)
	}
	c.ended[key] = o.Kind
	if given := c.claims[key]; given.order != c.w.orderOf(row).number {
		c.violate("I3", "an outcome of order %d was accepted for order %d", given.order, c.w.orderOf(row).number)
	}
	want, counts := leadsTo(o, old.CancelRequested)
	if row.Status != want {
		c.violate("I23", "outcome %s made job %d %s", kindNames[o.Kind], row.ID, row.Status)
	}
	if got := counted(row) - counted(old); got != counts {
		c.violate("I8", "outcome %s of job %d counted as %d attempts", kindNames[o.Kind], row.ID, got)
	}
	if o.Kind == store.Retry {
		c.backoff(o, old)
	}
	c.w.ledger.judge(o)
}

// leadsTo is the status after an outcome, and how many attempts it counts as.
func leadsTo(o store.Outcome, cancelled bool) (store.JobStatus, int) {
	counts, kind := 1, o.Kind
	if kind == store.Release || kind == store.Postpone || o.Progressed {
		counts = 0
	}
	if cancelled {
		return store.Cancelled, counts
	}
	return map[store.OutcomeKind]store.JobStatus{
		store.Complete: store.Completed, store.Retry: store.Retrying, store.Postpone: store.Scheduled,
		store.Fail: store.Failed, store.Cancel: store.Cancelled, store.Release: store.Pending,
	}[kind], counts
}

// backoff: the delay of a retry is what the policy says, ±10 %.
func (c *checker) backoff(o store.Outcome, old store.Job) {
	least := engine.Exponential(backoffBase, backoffLimit)(old.Attempt, nil, 0)
	most := engine.Exponential(backoffBase, backoffLimit)(old.Attempt, nil, 1)
	if wait := o.RunAt.Sub(o.FinishedAt); wait < least || wait > most {
		c.violate("I10", "job %d is retried after %v, want %v to %v", o.JobID, wait, least, most)
	}
}

// verdicts: an outcome is repeated if and only if it was accepted before.
func (c *checker) verdicts(op *operation) {
	for i, o := range op.in.([]store.Outcome) {
		kind, ended := c.ended[claim{o.JobID, o.Token}]
		switch verdict := op.out.([]store.Verdict)[i]; {
		case verdict == store.Repeated && !ended && c.rollups == 0:
			c.violate("I22", "an outcome of job %d is repeated that was never accepted", o.JobID)
		case verdict == store.Accepted && !ended:
			c.violate("I4", "an outcome of job %d was accepted and moved nothing", o.JobID)
		case verdict == store.Superseded && ended && kind == store.Complete && c.rows[o.JobID].Status == store.Completed && c.rollups == 0 && !c.retried[o.JobID]:
			c.violate("I4", "an accepted outcome of job %d is called superseded", o.JobID)
		}
	}
}

func (c *checker) recovered(old, row store.Job) {
	if old.Status != store.Running || row.Crashes != old.Crashes+1 {
		c.violate("I9", "job %d was recovered from %s with crashes %d → %d", row.ID, old.Status, old.Crashes, row.Crashes)
	}
	if c.alive[old.ProcessID] != nil {
		c.violate("I3", "job %d was recovered from a process that the store knows", row.ID)
	}
}

// declaredDead: whoever is declared dead had been silent for the time-to-die, and
// was not merely cut off together with everybody else.
func (c *checker) declaredDead(op *operation) {
	known, err := c.w.truth.Processes(context.Background())
	if err != nil {
		return
	}
	for _, silent := range op.in.([]store.Silent) {
		id := silent.ProcessID
		p := c.alive[id]
		if p == nil || slices.ContainsFunc(known, func(k store.Process) bool { return k.ID == id }) {
			continue
		}
		delete(c.alive, id)
		if p.state == crashed && c.w.plan.proofs {
			continue
		}
		if quiet := time.Since(c.beats[id]); quiet < c.w.plan.timeToDie && c.rollups == 0 { // a beat that was lost in a failover does not count
			c.violate("I3", "%s was declared dead %v after its last beat", p.name, quiet)
		}
		healthy := (p.state == up || p.state == stopping) && p.id == id && !p.frozen && !p.beatHindered && time.Since(p.thawed) > c.w.plan.timeToDie
		if healthy && c.rollups == 0 {
			c.violate("I7", "%s was declared dead although it is well", p.name)
		}
	}
}

// quarantined: only a job that ends its process is failed for that.
func (c *checker) quarantined(row store.Job) {
	if o := c.w.orderOf(row); o.kind != poison && c.w.plan.onlyPoison() {
		c.violate("I9", "job %d is innocent of %d crashes", row.ID, row.Crashes)
	}
}

// repeated: a verb that reached the store twice changed nothing the second time.
func (c *checker) repeated(op *operation, err error) {
	if verdicts, ok := op.out.([]store.Verdict); ok && err == nil {
		for i, verdict := range verdicts {
			if verdict == store.Accepted {
				c.violate("I22", "an outcome of job %d was accepted twice", op.in.([]store.Outcome)[i].JobID)
			}
		}
	}
	again := *op
	again.verb = op.verb + " again"
	c.sweep(&again)
}
