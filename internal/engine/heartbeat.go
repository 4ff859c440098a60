package engine

import (
	"context"
	"errors"
	"time"

	"github.com/laterjobs/later/store"
)

// heart keeps the process known to be alive, and learns with each beat which
// jobs to cancel and which claims the store and the process disagree about.
type heart struct {
	*Engine
	strangers map[claim]bool // claims in the last answer that the process does not know
	dice      dice
	trouble   trouble
	rejoining trouble
}

func (e *Engine) newHeart() *heart {
	d := e.newDice()
	return &heart{Engine: e, dice: d, trouble: trouble{dice: d}, rejoining: trouble{dice: d}}
}

// beatPause is the least time between two beats, however often people cancel.
const beatPause = 100 * time.Millisecond

func (h *heart) beat(ctx context.Context) time.Duration {
	if early := beatPause - h.sinceBeat(); early > 0 {
		return early
	}
	known, sent := h.known(), h.sinceStart()
	beaten, err := h.store.Beat(h.verbs, h.processID.Load(), h.state(), h.now())
	switch {
	case errors.Is(err, store.ErrProcessGone):
		if err := h.rejoin(ctx); err != nil {
			return h.atMostABeat(h.rejoining.met(h.log, "join under a new id", err))
		}
		h.rejoining.over(h.log, "join under a new id")
	case err != nil:
		return h.atMostABeat(h.trouble.met(h.log, "send a heartbeat", err))
	default:
		h.trouble.over(h.log, "send a heartbeat")
		h.beatSent.Store(int64(sent))
		h.unfence()
		h.reconcile(known, beaten.Claims)
		h.cancel(beaten.Cancels)
		h.answer(beaten.Requests)
	}
	h.reportStuck()
	return 0
}

// atMostABeat is how long to wait after a beat that failed: no longer than without the
// failure. Others may be over the same trouble already, and count the time.
func (h *heart) atMostABeat(wait time.Duration) time.Duration { return min(wait, h.cfg.Heartbeat) }

func (e *Engine) state() store.ProcessState {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.stopping:
		return store.ProcessStopping
	case e.draining:
		return store.ProcessDraining
	}
	return store.ProcessRunning
}

// known lists the claims that the process holds and has not begun to give up.
func (e *Engine) known() map[claim]*held {
	e.mu.Lock()
	defer e.mu.Unlock()
	known := make(map[claim]*held, len(e.held))
	for key, h := range e.held {
		if h.state != done {
			known[key] = h
		}
	}
	return known
}

// rejoin starts over under a new id: the process was declared dead, its jobs
// run elsewhere. Until it is known again it claims nothing: what nobody known has
// claimed is taken for a crash.
func (h *heart) rejoin(ctx context.Context) error {
	if h.rejoining.wait == 0 {
		h.log.Error("this process was declared dead, its jobs are taken over; joining again", "process", h.processID.Load())
	}
	h.shut()
	h.loseAll()
	if err := h.join(ctx, h.dice); err != nil {
		return err
	}
	h.unfence()
	return nil
}

// reconcile settles what the store and the process disagree about. Held
// jobs that the store gave to nobody or others are lost. Claims that the
// process does not know are those whose answer never came; they are given back
// when they show up in two answers in a row.
func (h *heart) reconcile(known map[claim]*held, claims []store.Claimed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	strangers := map[claim]bool{}
	for _, c := range claims {
		key := claim{c.JobID, c.Token}
		delete(known, key)
		if h.held[key] != nil || h.inFlight[c.Token] {
			continue
		}
		if h.strangers[key] {
			h.release(&held{job: store.Job{ID: c.JobID, Token: c.Token}})
			continue
		}
		strangers[key] = true
	}
	h.strangers = strangers
	for _, lost := range known {
		h.lose(lost)
	}
}

// cancel stops the jobs that people asked to stop.
func (e *Engine) cancel(requests []store.CancelRequest) {
	if len(requests) == 0 {
		return
	}
	reasons := make(map[int64]string, len(requests))
	for _, request := range requests {
		reasons[request.JobID] = request.Reason
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, h := range e.held {
		reason, asked := reasons[h.job.ID]
		switch {
		case !asked:
		case h.state == performing:
			h.ctx.end(&Cancellation{Reason: reason})
		case h.state == buffered:
			e.unbuffer(h)
			e.end(h, store.Outcome{JobID: h.job.ID, Token: h.job.Token, Kind: store.Release}) // the store makes it cancelled
		}
	}
}

// Cancelled tells the engine of requests that were stored a moment ago, so that
// jobs of this process need not wait for the heartbeat.
func (e *Engine) Cancelled(ids []int64, reason string) {
	requests := make([]store.CancelRequest, len(ids))
	for i, id := range ids {
		requests[i] = store.CancelRequest{JobID: id, Reason: reason}
	}
	e.cancel(requests)
}
