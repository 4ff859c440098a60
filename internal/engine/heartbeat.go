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
	search    search
	strangers map[claim]bool // claims that the last search has found and the process does not know
	dice      dice
	trouble   trouble
	rejoining trouble
}

func (e *Engine) newHeart() *heart {
	d := e.newDice()
	return &heart{Engine: e, search: newSearch(), dice: d, trouble: trouble{dice: d}, rejoining: trouble{dice: d}}
}

// beatPause is the least time between two beats, however often people cancel.
const beatPause = 100 * time.Millisecond

func (h *heart) beat(ctx context.Context) time.Duration {
	if early := beatPause - h.sinceBeat(); early > 0 {
		return early
	}
	heartbeat, known := h.begin()
	sent := h.sinceStart()
	beaten, err := h.store.Beat(h.within(ctx, heartbeat), heartbeat, h.now())
	switch {
	case err != nil && ctx.Err() != nil:
		return 0 // the process leaves
	case errors.Is(err, store.ErrProcessGone):
		if err := h.rejoin(ctx); err != nil {
			return h.atMostABeat(h.rejoining.met(h.log, "join under a new id", err))
		}
		h.rejoining.over(h.log, "join under a new id")
	case err != nil:
		h.mayHoldMore() // a store that was away may have lost what it had answered
		return h.atMostABeat(h.trouble.met(h.log, "send a heartbeat", err))
	default:
		h.trouble.over(h.log, "send a heartbeat")
		h.search.beaten(heartbeat.Search && !beaten.Searched)
		h.beatSent.Store(int64(sent))
		h.unfence()
		h.reconcile(known, beaten)
		h.cancel(beaten.Cancels)
		h.answer(beaten.Requests)
	}
	h.reportStuck()
	return 0
}

// within is how long a heartbeat may take. A search ends when the process leaves, which
// finds its claims by itself and has little time.
func (h *heart) within(ctx context.Context, heartbeat store.Heartbeat) context.Context {
	if heartbeat.Search {
		return ctx
	}
	return h.verbs
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

// begin says what the process knows: what it holds, and what of that it has not begun to
// give up.
func (h *heart) begin() (heartbeat store.Heartbeat, known map[claim]*held) {
	heartbeat = store.Heartbeat{ProcessID: h.processID.Load(), State: h.state()}
	h.mu.Lock()
	defer h.mu.Unlock()
	heartbeat.Search = h.search.due(h.losses)
	h.answered = nil
	if heartbeat.Search {
		h.answered = map[int64]bool{}
	}
	known, heartbeat.Held = make(map[claim]*held, len(h.held)), make([]store.Claimed, 0, len(h.held))
	for key, held := range h.held {
		known[key] = held
		if held.state != done {
			heartbeat.Held = append(heartbeat.Held, store.Claimed{JobID: key.id, Token: key.token})
		}
	}
	return heartbeat, known
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
	h.mayHoldMore()
	h.unfence()
	return nil
}

// reconcile settles what the store and the process disagree about. Held
// jobs that the store gave to nobody or others are lost. Claims that the
// process does not know are those whose answer never came; they are given back
// when they show up in two searches in a row, whatever beats were between.
func (h *heart) reconcile(known map[claim]*held, beaten store.Beaten) {
	h.mu.Lock()
	defer h.mu.Unlock()
	strangers, found := map[claim]bool{}, false
	for _, c := range beaten.Claims {
		key := claim{c.JobID, c.Token}
		_, knew := known[key]
		delete(known, key)
		if knew || !beaten.Searched || h.held[key] != nil || h.inFlight[c.Token] || h.answered[c.Token] {
			continue
		}
		found = true
		if h.strangers[key] {
			h.release(&held{job: store.Job{ID: c.JobID, Token: c.Token}})
			continue
		}
		strangers[key] = true
	}
	if beaten.Searched {
		h.strangers = strangers
		h.search.made(found)
	}
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
