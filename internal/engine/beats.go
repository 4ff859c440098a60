package engine

import (
	"time"

	"github.com/laterjobs/later/store"
)

// Beats is what somebody has seen of the beats of processes. A death is what has
// been seen with one's own clock: an unchanged beat for the whole time-to-die,
// watched without a gap.
type Beats struct {
	TimeToDie time.Duration
	Gap       time.Duration // between two looks; after a longer one the watch begins anew, since it may be the watcher's own fault

	seen     map[int64]sighting
	lookedAt time.Time
}

// sighting is a beat and since when it has been seen.
type sighting struct {
	beat  int64
	since time.Time
}

// Forget begins the watch anew.
func (b *Beats) Forget() { b.seen = nil }

// Silent notes the beats and returns the processes that have been silent for the
// whole time-to-die.
func (b *Beats) Silent(processes []store.Process, now time.Time) (silent []store.Silent) {
	gap := now.Sub(b.lookedAt) > b.Gap
	b.lookedAt = now
	seen := make(map[int64]sighting, len(processes))
	for _, process := range processes {
		sight, known := b.seen[process.ID]
		if !known || gap || sight.beat != process.Beat {
			sight = sighting{process.Beat, now}
		}
		seen[process.ID] = sight
		if now.Sub(sight.since) >= b.TimeToDie {
			silent = append(silent, store.Silent{ProcessID: process.ID, Beat: process.Beat})
		}
	}
	b.seen = seen
	return silent
}

// Next is how long after now a process can have been silent for the whole time-to-die;
// the time-to-die itself if no process is known. After that it is 0.
func (b *Beats) Next(now time.Time) time.Duration {
	next := b.TimeToDie
	for _, sight := range b.seen {
		next = min(next, b.TimeToDie-now.Sub(sight.since))
	}
	return max(0, next)
}
