package later

import (
	"context"
	"time"

	"github.com/laterjobs/later/internal/engine"
)

type (
	Observer      = engine.Observer      // is told what a working JobQueue does with its store
	StoredOutcome = engine.StoredOutcome // how one attempt ended
)

// Observe tells o from now on what the JobQueue does with its store, while it works, until stop is
// called. It is for metrics: package otel makes them of it.
func (q *JobQueue) Observe(o Observer) (stop func()) { return q.observers.Add(o) }

const (
	// recent is how old counts may be at least before the store is asked again.
	recent = time.Second
	// countingShare is the part of the time that may be spent on counting, one in so many.
	countingShare = 20
	// longestError is how long a failure is remembered at most: a store that is well
	// again must not look ill for long.
	longestError = 10 * time.Second
	// countingLimit ends a count that takes too long.
	countingLimit = 10 * time.Second
)

// recentStats are counts that many share.
type recentStats struct {
	turn  chan struct{} // holds one token: one count at a time
	stats Stats
	err   error
	at    time.Time // of the answer, by the clock that rules in the store
	until time.Time // when they are too old, by the program's clock
}

// RecentStats is Stats for those who ask often, such as probes and scrapes. The answer
// is up to a second old, or older where counting takes longer than 50 ms: no more than a
// twentieth of the time is spent on it, however many ask. at is the time of the counts,
// by the clock of the store, with which QueueStats.Oldest is to be compared.
func (q *JobQueue) RecentStats(ctx context.Context) (stats Stats, at time.Time, err error) {
	c := &q.counting
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		return Stats{}, time.Time{}, context.Cause(ctx)
	}
	if time.Now().Before(c.until) {
		return c.stats, c.at, c.err
	}
	counting, done := context.WithTimeout(context.WithoutCancel(ctx), countingLimit) // for all, also if the one who asks first leaves
	defer done()
	began := time.Now()
	c.stats, c.err = q.Stats(counting)
	rest := max(recent, (countingShare-1)*time.Since(began))
	if c.err != nil {
		rest = min(rest, longestError)
	}
	c.at, c.until = q.now(), time.Now().Add(rest)
	return c.stats, c.at, c.err
}
