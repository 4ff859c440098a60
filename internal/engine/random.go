package engine

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/laterjobs/later/store"
)

// dice are the random numbers of one goroutine: tokens, ids, and the jitter of
// its waits. Each loop has its own, so that with a seeded Config.Random they do
// not depend on the order in which the goroutines of a process happen to run. The
// zero value draws from the runtime's generator.
type dice struct{ own *rand.Rand }

// newDice is called before the goroutines that use them begin.
func (e *Engine) newDice() dice {
	if e.cfg.Random == nil {
		return dice{}
	}
	return dice{rand.New(rand.NewPCG(e.cfg.Random.Uint64(), e.cfg.Random.Uint64()))}
}

// diceOf are those of one performing, in whatever goroutine it runs.
func (e *Engine) diceOf(job *store.Job) dice {
	if e.cfg.Random == nil {
		return dice{}
	}
	return dice{rand.New(rand.NewPCG(uint64(job.ID), uint64(job.Token)))}
}

// id is a fresh token or process id.
func (d dice) id() int64 {
	if d.own == nil {
		return rand.Int64N(1<<62) + 1
	}
	return d.own.Int64N(1<<62) + 1
}

// float is in [0,1).
func (d dice) float() float64 {
	if d.own == nil {
		return rand.Float64()
	}
	return d.own.Float64()
}

// vary makes a wait longer or shorter by up to a tenth.
func (d dice) vary(wait time.Duration) time.Duration {
	wait = min(wait, math.MaxInt64/2) // what is longer must not wrap around
	return wait + time.Duration((d.float()*2-1)*jitter*float64(wait))
}

// random is what spreads the delay of a retry. Any executor may call it.
func (e *Engine) random() float64 {
	if e.chance.own != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
	}
	return e.chance.float()
}
