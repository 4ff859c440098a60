package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

// rollupEvery is how often a process stores what its jobs came to. One that has just
// begun does so sooner, for somebody may be looking at it: after firstRollup, and then
// after twice as long each time.
const (
	rollupEvery = time.Minute
	firstRollup = 2 * time.Second
)

// maxRollups bounds what is kept while the store cannot be reached: rollups are for
// charts, and a hole in one is better than a process without memory.
const maxRollups = 10_000

// rollups are the sums of outcomes that are not stored yet, of which the completer
// adds to the newest minute.
type rollups struct {
	mu   sync.Mutex
	sums map[rollupKey]*store.Rollup

	causes map[store.CauseID]*store.Cause // of failures that are not stored yet
}

type rollupKey struct {
	minute          int64
	queue, jobsType string
}

// count adds the outcomes that the store has accepted.
func (r *rollups) count(batch []concluded, verdicts []store.Verdict) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range batch {
		if verdict := verdicts[i]; verdict != store.Accepted && verdict != store.Repeated {
			continue
		}
		outcome, job := &batch[i].outcome, batch[i].held.job
		if outcome.Kind == store.Release {
			continue
		}
		r.countCause(&batch[i])
		sum := r.sum(rollupKey{outcome.FinishedAt.Unix() / 60, job.Queue, job.Type})
		if sum == nil {
			return
		}
		countOutcome(sum, outcome)
		if job.Attempt == 1 {
			sum.Wait.Observe(outcome.StartedAt.Sub(latest(job.QueuedAt, job.ScheduledAt)))
		}
		sum.Run.Observe(outcome.FinishedAt.Sub(outcome.StartedAt))
	}
}

// sum finds the place to count in; none if there are too many.
func (r *rollups) sum(key rollupKey) *store.Rollup {
	if sum, known := r.sums[key]; known {
		return sum
	}
	if len(r.sums) >= maxRollups {
		return nil
	}
	if r.sums == nil {
		r.sums = map[rollupKey]*store.Rollup{}
	}
	sum := &store.Rollup{At: time.Unix(60*key.minute, 0).UTC(), Span: time.Minute, Queue: key.queue, Type: key.jobsType}
	r.sums[key] = sum
	return sum
}

func countOutcome(sum *store.Rollup, outcome *store.Outcome) {
	switch outcome.Kind {
	case store.Complete:
		sum.Completed++
	case store.Retry:
		sum.Retried++
	case store.Postpone:
		sum.Postponed++
	case store.Fail:
		sum.Failed++
	case store.Cancel:
		sum.Cancelled++
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// take empties the sums into a list, oldest first, and what was seen of causes.
func (r *rollups) take() ([]store.Rollup, []store.Cause) {
	r.mu.Lock()
	defer r.mu.Unlock()
	causes := make([]store.Cause, 0, len(r.causes))
	for _, c := range r.causes {
		causes = append(causes, *c)
	}
	r.causes = nil
	list := make([]store.Rollup, 0, len(r.sums))
	for _, sum := range r.sums {
		list = append(list, *sum)
	}
	r.sums = nil
	slices.SortFunc(list, func(a, b store.Rollup) int { return a.At.Compare(b.At) })
	return list, causes
}

// putBack keeps what could not be stored for the next time.
func (r *rollups) putBack(list []store.Rollup) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range list {
		if sum := r.sum(rollupKey{list[i].At.Unix() / 60, list[i].Queue, list[i].Type}); sum != nil {
			sum.Add(&list[i])
		}
	}
}

// roller stores the sums.
type roller struct {
	*Engine
	trouble trouble
	wait    time.Duration
}

func (e *Engine) newRoller() *roller {
	return &roller{Engine: e, trouble: trouble{dice: e.newDice()}, wait: firstRollup / 2}
}

// interval is how long to wait for the next time. The loop is its only user.
func (r *roller) interval() time.Duration {
	r.wait = min(2*r.wait, rollupEvery)
	return r.wait
}

func (r *roller) roll(ctx context.Context) time.Duration {
	list, causes := r.rollups.take()
	if len(list) == 0 {
		return 0
	}
	if err := r.storeSums(ctx, list, causes); err != nil {
		if ctx.Err() != nil {
			return 0
		}
		return r.trouble.met(r.log, "store rollups", err)
	}
	r.trouble.over(r.log, "store rollups")
	return 0
}

// storeSums keeps what could not be stored for the next time.
func (e *Engine) storeSums(ctx context.Context, list []store.Rollup, causes []store.Cause) error {
	if err := e.store.Rollup(ctx, list, e.now()); err != nil {
		e.rollups.putBack(list)
		e.rollups.putBackCauses(causes)
		return err
	}
	if len(causes) == 0 {
		return nil
	}
	err := e.store.RecordCauses(ctx, causes, e.now())
	if err != nil {
		e.rollups.putBackCauses(causes)
	}
	return err
}

// lastRollup stores the sums of the last minute. They are no reason to stop later.
func (e *Engine) lastRollup() {
	list, causes := e.rollups.take()
	if len(list) == 0 {
		return
	}
	if err := e.storeSums(e.verbs, list, causes); err != nil {
		e.log.Warn("the charts will miss the last minute of this process", "error", err)
	}
}
