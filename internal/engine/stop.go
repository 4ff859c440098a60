package engine

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// StopReport says how the jobs of a process ended when it stopped.
type StopReport struct {
	Finished  int           // returned by themselves within the soft timeout
	Stopped   int           // returned after their context was cancelled with ErrStopping
	Abandoned []int64       // ids of jobs still running at the end; given back to the queue
	Took      time.Duration // from the call to its return
}

// lastWords is how long Stop tries, beyond its two timeouts, to store what is left.
const lastWords = 900 * time.Millisecond

// Stop claims nothing more, gives back what has not started, lets jobs end
// within the soft timeout, cancels the others with ErrStopping and lets them end
// within the hard timeout, gives back the rest and leaves the store. The end of
// ctx cuts both timeouts short. The error is that of leaving: the store will
// then find out by itself, and others recover what was left.
//
// A further call waits for the first one and returns the same. The end of its
// ctx cuts the timeouts short as well.
func (e *Engine) Stop(ctx context.Context) (StopReport, error) {
	defer context.AfterFunc(ctx, e.hurry)()
	e.stopOnce.Do(func() { e.stopped, e.stopErr = e.stop() })
	return e.stopped, e.stopErr
}

func (e *Engine) stop() (StopReport, error) {
	began := time.Now()
	defer e.hurry()
	var report StopReport
	atFirst := e.beginStop()
	afterSoft := e.await(e.cfg.SoftStop)
	e.stopAll()
	afterHard := e.await(e.cfg.HardStop)
	report.Finished, report.Stopped = atFirst-afterSoft, afterSoft-afterHard

	lastMoment := time.AfterFunc(lastWords, e.giveUp)
	defer lastMoment.Stop()
	report.Abandoned = e.abandon()
	err := e.leave()
	report.Took = time.Since(began)
	return report, err
}

// beginStop gives back what has not started, and returns how many jobs run.
func (e *Engine) beginStop() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopping = true
	close(e.stopBegan)
	for _, l := range e.lanes {
		e.giveBack(l)
	}
	left := len(e.allPerforming())
	if left > 0 {
		nudge(e.beatSoon) // people see that it is stopping
	}
	return left
}

// allPerforming lists the jobs whose handlers run.
func (e *Engine) allPerforming() (found []*held) {
	for _, h := range e.held {
		if h.state == performing {
			found = append(found, h)
		}
	}
	return found
}

// await waits until no handler runs, and returns how many still do.
func (e *Engine) await(atMost time.Duration) int {
	timer := time.NewTimer(atMost)
	defer timer.Stop()
	for {
		e.mu.Lock()
		left := len(e.allPerforming())
		e.mu.Unlock()
		if left == 0 {
			return 0
		}
		select {
		case <-e.slotFreed:
		case <-timer.C:
			return left
		case <-e.patience.Done():
			return left
		}
	}
}

// stopAll asks every handler to stop.
func (e *Engine) stopAll() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.allPerforming() {
		h.ctx.end(ErrStopping)
	}
}

// abandon gives back the jobs whose handlers do not end.
func (e *Engine) abandon() (ids []int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.allPerforming() {
		ids = append(ids, h.job.ID)
		e.log.Error("handler did not stop in time; its job is given back and may run twice",
			"job", h.job.ID, "type", h.job.Type, "stack", stackOfGoroutine(h.executor))
		e.release(h)
	}
	slices.Sort(ids)
	return ids
}

// leave stores the last outcomes and takes the process out of the store.
func (e *Engine) leave() error {
	e.endLoops()
	e.running.Wait()
	close(e.lastOutcome)
	e.completed.Wait()
	defer e.giveUp()
	e.lastRollup()
	if err := e.store.Leave(e.verbs, e.processID.Load(), e.now()); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}
