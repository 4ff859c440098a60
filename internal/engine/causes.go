package engine

import (
	"time"

	"github.com/laterjobs/later/internal/cause"
	"github.com/laterjobs/later/store"
)

const (
	// maxCauses bounds what is kept of causes in memory.
	maxCauses = 1000
	// maxAlike is how many causes a type of jobs and of errors may have in a time: of
	// messages that are never the same there would be one for each failure.
	maxAlike = 100
	// introducedFor is how long the store is taken to know a cause: it forgets those that
	// are not seen for a month.
	introducedFor = time.Hour
)

// introducedCauses are those that the store knows, so that an outcome need not say more
// than the id. They belong to the completer.
type introducedCauses struct {
	since time.Time
	ids   map[store.CauseID]bool
	alike map[string]int // per type of jobs and of errors
}

// introduceCauses makes causes known before outcomes name them. It is best effort: what
// is counted once a minute is introduced as well.
func (e *Engine) introduceCauses(batch []concluded) {
	var fresh []store.Cause
	known := &e.introduced
	for i := range batch {
		c := &batch[i]
		if c.cause == nil {
			continue
		}
		known.refresh()
		*c = known.admit(*c)
		if !known.ids[c.cause.ID] {
			one := *c.cause
			one.FirstSeen, one.LastSeen = c.outcome.FinishedAt, c.outcome.FinishedAt
			fresh = append(fresh, one)
		}
	}
	if len(fresh) == 0 || e.store.RecordCauses(e.verbs, fresh, e.now()) != nil {
		return
	}
	for i := range fresh {
		known.add(&fresh[i])
	}
}

func (k *introducedCauses) refresh() {
	if k.ids == nil || time.Since(k.since) > introducedFor || len(k.ids) > 10*maxCauses {
		*k = introducedCauses{time.Now(), map[store.CauseID]bool{}, map[string]int{}}
	}
}

// admit lets an outcome have its cause, unless there are too many like it: then it has
// the one that stands for all of those.
func (k *introducedCauses) admit(c concluded) concluded {
	if k.ids[c.cause.ID] || k.alike[kindOf(c.cause)] < maxAlike {
		return c
	}
	various := cause.Various(*c.cause)
	c.cause, c.outcome.Cause = &various, various.ID
	return c
}

func (k *introducedCauses) add(c *store.Cause) {
	if !k.ids[c.ID] {
		k.ids[c.ID] = true
		k.alike[kindOf(c)]++
	}
}

func kindOf(c *store.Cause) string { return c.Type + "\x00" + c.ErrorType }

// countCause adds a failure that the store has accepted.
func (r *rollups) countCause(c *concluded) {
	if c.cause == nil {
		return
	}
	one := *c.cause
	one.FirstSeen, one.LastSeen, one.Total = c.outcome.FinishedAt, c.outcome.FinishedAt, 1
	one.Counts = []store.CauseCount{{At: c.outcome.FinishedAt.Truncate(store.CauseSpan), Failures: 1}}
	r.addCause(&one)
}

func (r *rollups) addCause(c *store.Cause) {
	if sum, known := r.causes[c.ID]; known {
		sum.Add(c)
		return
	}
	if len(r.causes) >= maxCauses {
		return
	}
	if r.causes == nil {
		r.causes = map[store.CauseID]*store.Cause{}
	}
	r.causes[c.ID] = c
}

// putBackCauses keeps what could not be stored for the next time.
func (r *rollups) putBackCauses(causes []store.Cause) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range causes {
		r.addCause(&causes[i])
	}
}
