package simulation

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// The rules about time: they hold between the steps.

// watch looks at the world a few times a second.
func (w *world) watch() {
	if w.over {
		return
	}
	w.after(tick, w.watch)
	if w.ticks++; w.plan.rollbacks && w.ticks%4 == 0 {
		w.snapshots = append(w.snapshots, w.truth.Snapshot())
	}
	w.checkOwned()
	for _, p := range w.processes {
		if (p.state == up || p.state == stopping) && !p.frozen {
			w.checkFence(p)
			w.checkTold(p)
		}
	}
}

// checkOwned: a job whose process is not known (any more) is taken back in time, as
// long as somebody is there to do it and the store can be reached.
func (w *world) checkOwned() {
	limit := 2*w.plan.timeToDie + 5*time.Second // a call may be late by one and a half
	was := w.unowned
	w.unowned = map[claim]time.Time{}
	witness := false
	for _, p := range w.processes { // each is asked each time: it remembers since when
		judged := p.judges(w.plan.heartbeat) && time.Since(p.judgesSince) > limit
		witness = witness || judged && time.Since(p.upSince) > limit && time.Since(p.thawed) > limit
	}
	if w.out || !witness {
		return
	}
	for _, id := range w.checker.ids {
		row := w.checker.rows[id]
		if row.Status != store.Running || w.checker.alive[row.ProcessID] != nil {
			continue
		}
		key, since := claim{id, row.Token}, time.Now()
		if at, known := was[claim{id, row.Token}]; known {
			since = at
		}
		if w.unowned[key] = since; time.Since(since) > limit {
			w.checker.violate("I6", "job %d has belonged to nobody for %v", id, time.Since(since))
		}
	}
}

// judges reports whether a process may declare others dead: not if its own heartbeats do
// not get through, which may have the same reason as the silence of the others.
func (p *process) judges(heartbeat time.Duration) bool {
	if !isUp(p) || time.Since(p.beatSent) > 2*heartbeat {
		p.judgesSince = time.Now()
		return false
	}
	return true
}

// slack is how late a process may notice something.
const slack = 250 * time.Millisecond

// checkFence: a process whose last beat was sent too long ago has told all its jobs.
func (w *world) checkFence(p *process) {
	margin := min(2*time.Second, w.plan.timeToDie/4)
	if p.beatSent.IsZero() || time.Since(p.beatSent) <= w.plan.timeToDie-margin+slack {
		return
	}
	for _, a := range p.attempts {
		if a.told.IsZero() && time.Since(a.began) > slack {
			w.checker.violate("I5", "%s goes on with job %d, %v after its last beat", p.name, a.job.ID, time.Since(p.beatSent))
		}
	}
}

// checkTold: a heartbeat that was answered after somebody had asked to cancel a job
// has told its handler.
func (w *world) checkTold(p *process) {
	if time.Since(p.beatAnswered) < slack {
		return
	}
	for _, a := range p.attempts {
		row := w.checker.rows[a.job.ID]
		asked := w.checker.askedAt[a.job.ID]
		if row.Status == store.Running && row.Token == a.job.Token && w.checker.cancelled[row.ID] &&
			asked.Before(p.beatApplied) && a.began.Before(p.beatAnswered) && a.told.IsZero() {
			w.checker.violate("I18", "job %d was cancelled %v ago, a heartbeat was answered since, and its handler in %s does not know",
				a.job.ID, time.Since(asked), p.name)
		}
	}
}

// expectTold: the handler of a cancelled job hears of it within a heartbeat and a
// second, without any wake.
func (w *world) expectTold(id int64) {
	row := w.checker.rows[id]
	if row.Status != store.Running || w.plan.callsFail() || w.plan.outages || w.plan.freezes || w.plan.rollbacks {
		return
	}
	w.after(w.plan.heartbeat*11/10+time.Second, func() {
		for _, p := range w.processes {
			for _, a := range p.attempts {
				if a.claim() == (claim{id, row.Token}) && a.told.IsZero() {
					w.checker.violate("I18", "job %d was cancelled and its handler does not know", id)
				}
			}
		}
	})
}

// stopped: Stop returns within both timeouts and a second.
func (c *checker) stopped(p *process, report engine.StopReport) {
	limit := c.w.plan.soft + c.w.plan.hard + time.Second
	if took := time.Since(p.stopBegan); took > limit && !p.hindered {
		c.violate("I27", "%s took %v to stop, at most %v are allowed", p.name, took, limit)
	}
	for _, a := range p.attempts {
		if !slices.Contains(report.Abandoned, a.job.ID) {
			c.violate("I27", "%s stopped without a word about job %d, which runs", p.name, a.job.ID)
		}
	}
}

// crashed: what a dead process had runs again in time.
func (c *checker) crashed(p *process) {
	id := p.id
	if id == 0 || c.w.plan.callsFail() || c.w.plan.outages || c.w.plan.freezes || c.w.plan.rollbacks {
		return
	}
	limit := c.w.plan.timeToDie + 3*time.Second
	c.w.after(limit, func() {
		witness := c.w.some(func(other *process) bool {
			return isUp(other) && time.Since(other.upSince) > limit+time.Second
		})
		for _, job := range c.rows {
			if witness != nil && job.Status == store.Running && job.ProcessID == id {
				c.violate("I7", "job %d is still the dead %s's after %v", job.ID, p.name, limit)
			}
		}
	})
}

// checkEnd: when all is quiet, everything has come to its end, and to the right one.
func (w *world) checkEnd() {
	c := w.checker
	if w.steps > maxSteps {
		c.violate("I6", "%d steps in %v and no end", w.steps, w.now())
	}
	for _, o := range w.orders {
		if o.acked && !o.stored && !o.lost && !o.merged {
			c.violate("I1", "order %d was acknowledged and is nowhere", o.number)
		}
	}
	for _, id := range c.ids {
		c.checkLast(c.rows[id])
	}
	w.durable.checkEnd()
	c.schedulesInTheEnd()
	stats, err := w.subject.Stats(context.Background())
	if err != nil {
		c.violate("I25", "cannot count: %v", err)
		return
	}
	counts := map[store.JobStatus]int64{}
	for _, row := range c.rows {
		counts[row.Status]++
	}
	for _, status := range store.Statuses {
		if stats.Counts[status] != counts[status] {
			c.violate("I25", "%d jobs are %s, the statistics say %d", counts[status], status, stats.Counts[status])
		}
	}
}

// checkLast: a job ends as its handler and people wanted.
func (c *checker) checkLast(row store.Job) {
	o := c.w.orderOf(row)
	if row.Error == store.CrashedReason && row.Status == store.Failed || c.cancelled[row.ID] {
		if c.cancelled[row.ID] && row.Status != store.Cancelled {
			c.violate("I18", "job %d was cancelled and is %s", row.ID, row.Status)
		}
		return
	}
	want := store.Completed
	switch {
	case o.kind == flaky && o.failures > o.retries, o.kind == overrunning && !o.stubborn, o.kind == discarding, o.kind == poison:
		want = store.Failed
	}
	if row.Status != want && !(o.kind == overrunning && c.w.plan.freezes) { // a thawed handler may return before it is told
		c.violate("I8", "job %d (kind %d, fails %d times) is %s at the end: %q", row.ID, o.kind, o.failures, row.Status, row.Error)
	}
}
