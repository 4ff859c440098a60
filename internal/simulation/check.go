package simulation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/engine"
	"github.com/laterjobs/later/store"
)

// checker compares the store after every step with what the step may have done.
// The names of its rules are those of the invariants in docs/guarantees.md.
type checker struct {
	w          *world
	violations []string
	said       map[string]int

	rows       map[int64]store.Job // as they were after the last step
	ids        []int64             // of rows, rising
	unfinished int
	claims     map[claim]claimed
	ended      map[claim]store.OutcomeKind // accepted outcomes
	tokens     map[int64]string            // the tokens ever given out, and their short names
	cancelled  map[int64]bool              // by people: nothing but cancelled may follow
	paused     map[string]bool

	alive   map[int64]*process  // by the process ids that the store knows
	beats   map[int64]time.Time // when the last beat of each was applied
	names   map[int64]string    // short ones of process ids
	rollups int                 // rollbacks
}

// claimed is what a claim handed out.
type claimed struct {
	order   int
	process int64
	by      *process
}

func newChecker(w *world) *checker {
	return &checker{
		w: w, said: map[string]int{}, rows: map[int64]store.Job{}, claims: map[claim]claimed{},
		ended: map[claim]store.OutcomeKind{}, tokens: map[int64]string{}, cancelled: map[int64]bool{},
		paused: map[string]bool{}, alive: map[int64]*process{}, beats: map[int64]time.Time{}, names: map[int64]string{},
	}
}

// violate notes a broken invariant; of each only the first few are kept.
func (c *checker) violate(invariant, format string, args ...any) {
	text := invariant + ": " + fmt.Sprintf(format, args...)
	c.w.history.add("CHECK", "%s", text)
	if c.said[invariant]++; c.said[invariant] <= 3 {
		c.violations = append(c.violations, fmt.Sprintf("%.3f s: %s", c.w.now().Seconds(), text))
	}
}

// tokenName is a short name, by the order in which tokens were first seen.
func (w *world) tokenName(token int64) string {
	return named(w.checker.tokens, token, "t")
}

func (w *world) processName(id int64) string { return named(w.checker.names, id, "#") }

func named(names map[int64]string, key int64, prefix string) string {
	if names[key] == "" {
		names[key] = fmt.Sprintf("%s%d", prefix, len(names)+1)
	}
	return names[key]
}

// after looks at what a verb has done.
func (c *checker) after(op *operation) {
	if op.err == nil {
		switch op.verb {
		case "Join":
			id := op.in.(store.Process).ID
			c.alive[id], c.beats[id] = op.by, time.Now()
		case "Beat":
			c.beats[op.in.(int64)] = time.Now()
		case "Leave":
			delete(c.alive, op.in.(int64))
		case "Recover":
			c.declaredDead(op)
		case "Pause":
			c.paused[op.in.(string)] = true
		case "Resume":
			delete(c.paused, op.in.(string))
		case "Cancel":
			for _, id := range op.out.([]int64) {
				c.cancelled[id] = true
				c.w.expectTold(id)
			}
		}
	}
	if c.mayChange(op) {
		c.sweep(op)
	}
}

func (c *checker) mayChange(op *operation) bool {
	if op.err != nil {
		return true
	}
	switch out := op.out.(type) {
	case []store.Job:
		return len(out) > 0
	case []store.Recovered:
		return len(out) > 0
	case store.Promoted:
		return out.Count > 0
	}
	return op.verb != "Beat" && op.verb != "Report" && op.verb != "Join" && op.verb != "Prune"
}

// sweep reads every job and looks at those that have changed.
func (c *checker) sweep(op *operation) {
	rows, err := c.w.truth.List(context.Background(), store.Filter{Limit: 10_000})
	if err != nil {
		c.violate("I17", "cannot list: %v", err)
		return
	}
	c.unfinished = 0
	for _, row := range slices.Backward(rows) {
		if !row.Status.Finished() {
			c.unfinished++
		}
		old, known := c.rows[row.ID]
		if !known {
			c.appeared(op, row)
		} else if changed(old, row) {
			c.moved(op, old, row)
		}
		c.rows[row.ID] = row
	}
	if len(rows) < len(c.rows) {
		c.violate("I1", "%s made %d jobs vanish", op.verb, len(c.rows)-len(rows))
	}
	if op.verb == "Finish" && op.err == nil {
		c.verdicts(op)
	}
}

