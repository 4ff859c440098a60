package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/internal/cause"
	"github.com/laterjobs/later/store"
)

// complete stores outcomes, as many at once as have come up, until no more can
// come. Executors wait while it is behind: that is the backpressure.
func (e *Engine) complete() {
	var batch []concluded
	for {
		clear(batch) // the next one uses its place; what it held is free to go
		batch = batch[:0]
		select {
		case first := <-e.outcomes:
			batch = append(batch, first)
		case <-e.endedSoon:
		case <-e.lastOutcome:
			for batch = e.gather(batch); len(batch) > 0; batch = e.gather(nil) {
				e.settle(batch)
			}
			return
		}
		batch = e.gather(batch)
		e.settle(batch)
	}
}

// gather adds the outcomes that have come up by now. What comes up while the store
// works goes with the next batch, so there is no need to wait for company.
func (e *Engine) gather(batch []concluded) []concluded {
	batch = append(batch, e.takeEnded()...)
	for len(batch) < maxBatch {
		select {
		case next := <-e.outcomes:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (e *Engine) takeEnded() []concluded {
	e.mu.Lock()
	defer e.mu.Unlock()
	ended := e.ended
	e.ended = nil
	return ended
}

// settle stores outcomes and forgets their jobs. Reports go first: under an
// ended claim they would be dropped.
func (e *Engine) settle(batch []concluded) {
	if len(batch) == 0 {
		return
	}
	e.flushReports(batch)
	began := time.Now()
	verdicts := e.finish(batch)
	e.observeStored(batch, verdicts, began)
	e.rollups.count(batch, verdicts)
	e.forget(batch)
	if slices.Contains(verdicts, 0) {
		e.mayHoldMore() // the store still has those claims
	}
	finished := false
	for i, verdict := range verdicts {
		finished = finished || verdict == store.Accepted || verdict == store.Repeated
		e.tell(batch[i], verdict)
		e.tellOutcome(batch[i], verdict)
	}
	if finished && e.onFinished != nil {
		e.onFinished()
	}
}

func (e *Engine) forget(batch []concluded) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, c := range batch {
		delete(e.held, c.held.claim())
	}
	if e.quiet && len(e.held) == 0 {
		nudge(e.claimSoon)
	}
}

// finish stores the outcomes of a batch and returns a verdict for each; 0 for
// one that could not be stored. It waits out a store that cannot be reached:
// the work is done, only its record is missing.
func (e *Engine) finish(batch []concluded) []store.Verdict {
	e.introduceCauses(batch)
	outcomes := e.memory[:0]
	e.memory = nil // after an error the store may still be at work with it
	for _, c := range batch {
		outcomes = append(outcomes, c.outcome)
	}
	trouble := trouble{dice: e.completing}
	for {
		verdicts, err := e.store.Finish(e.verbs, outcomes, e.now())
		switch {
		case err == nil:
			if trouble.wait > 0 {
				asAccepted(verdicts)
			} else {
				clear(outcomes) // what they hold may be large
				e.memory = outcomes
			}
			trouble.over(e.log, "store outcomes")
			return verdicts
		case e.verbs.Err() != nil, errors.Is(err, store.ErrClosed):
			e.log.Error("outcomes not stored; their jobs will run again", "jobs", len(batch), "error", err)
			return make([]store.Verdict, len(batch))
		case !transient(err):
			return e.finishApart(batch, err)
		}
		e.rest(e.verbs, trouble.met(e.log, "store outcomes", err))
	}
}

// asAccepted: of outcomes that are offered again after an error, those that are
// repeated had been accepted, and only the reply was lost.
func asAccepted(verdicts []store.Verdict) {
	for i, verdict := range verdicts {
		if verdict == store.Repeated {
			verdicts[i] = store.Accepted
		}
	}
}

// finishApart finds the outcome that the store will not take, so that it does
// not hold back the others.
func (e *Engine) finishApart(batch []concluded, refusal error) []store.Verdict {
	if len(batch) > 1 {
		half := len(batch) / 2
		return append(e.finish(batch[:half]), e.finish(batch[half:])...)
	}
	c := batch[0]
	if c.outcome.Kind == store.Fail && c.outcome.Result == nil && c.outcome.Stack == "" {
		e.log.Error("outcome not stored; the job will run again", "job", c.held.job.ID, "error", refusal)
		return []store.Verdict{0}
	}
	c.err = nil // another one fails the job
	c.outcome = store.Outcome{
		JobID: c.outcome.JobID, Token: c.outcome.Token, Kind: store.Fail,
		Error:     sanitize("the outcome could not be stored: " + refusal.Error()),
		StartedAt: c.outcome.StartedAt, FinishedAt: c.outcome.FinishedAt,
	}
	found := cause.Of(cause.Failure{Type: c.held.job.Type, Err: fmt.Errorf("the outcome could not be stored: %w", refusal)})
	c.cause, c.outcome.Cause = &found, found.ID
	batch[0] = c
	return e.finish(batch[:1:1])
}

// transient reports whether an error is about the store's health and not about
// what it was asked.
func transient(err error) bool {
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrFull) ||
		errors.Is(err, context.DeadlineExceeded)
}

// tell logs the outcomes that deserve a person's attention.
func (e *Engine) tell(c concluded, verdict store.Verdict) {
	job := c.held.job
	if verdict == store.Superseded {
		e.log.Warn("outcome superseded: the job was taken from this process",
			"job", job.ID, "type", job.Type, "attempt", job.Attempt)
		return
	}
	if verdict == store.Repeated {
		return // the handler has completed the job in a transaction of its own
	}
	switch c.outcome.Kind {
	case store.Fail:
		e.log.Error("job failed", "job", job.ID, "type", job.Type, "attempt", job.Attempt, "error", c.outcome.Error)
	case store.Retry:
		e.log.Warn("job will be retried", "job", job.ID, "type", job.Type, "attempt", job.Attempt,
			"at", c.outcome.RunAt, "error", c.outcome.Error)
	case store.Cancel:
		e.log.Info("job cancelled", "job", job.ID, "type", job.Type, "reason", c.outcome.Error)
	}
}
