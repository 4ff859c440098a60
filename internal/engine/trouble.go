package engine

import (
	"log/slog"
	"time"
)

// trouble follows one kind of failure over its length: it is logged when it
// begins, once a minute while it lasts, and when it ends, and the waits between
// tries grow.
type trouble struct {
	dice  dice
	wait  time.Duration
	since time.Time
	said  time.Time
}

const (
	firstWait   = 50 * time.Millisecond
	longestWait = 2 * time.Second
	sayAgain    = time.Minute
)

// met notes a failure and returns how long to wait before the next try.
func (t *trouble) met(log *slog.Logger, what string, err error) time.Duration {
	now := time.Now()
	if t.wait == 0 {
		t.wait, t.since = firstWait, now
	} else {
		t.wait = min(2*t.wait, longestWait)
	}
	if now.Sub(t.said) >= sayAgain {
		t.said = now
		log.Error("cannot "+what+"; trying again", "error", err, "for", now.Sub(t.since).Round(time.Second))
	}
	return t.dice.vary(t.wait)
}

// over notes a success.
func (t *trouble) over(log *slog.Logger, what string) {
	if t.wait != 0 {
		log.Info("can "+what+" again", "after", time.Since(t.since).Round(time.Millisecond))
		*t = trouble{dice: t.dice}
	}
}
