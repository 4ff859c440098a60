package engine

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

const (
	// quietWithin is how long the producer waits for the other jobs of the process
	// to end before it puts the suspects off for suspectsPause.
	quietWithin   = 10 * time.Second
	suspectsPause = time.Minute
	// suspectsTurn is how long suspects are performed, one after the other, before
	// the other jobs have the process for as long.
	suspectsTurn = time.Second
)

// A turn is the time in which a process performs suspects: jobs that several
// processes died with. Each has the process for itself, so that a further crash
// tells the guilty from the bystanders. The turn belongs to the producer.
type turn struct {
	ends   time.Time // zero: there is none
	served bool      // a suspect has been performed in it
	next   time.Time // no other turn before
}

// isolate performs suspects, if there are any. It returns how long all other
// jobs have to wait; 0 lets them be claimed.
func (p *producer) isolate(ctx context.Context) (time.Duration, error) {
	if p.turn.ends.IsZero() {
		found, err := p.suspected(ctx)
		if err != nil || !found {
			return 0, err
		}
		p.beginTurn()
	}
	left := time.Until(p.turn.ends)
	if p.inHand() > 0 {
		if p.turn.served {
			return time.Hour, nil // the suspect has the process for as long as it takes
		}
		if left <= 0 {
			p.endTurn(suspectsPause)
		}
		return max(0, left), nil
	}
	if p.turn.served && left <= 0 {
		p.endTurn(suspectsTurn)
		return 0, nil
	}
	claimed, err := p.claimSuspect()
	if err != nil || claimed {
		return time.Hour, err
	}
	p.endTurn(0)
	return 0, nil
}

// suspected looks for suspects, once per poll and when this process has made some.
func (p *producer) suspected(ctx context.Context) (bool, error) {
	p.mu.Lock()
	look := p.lookForSuspects && !time.Now().Before(p.turn.next)
	p.lookForSuspects = p.lookForSuspects && !look
	p.mu.Unlock()
	demand := p.suspectsDemand()
	if !look || demand.Limit == 0 {
		return false, nil
	}
	return p.store.Suspected(ctx, demand)
}

// suspectsDemand asks for one suspect.
func (p *producer) suspectsDemand() store.Demand {
	p.mu.Lock()
	defer p.mu.Unlock()
	demand := store.Demand{
		ProcessID: p.processID.Load(), Token: p.dice.id(), Types: p.names, Suspects: true,
	}
	if p.stopping || p.fenced {
		return demand
	}
	demand.Limit = 1
	if p.settings.Queues != nil {
		demand.Queues = map[string]int{}
		for queue := range p.lanes {
			demand.Queues[queue] = 1
		}
	}
	return demand
}

// mayHaveSuspects sees that the producer looks for suspects now.
func (e *Engine) mayHaveSuspects() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lookForSuspects = true
	nudge(e.claimSoon)
}

// beginTurn gives back what has not started, and lets the rest end.
func (p *producer) beginTurn() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lanes {
		p.giveBack(l)
	}
	p.quiet = true
	p.turn = turn{ends: time.Now().Add(quietWithin)}
}

// endTurn lets the other jobs be claimed again. After a pause it looks for suspects anew.
func (p *producer) endTurn(pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.quiet = false
	p.lookForSuspects = pause > 0
	p.turn = turn{next: time.Now().Add(pause)}
}

// inHand counts the jobs that a crash of this process would touch.
func (p *producer) inHand() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held)
}

// claimSuspect claims the suspect whose turn it is, if there is still one.
func (p *producer) claimSuspect() (bool, error) {
	demand := p.suspectsDemand()
	if demand.Limit == 0 {
		return false, nil
	}
	claimed, err := p.ask(demand, func(jobs []store.Job) {
		if len(jobs) > 0 && !p.turn.served {
			p.turn = turn{ends: time.Now().Add(suspectsTurn), served: true}
		}
	})
	return claimed > 0, err
}
