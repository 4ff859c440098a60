package engine

import (
	"context"
	"math"
	"time"

	"github.com/laterjobs/later/store"
)

// producer decides when to claim and how many. It is the only claimer of
// its process.
type producer struct {
	*Engine
	nextPoll time.Time
	turn     turn        // of the suspects
	memory   []store.Job // of the last claim's answer
	dice     dice
	trouble  trouble
}

func (e *Engine) newProducer() *producer {
	d := e.newDice()
	return &producer{Engine: e, dice: d, trouble: trouble{dice: d}}
}

// maxAge is how long a claimed job may wait for a slot before it is given back
// for others to take.
const maxAge = time.Second

// produce claims as long as there is room and may be work. Wakes tell when there
// is work; the poll is the fallback for a lost one.
func (p *producer) produce(ctx context.Context) time.Duration {
	if now := time.Now(); !now.Before(p.nextPoll) {
		p.mu.Lock()
		p.wakes++
		p.lookForSuspects = true
		p.mu.Unlock()
		p.nextPoll = now.Add(p.dice.vary(p.pollInterval()))
	}
	if wait, err := p.isolate(ctx); err != nil {
		return p.trouble.met(p.log, "claim jobs", err)
	} else if wait > 0 {
		return min(wait, max(time.Millisecond, time.Until(p.nextPoll)))
	}
	for ctx.Err() == nil {
		again, err := p.claim()
		if err != nil {
			return p.trouble.met(p.log, "claim jobs", err)
		}
		if !again {
			break
		}
	}
	return max(time.Millisecond, min(time.Until(p.nextPoll), p.giveBackLate()))
}

// claim makes one claim and reports whether another is due at once.
func (p *producer) claim() (again bool, err error) {
	demand, asked, wakes := p.demand()
	if demand.Limit == 0 {
		return false, nil
	}
	claimed, err := p.ask(demand, func(jobs []store.Job) {
		p.note(jobs, demand, asked, wakes)
	})
	if err == nil {
		p.trouble.over(p.log, "claim jobs")
	}
	return claimed > 0, err
}

// ask makes a claim and accepts what it brings, which note sees first.
func (p *producer) ask(demand store.Demand, note func([]store.Job)) (int, error) {
	p.mu.Lock()
	p.inFlight[demand.Token] = true
	p.mu.Unlock()
	began := time.Now()
	demand.Into, p.memory = p.memory, nil // after an error the store keeps it
	jobs, err := p.store.Claim(p.verbs, demand, p.now())
	if err == nil {
		p.observeClaim(len(jobs), began)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.inFlight, demand.Token)
	if err != nil {
		p.losses++ // what it has claimed is not known
		return 0, err
	}
	if p.answered != nil {
		p.answered[demand.Token] = true
	}
	note(jobs)
	p.accept(jobs, demand.ProcessID)
	p.memory = demand.Into
	if cap(jobs) > cap(p.memory) {
		p.memory = jobs
	}
	clear(jobs) // what they hold may be large
	return len(jobs), nil
}

// demand sums up what the lanes want. asked says how much of it each lane
// stands for, wakes how much was known when it was asked.
func (p *producer) demand() (demand store.Demand, asked map[*lane]int, wakes uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	demand = store.Demand{ProcessID: p.processID.Load(), Token: p.dice.id(), Types: p.names}
	asked = map[*lane]int{}
	if p.stopping || p.fenced || p.draining || len(p.names) == 0 {
		return demand, asked, p.wakes
	}
	if p.settings.Queues != nil {
		demand.Queues = map[string]int{}
	}
	for queue, l := range p.lanes {
		want := 0
		if l.drained != p.wakes {
			want = min(l.want(), maxBatch)
		}
		if want == 0 {
			continue
		}
		asked[l] = want
		demand.Limit += want
		if demand.Queues != nil {
			demand.Queues[queue] = want
		}
	}
	demand.Limit = min(demand.Limit, maxBatch)
	return demand, asked, p.wakes
}

// note remembers the lanes that got less than they asked for: there is nothing
// more for them until something wakes the engine.
func (p *producer) note(jobs []store.Job, demand store.Demand, asked map[*lane]int, wakes uint64) {
	if len(jobs) == demand.Limit {
		return
	}
	got := map[*lane]int{}
	for _, job := range jobs {
		got[p.laneOf(job.Queue)]++
	}
	for l, want := range asked {
		if got[l] < want {
			l.drained = wakes
		}
	}
}

// accept puts claimed jobs into their lanes and sees that somebody performs them.
// Those that were claimed under an id which has been declared dead meanwhile are
// about to run elsewhere.
func (p *producer) accept(jobs []store.Job, by int64) {
	now, lost := time.Now(), by != p.processID.Load()
	for _, job := range jobs {
		h := &held{job: job, handler: p.handlers[job.Type], lane: p.laneOf(job.Queue), claimed: now}
		p.held[h.claim()] = h
		if h.lane == nil || h.handler == nil || p.stopping || p.fenced || lost {
			p.release(h)
			continue
		}
		h.lane.buffer = append(h.lane.buffer, h)
	}
	for _, l := range p.lanes {
		p.staff(l)
	}
}

// giveBackLate releases the jobs of lanes whose next one has waited too long for
// a slot, and returns when to look again.
func (p *producer) giveBackLate() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := time.Duration(math.MaxInt64)
	for _, l := range p.lanes {
		if len(l.buffer) == 0 {
			continue
		}
		if left := maxAge - time.Since(l.buffer[0].claimed); left > 0 {
			wait = min(wait, left)
			continue
		}
		p.giveBack(l)
		l.average = prefetchTime.Seconds() * float64(l.slots+1) // what was measured before has misled
	}
	return wait
}
