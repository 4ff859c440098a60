package simulation

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/store"
)

// uniqueKey is a key of one type. Its name says how long it is held. The zero value: none.
type uniqueKey struct {
	jobType string
	scope   store.UniqueScope
}

// keyPeriod is how long keys are held that are held for a time.
const keyPeriod = 20 * time.Second

var scopes = map[store.UniqueScope]later.UniqueOption{
	store.UniqueUntilDone: later.UntilDone, store.UniqueWhileWaiting: later.WhileWaiting, store.UniquePeriod: later.For(keyPeriod),
}

// aKey draws a key for an order, and what becomes of it if another job has that.
func (w *world) aKey(o *order, jobType string) later.CallOption {
	scope := []store.UniqueScope{store.UniqueUntilDone, store.UniqueWhileWaiting, store.UniquePeriod}[w.random.IntN(3)]
	if scope == store.UniquePeriod && (w.plan.steps || w.plan.skew) {
		scope = store.UniqueUntilDone // for who is ahead the time is over
	}
	o.key, o.way = uniqueKey{jobType, scope}, store.OnConflict(w.random.IntN(3))
	way := map[store.OnConflict]later.UniqueOption{
		store.ConflictKeep: later.Keep, store.ConflictReplace: later.Replace, store.ConflictFail: later.Fail,
	}[o.way]
	return later.UniqueKey(string(scope), scopes[scope], way)
}

// holds reports whether a job holds its key at a time, by what has happened to it.
func (c *checker) holds(row store.Job, now time.Time) bool {
	switch c.w.orderOf(row).key.scope {
	case store.UniqueUntilDone:
		return !row.Status.Finished()
	case store.UniqueWhileWaiting:
		return c.fresh[row.ID]
	case store.UniquePeriod:
		return row.QueuedAt.Add(keyPeriod).After(now)
	}
	return false
}

// holder is the job that holds a key before a step; 0: none.
func (c *checker) holder(key uniqueKey, now time.Time) int64 {
	for _, id := range slices.Backward(c.ids) {
		if row := c.rows[id]; c.w.orderOf(row).key == key && c.holds(row, now) {
			return id
		}
	}
	return 0
}

// over reports whether the time for which a job held its key has come to its end.
func (c *checker) over(key uniqueKey, holder int64) bool {
	return key.scope == store.UniquePeriod && !c.holds(c.rows[holder], time.Now())
}

// conflicts: a job is turned away if and only if another one holds its key, and by the
// one that does.
func (c *checker) conflicts(op *operation) {
	if !c.w.plan.unique || op.err != nil && !errors.Is(op.err, store.ErrDuplicate) {
		return
	}
	taken, refused := map[uniqueKey]int64{}, false
	for i, n := range op.in.([]store.NewJob) {
		o := c.w.orders[numberOf(n.Args)]
		var holder int64
		if o.key != (uniqueKey{}) {
			if holder = taken[o.key]; holder == 0 {
				holder = c.holder(o.key, op.now)
			}
		}
		if op.err != nil {
			refused = refused || holder != 0 && o.way == store.ConflictFail
			taken[o.key] = -1 // the earlier ones of a call count too
			continue
		}
		e := op.out.([]store.Enqueued)[i]
		if o.merged = e.Holder != nil; !o.merged {
			taken[o.key] = e.ID
		}
		switch {
		case o.merged && e.ID != holder:
			c.violate("I11", "order %d was turned away by job %d, but job %d holds its key", o.number, e.ID, holder)
		case !o.merged && holder != 0 && c.over(o.key, holder):
			// forgotten meanwhile: the enqueue has been on its way for long
		case !o.merged && holder != 0:
			c.violate("I11", "order %d became job %d, but job %d holds its key", o.number, e.ID, holder)
		case o.merged && o.way == store.ConflictFail:
			c.violate("I11", "order %d was to fail rather than to be kept", o.number)
		}
	}
	if op.err != nil && !refused {
		c.violate("I11", "an enqueue was refused, but nobody holds its keys: %v", op.err)
	}
}

// replaces reports whether an enqueue has told a job that waits to do its work instead.
func (c *checker) replaces(op *operation, id int64) bool {
	answers, ok := op.out.([]store.Enqueued)
	return ok && op.err == nil && slices.ContainsFunc(answers, func(e store.Enqueued) bool { return e.Replaced && e.ID == id })
}

// replaced looks at a job that is to do another order's work.
func (c *checker) replaced(op *operation, old, row store.Job) {
	before, now := c.w.orderOf(old), c.w.orderOf(row)
	if op.verb != "Enqueue" || !c.replaces(op, row.ID) || before.key != now.key || now.way != store.ConflictReplace {
		c.violate("I24", "%s made job %d one of order %d instead of %d", op.verb, row.ID, now.number, before.number)
	}
	if old.Status == store.Running || old.Status.Finished() {
		c.violate("I11", "job %d was replaced when it was %s", row.ID, old.Status)
	}
	before.replaced, now.stored, now.lost, now.replaced = true, true, false, false
	c.w.durable.forget(row.ID) // what was done for the old arguments
	c.overwritten(op, row)
}

// overwritten notes which orders of one call were replaced by a later one of it.
func (c *checker) overwritten(op *operation, row store.Job) {
	answers, ok := op.out.([]store.Enqueued)
	if !ok || op.err != nil {
		return
	}
	for i, n := range op.in.([]store.NewJob) {
		if o := c.w.orders[numberOf(n.Args)]; o != c.w.orderOf(row) && answers[i].ID == row.ID && (answers[i].Replaced || !o.merged) {
			o.replaced, o.stored = true, true
		}
	}
}

// oneHolder: of the jobs that share a key, one holds it at most. A call that comes late
// may know an earlier time than the last one.
func (c *checker) oneHolder(op *operation) {
	if op.verb == "Enqueue" && op.now.After(c.lastAsked) {
		c.lastAsked = op.now
	}
	held := map[uniqueKey]int64{}
	for _, id := range c.ids {
		row := c.rows[id]
		key := c.w.orderOf(row).key
		if key == (uniqueKey{}) || !c.holds(row, c.lastAsked) {
			continue
		}
		if other := held[key]; other != 0 {
			c.violate("I11", "after %s both job %d and job %d hold the key %s of %s", op.verb, other, id, key.scope, key.jobType)
		}
		held[key] = id
	}
}

// keptBy asks the store after a rollback whether a job still holds the key that is its own
// while it waits: what has happened to it before cannot be seen.
func (c *checker) keptBy(row store.Job) {
	if key := c.w.orderOf(row).key; key.scope == store.UniqueWhileWaiting {
		id, err := c.w.truth.Holder(context.Background(), key.jobType, string(key.scope), time.Now())
		c.fresh[row.ID] = err == nil && id == row.ID
	}
}