func changed(a, b store.Job) bool {
	return a.Status != b.Status || a.Token != b.Token || a.ProcessID != b.ProcessID || a.Attempt != b.Attempt ||
		a.Crashes != b.Crashes || !a.NextRunAt.Equal(b.NextRunAt)
}

// appeared: only an enqueue makes jobs, each once.
func (c *checker) appeared(op *operation, row store.Job) {
	o := c.w.orderOf(row)
	if op.verb != "Enqueue" || o.stored {
		c.violate("I2", "%s made job %d of order %d (stored before: %v)", op.verb, row.ID, o.number, o.stored)
	}
	o.stored, o.lost = true, false
	c.ids = append(c.ids, row.ID)
	if row.Status == store.Pending && row.ScheduledAt.After(op.now) {
		c.violate("I10", "job %d is pending at once, asked for at %v", row.ID, row.ScheduledAt)
	}
}

// acknowledged: what people were told is stored.
func (c *checker) acknowledged(orders []*order, jobs []later.Job) {
	for i, o := range orders {
		row, there := c.rows[jobs[i].ID]
		if o.lost {
			continue
		}
		if !there || c.w.orderOf(row) != o {
			c.violate("I1", "order %d was acknowledged as job %d, which is not there", o.number, jobs[i].ID)
		}
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
	switch op.verb {
	case "Claim":
		c.claimed(op, old, row)
	case "Finish":
		c.finished(op, old, row)
	case "Leave":
		if old.ProcessID != op.in.(int64) {
			c.violate("I3", "a leaving process released job %d of another", row.ID)
		}
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
		delete(c.cancelled, row.ID)
		if old.Status.Finished() {
			c.w.ledger.kills[c.w.orderOf(row)] = 0 // a person gives it all its lives again
		}
		if old.Status.Finished() && (row.Attempt != 0 || row.Crashes != 0) {
			c.violate("I23", "job %d starts over with %d attempts and %d crashes", row.ID, row.Attempt, row.Crashes)
		}
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
	want, counts := leadsTo(o.Kind, old.CancelRequested)
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
func leadsTo(kind store.OutcomeKind, cancelled bool) (store.JobStatus, int) {
	counts := 1
	if kind == store.Release || kind == store.Postpone {
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
		case verdict == store.Superseded && ended && kind == store.Complete && c.rows[o.JobID].Status == store.Completed && c.rollups == 0 && !c.w.plan.retries:
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
		if quiet := time.Since(c.beats[id]); quiet < c.w.plan.timeToDie {
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

// answered notes what a process knows now.
func (c *checker) answered(op *operation, err error) {
	p := op.by
	switch {
	case op.verb == "Join" && err == nil:
		p.id, p.beatSent, p.beatHindered = op.in.(store.Process).ID, op.sent, false
	case op.verb == "Beat" && err == nil:
		p.beatSent, p.beatHindered = op.sent, op.fate != ""
	}
}

// rolledBack: the store is what it was some time ago. What it has lost is lost;
// what it has is as good as before.
func (c *checker) rolledBack() {
	c.rollups++
	rows, err := c.w.truth.List(context.Background(), store.Filter{Limit: 10_000})
	if err != nil {
		c.violate("I17", "cannot list: %v", err)
		return
	}
	for _, o := range c.w.orders {
		o.lost, o.stored = o.lost || o.stored, false
	}
	clear(c.rows)
	clear(c.ended)
	clear(c.cancelled)
	c.ids, c.unfinished = nil, 0
	for _, row := range slices.Backward(rows) {
		c.rows[row.ID] = row
		c.ids = append(c.ids, row.ID)
		o := c.w.orderOf(row)
		o.stored, o.lost = true, false
		if row.Status == store.Cancelled {
			c.cancelled[row.ID] = true
		}
		if !row.Status.Finished() {
			c.unfinished++
		}
	}
	c.processesNow()
}

// processesNow notes whom the store knows after a rollback.
func (c *checker) processesNow() {
	known, err := c.w.truth.Processes(context.Background())
	if err != nil {
		return
	}
	was := c.alive
	c.alive = map[int64]*process{}
	for _, k := range known {
		p := was[k.ID]
		for _, other := range c.w.processes {
			if p == nil && other.id == k.ID {
				p = other
			}
		}
		if p != nil {
			c.alive[k.ID] = p
		}
	}
	stats, err := c.w.truth.Stats(context.Background())
	if err != nil {
		return
	}
	clear(c.paused)
	for _, queue := range stats.Queues {
		if !queue.PausedAt.IsZero() {
			c.paused[queue.Name] = true
		}
	}
}
