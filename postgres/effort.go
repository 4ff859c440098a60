package postgres

import (
	"slices"
	"time"
)

// effort holds looks from the beginning of an index under 5 % of the time. They are
// cheap, until an old snapshot keeps vacuum from removing what has gone.
type effort struct {
	last  time.Time        // when the last look ended
	costs [4]time.Duration // of the last looks
	count int
}

const (
	// cheap is what a look may cost to be made whenever somebody likes to.
	cheap = 3 * time.Millisecond
	// restFactor times its cost is the time between two dearer looks.
	restFactor = 20
)

// made notes a look.
func (e *effort) made(cost time.Duration) {
	e.costs[e.count%len(e.costs)] = cost
	e.count++
	e.last = time.Now()
}

// until is how long the next look has to wait; not at all if it is not positive.
func (e *effort) until() time.Duration {
	if cost := e.cost(); cost > cheap {
		return restFactor*cost - time.Since(e.last)
	}
	return 0
}

// cost is the least of the last looks: one that the machine held up says nothing.
func (e *effort) cost() time.Duration {
	if e.count < len(e.costs) {
		return 0
	}
	return slices.Min(e.costs[:])
}
