package engine

import (
	"fmt"
	"strings"

	"github.com/laterjobs/later/store"
)

// answer does what people ask of this process, and tells them. It runs on the loop of
// the heartbeat: no slot waits for it.
func (e *Engine) answer(requests []store.Request) {
	dump := ""
	for _, r := range requests {
		text := ""
		switch r.Kind {
		case store.RequestDrain:
			text = e.setDraining(true)
		case store.RequestResume:
			text = e.setDraining(false)
		case store.RequestStack:
			if dump == "" { // one for all: it stops the whole program for a moment
				dump = allStacks()
			}
			text = e.stackOfJob(r.JobID, dump)
		default:
			text = fmt.Sprintf("This program knows no request %q: it is older than who asks.", Printable(string(r.Kind), 100))
		}
		if err := e.store.Answer(e.verbs, r.ID, Printable(text, store.MaxAnswer), e.now()); err != nil {
			e.log.Error("cannot answer a request; it comes again", "kind", r.Kind, "error", err)
		} else {
			e.log.Info("answered a request of a person", "kind", r.Kind, "job", r.JobID, "by", r.By)
		}
	}
}

// setDraining stops claiming, or begins again. What was claimed and has not started
// goes to other processes.
func (e *Engine) setDraining(draining bool) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.draining = draining
	nudge(e.beatSoon) // people see it
	if !draining {
		e.wakes++
		nudge(e.claimSoon)
		return "It claims jobs again."
	}
	for _, l := range e.lanes {
		e.giveBack(l)
	}
	return fmt.Sprintf("It claims nothing more. Running jobs: %d.", len(e.allPerforming()))
}

// stackOfJob is where the goroutines of a running job are, in a dump of all.
func (e *Engine) stackOfJob(id int64, dump string) string {
	e.mu.Lock()
	var found *held
	for _, h := range e.held {
		if h.job.ID == id && h.state == performing {
			found = h
		}
	}
	e.mu.Unlock()
	if found == nil {
		return fmt.Sprintf("Job %d does not run in this process (any more).", id)
	}
	stacks := family(dump, found.executor)
	if len(stacks) == 0 {
		return fmt.Sprintf("Job %d ended at that moment.", id)
	}
	return strings.Join(stacks, "\n\n")
}
