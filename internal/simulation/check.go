package simulation

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// checker follows the store from step to step and compares what has changed with what
// the step may have done: see steps.go. Its rules are named as in the comment of the
// package.
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
	askedAt    map[int64]time.Time         // when people last asked to cancel
	retried    map[int64]bool              // by people: the store forgets what was before
	paused     map[string]bool
	fresh      map[int64]bool // never claimed since they took a key that is theirs while they wait
	lastAsked  time.Time      // for a job: the latest time of an enqueue
	instants   map[instant]bool
	dealtWith  map[string]store.Schedule // the schedules as they were when all became calm

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
		ended: map[claim]store.OutcomeKind{}, tokens: map[int64]string{}, cancelled: map[int64]bool{}, askedAt: map[int64]time.Time{}, retried: map[int64]bool{},
		paused: map[string]bool{}, fresh: map[int64]bool{}, instants: map[instant]bool{}, dealtWith: map[string]store.Schedule{}, alive: map[int64]*process{}, beats: map[int64]time.Time{}, names: map[int64]string{},
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
	switch op.verb {
	case "Enqueue":
		c.conflicts(op)
	case "SaveSteps":
		c.w.durable.savedBy(op)
	}
	if op.err == nil {
		switch op.verb {
		case "Join":
			id := op.in.(store.Process).ID
			c.alive[id], c.beats[id] = op.by, time.Now()
		case "Beat":
			c.beats[op.in.(store.Heartbeat).ProcessID] = time.Now()
		case "Leave":
			delete(c.alive, op.in.(int64))
		case "Recover":
			c.declaredDead(op)
		case "Pause":
			c.paused[op.in.(string)] = true
		case "Resume":
			delete(c.paused, op.in.(string))
		case "Claim":
			c.withinDemand(op)
		case "Cancel":
			for _, id := range op.out.([]int64) {
				c.cancelled[id] = true
				c.askedAt[id] = time.Now()
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
	return !changesNoJob[op.verb]
}

var changesNoJob = map[string]bool{
	"Beat": true, "Report": true, "Join": true, "Prune": true, "SaveSteps": true, "SaveSchedules": true,
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
		} else {
			if numberOf(old.Args) != numberOf(row.Args) {
				c.replaced(op, old, row)
			}
			if changed(old, row) {
				c.moved(op, old, row)
			}
		}
		c.rows[row.ID] = row
	}
	if len(rows) < len(c.rows) {
		c.violate("I1", "%s made %d jobs vanish", op.verb, len(c.rows)-len(rows))
	}
	if op.verb == "Finish" && op.err == nil {
		c.verdicts(op)
	}
	if c.w.plan.unique && (op.verb == "Enqueue" || op.verb == "Retry") {
		c.oneHolder(op)
	}
}

// acknowledged: what people were told is stored.
func (c *checker) acknowledged(orders []*order, jobs []later.Job) {
	for i, o := range orders {
		row, there := c.rows[jobs[i].ID]
		if o.lost || o.replaced || o.merged && c.rollups > 0 {
			continue
		}
		if o.merged && !jobs[i].Replaced {
			if !there || !jobs[i].Deduplicated {
				c.violate("I11", "order %d was answered with job %d, which is there: %v, as a duplicate: %v", o.number, jobs[i].ID, there, jobs[i].Deduplicated)
			}
			continue
		}
		if !there || c.w.orderOf(row) != o {
			c.violate("I1", "order %d was acknowledged as job %d, which is not there", o.number, jobs[i].ID)
		}
	}
}

// answered notes what a process knows now.
func (c *checker) answered(op *operation, err error) {
	p := op.by
	switch {
	case op.verb == "Join" && err == nil:
		p.id, p.beatSent, p.beatHindered = op.in.(store.Process).ID, op.sent, op.fate != ""
	case op.verb == "Claim" && err == nil:
		for _, job := range op.out.([]store.Job) {
			p.heard[claim{job.ID, job.Token}] = true
		}
	case op.verb == "Beat" && err == nil:
		p.beatSent, p.beatHindered = op.sent, op.fate != ""
		p.beatApplied, p.beatAnswered = op.appliedAt, time.Now()
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
	clear(c.fresh)
	clear(c.instants)
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
		c.keptBy(row)
		if at, ok := instantOf(row); ok {
			c.instants[at] = true
		}
	}
	c.w.durable.rolledBack(rows)
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
