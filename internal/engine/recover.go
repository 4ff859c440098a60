package engine

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

// recoverEvery is how often a process looks after the others. On one host the
// store proves a death at once, so this is also how soon its jobs run again.
const recoverEvery = time.Second

// watch observes the beats of other processes. A death is what this process has
// seen with its own clock: an unchanged beat for the whole time-to-die, watched
// without a gap.
type watch struct {
	*Engine
	seen     map[int64]sighting
	lookedAt time.Time
	trouble  trouble
}

// sighting is a beat and since when it has been seen.
type sighting struct {
	beat  int64
	since time.Time
}

func (e *Engine) newWatch() *watch { return &watch{Engine: e, seen: map[int64]sighting{}} }

func (w *watch) recover(ctx context.Context) time.Duration {
	processes, err := w.store.Processes(ctx)
	if err != nil {
		return w.met(ctx, err)
	}
	silent := w.observe(processes, time.Now())
	recovered, err := w.store.Recover(ctx, silent, w.now())
	if err != nil {
		return w.met(ctx, err)
	}
	w.trouble.over(w.log, "look after other processes")
	w.tellRecovered(recovered)
	return 0
}

func (w *watch) met(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	return w.trouble.met(w.log, "look after other processes", err)
}

// observe notes the beats and returns the processes that have been silent for
// the whole time-to-die. After a gap in observation it begins anew: the gap may
// be this process's own fault.
func (w *watch) observe(processes []store.Process, now time.Time) (silent []store.Silent) {
	gap := now.Sub(w.lookedAt) > 2*w.cfg.Heartbeat
	w.lookedAt = now
	seen := make(map[int64]sighting, len(processes))
	for _, process := range processes {
		if process.ID == w.processID.Load() {
			continue
		}
		sight, known := w.seen[process.ID]
		if !known || gap || sight.beat != process.Beat {
			sight = sighting{process.Beat, now}
		}
		seen[process.ID] = sight
		if now.Sub(sight.since) >= w.cfg.TimeToDie {
			silent = append(silent, store.Silent{ProcessID: process.ID, Beat: process.Beat})
		}
	}
	w.seen = seen
	return silent
}

func (w *watch) tellRecovered(recovered []store.Recovered) {
	lost := map[int64]int{}
	for _, job := range recovered {
		lost[job.ProcessID]++
		if job.Crashes >= store.SuspectAfter {
			w.mayHaveSuspects()
		}
		if job.Status == store.Failed {
			w.log.Error("job failed: "+store.CrashedReason, "id", job.JobID, "type", job.Type, "crashes", job.Crashes)
		}
	}
	for process, jobs := range lost {
		w.log.Warn("a process died; its jobs are taken back", "process", process, "jobs", jobs)
	}
}
