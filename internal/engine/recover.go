package engine

import (
	"context"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// recoverEvery is how often a process looks after the others, or with each heartbeat if
// that is more often: a death is seen only by looks that leave no gap. On one host the
// store proves a death at once, so this is also how soon its jobs run again.
const recoverEvery = time.Second

// watch looks after the other processes.
type watch struct {
	*Engine
	beats    Beats
	lookedAt time.Time // at the beats
	trouble  trouble
}

func (e *Engine) newWatch() *watch {
	return &watch{
		Engine: e, beats: Beats{TimeToDie: e.cfg.TimeToDie, Gap: 2 * e.cfg.Heartbeat},
		trouble: trouble{dice: e.newDice()},
	}
}

func (w *watch) recover(ctx context.Context) time.Duration {
	silent, err := w.look(ctx)
	if err != nil {
		return w.met(ctx, err)
	}
	recovered, err := w.store.Recover(ctx, silent, w.now())
	if err != nil {
		return w.met(ctx, err)
	}
	w.trouble.over(w.log, "look after other processes")
	w.observeRecovered(recovered)
	w.tellRecovered(recovered)
	if next := w.nextLook(); next < recoverEvery {
		return max(recoverEvery/10, next)
	}
	return 0
}

// look reads the beats, which change so rarely that twice within three is often enough
// to keep the time until a death is declared short of one beat more than the
// time-to-die.
func (w *watch) look(ctx context.Context) ([]store.Silent, error) {
	if w.nextLook() > 0 {
		return nil, nil
	}
	processes, err := w.store.Processes(ctx)
	if err != nil {
		return nil, err
	}
	w.lookedAt = time.Now()
	if w.sinceBeat() > w.beats.Gap {
		// Whatever keeps our own beats from the store may keep those of others from it,
		// such as a lock that somebody does not let go of. They get the whole time again.
		w.beats.Forget()
		return nil, nil
	}
	return w.observe(processes, w.lookedAt), nil
}

// nextLook is how long to wait for the next look at the beats.
func (w *watch) nextLook() time.Duration {
	now := time.Now()
	return min(w.cfg.Heartbeat*2/3-now.Sub(w.lookedAt), w.beats.Next(now))
}

func (w *watch) met(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	return w.trouble.met(w.log, "look after other processes", err)
}

// observe returns the other processes that have been silent for too long.
func (w *watch) observe(processes []store.Process, now time.Time) []store.Silent {
	self := w.processID.Load()
	others := slices.DeleteFunc(processes, func(p store.Process) bool { return p.ID == self })
	return w.beats.Silent(others, now)
}

func (w *watch) tellRecovered(recovered []store.Recovered) {
	lost := map[int64]int{}
	for _, job := range recovered {
		lost[job.ProcessID]++
		w.tellRecovery(job)
		if job.Crashes >= store.SuspectAfter {
			w.mayHaveSuspects()
		}
		if job.Status == store.Failed {
			w.log.Error("job failed: "+store.CrashedReason, "job", job.JobID, "type", job.Type, "crashes", job.Crashes)
		}
	}
	for process, jobs := range lost {
		w.log.Warn("a process died; its jobs are taken back", "process", process, "jobs", jobs)
	}
}
