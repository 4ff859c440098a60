package check

import (
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// exactlyOnce: what a transaction did that completed its job happened once.
func exactlyOnce(h *History) Result {
	r := Result{ID: "CompleteTx", Promise: "database effects of CompleteTx happen exactly once"}
	for id, job := range h.Jobs {
		if !h.Params.Kinds[job.Kind].Transactional {
			continue
		}
		r.Checked++
		want := 0
		if job.Status == store.Completed {
			want = 1
		}
		if h.Rows[id] != want {
			r.violated("job %d is %s and its effect happened %d times", id, job.Status, h.Rows[id])
		}
	}
	for id := range h.Rows {
		if _, there := h.Jobs[id]; !there {
			r.violated("an effect of job %d, which does not exist", id)
		}
	}
	return r
}

// effectsHappened: a completed job has had its effect, under the claim that
// completed it.
func effectsHappened(h *History) Result {
	r := Result{ID: "ledger", Promise: "a completed job has had its effect, under the claim that completed it"}
	for id, job := range h.Jobs {
		moves := h.movesOf[id]
		if job.Status != store.Completed || len(moves) == 0 {
			continue
		}
		r.Checked++
		last := moves[len(moves)-1]
		effect := h.Effects[Claim{id, last.Token}]
		if effect == nil || effect.Ended == 0 {
			r.violated("job %d was completed under token %d, and its effect was not", id, last.Token)
		}
	}
	return r
}

// doubledEffects: an effect that was begun for nothing has a cause.
func doubledEffects(h *History, f *Figures) Result {
	r := Result{ID: "doubled", Promise: "an effect that happens again has a fault to blame"}
	for _, moves := range h.movesOf {
		for i, m := range moves {
			if i == 0 || moves[i-1].Place != Claimed {
				continue
			}
			claim := Claim{m.Job, moves[i-1].Token}
			if h.Effects[claim] == nil || m.Place != Ready {
				continue
			}
			r.Checked++
			cause := h.blame(h.runOf[claim], moves[i-1], m)
			if cause == "" {
				run, why := h.runOf[claim], "was not heard of"
				if run != nil {
					why = "in " + run.Life.Name + " says " + run.Returns + " " + run.Cause
				}
				r.violated("job %d was given back at %s without a fault; its handler %s", m.Job, seconds(m.At), why)
				continue
			}
			f.Doubled[cause]++
		}
	}
	return r
}

// blame finds the fault because of which a claim came to nothing.
func (h *History) blame(run *Run, claimed, back Move) string {
	life := h.lifeOf[claimed.Process]
	if life == nil {
		return ""
	}
	if life.gone(back.At + int64(slack)) {
		return life.How
	}
	if life.StopAsked > 0 && life.StopAsked <= back.At+int64(slack) {
		return "stopped"
	}
	from := claimed.At - int64(h.Params.TimeToDie+3*time.Second)
	if fault, own := h.own(life, from, back.At, slack); own {
		return fault.Kind
	}
	if fault, all := h.shared(from, back.At); all {
		return fault.Kind
	}
	if slices.ContainsFunc(life.Beats, func(b Span) bool {
		return b.meets(claimed.At, back.At) && b.To-b.From >= int64(h.Params.TimeToDie/2)
	}) {
		return "slow answer to a heartbeat" // the server had no time for it: the process fences itself
	}
	silent := back.At - int64(h.Params.TimeToDie+time.Second)
	if h.Params.OneWriter && run != nil && run.Cause == "lease lost" && h.anybodyFrozen(silent, back.At) {
		return "freeze of the writer"
	}
	return ""
}

func (h *History) anybodyFrozen(from, to int64) bool {
	return slices.ContainsFunc(h.Faults, func(f Fault) bool {
		return f.Kind == "freeze" && (Span{f.From, f.To}).meets(from, to)
	})
}
