package check

import (
	"time"

	"github.com/laterjobs/later/store"
)

// claimsAreExclusive: a job has at most one owner, and a token never comes back.
func claimsAreExclusive(h *History) Result {
	r := Result{ID: "I3", Promise: "a job has at most one owner; tokens never return; no handler without a claim"}
	claims := map[Claim]bool{}
	for _, moves := range h.movesOf {
		for i, m := range moves {
			if m.Place != Claimed {
				continue
			}
			r.Checked++
			key := Claim{m.Job, m.Token}
			if claims[key] {
				r.violated("job %d was claimed twice under token %d", m.Job, m.Token)
			}
			claims[key] = true
			if i > 0 && moves[i-1].Place == Claimed {
				r.violated("job %d was claimed by process %d while process %d had it", m.Job, m.Process, moves[i-1].Process)
			}
		}
	}
	called := map[Claim]int{}
	for _, run := range h.Runs {
		r.Checked++
		called[run.Claim]++
		switch {
		case claims[run.Claim]:
		case h.lostWithTheServer(run):
			r.Excused++
		default:
			r.violated("%s called the handler of job %d under token %d, which never claimed it", run.Life.Name, run.Job, run.Token)
		}
		if called[run.Claim] == 2 {
			r.violated("%s called the handler of job %d twice under token %d", run.Life.Name, run.Job, run.Token)
		}
	}
	return r
}

// claimInMemory is how long a claim may be in the memory of a PostgreSQL server alone:
// claims do not wait for the disk, since to lose one loses no job. Three rounds of its
// writer, of 200 ms each, and what the machine adds.
const claimInMemory = time.Second

// lostWithTheServer reports whether the claim under which a handler was called may have
// gone with a server that was killed right after the claim. Its process finds out by a
// heartbeat when the server is back, or when it wakes.
func (h *History) lostWithTheServer(run *Run) bool {
	for _, f := range h.ofAll {
		if f.Kind != "server killed" || run.Start < f.From-int64(claimInMemory) {
			continue
		}
		known := f.To
		if own, frozen := h.own(run.Life, f.From-int64(claimInMemory), f.To, slack); frozen {
			known = max(known, own.To)
		}
		if run.Start <= known+int64(h.Params.TimeToDie) {
			return true
		}
	}
	return false
}

// oneOutcome: only the token that a job is claimed under ends its claim, once, and
// whoever lost the claim is told so.
func oneOutcome(h *History, f *Figures) Result {
	r := Result{ID: "I4", Promise: "at most one accepted outcome per claim; stale outcomes change nothing and are refused"}
	recorded := map[Claim]int{}
	for _, a := range h.Attempts {
		if a.Token != 0 { // 0: cancelled while it waited
			recorded[a.Claim]++
		}
	}
	for claim, rows := range recorded {
		r.Checked++
		if rows > 1 {
			r.violated("job %d has %d attempts under token %d", claim.Job, rows, claim.Token)
		}
	}
	lost := map[Claim]bool{}
	for _, moves := range h.movesOf {
		for i, m := range moves {
			if i == 0 || moves[i-1].Place != Claimed {
				continue
			}
			before := moves[i-1]
			key := Claim{m.Job, before.Token}
			r.Checked++
			lost[key] = m.Crashes > before.Crashes
			if m.Place == Finished && m.Token != 0 && m.Token != before.Token {
				r.violated("job %d was finished under token %d while it was claimed under %d", m.Job, m.Token, before.Token)
			}
		}
	}
	claimed := h.claims()
	accepted := map[Claim]int{}
	for _, v := range h.Verdicts {
		r.Checked++
		switch v.Verdict {
		case store.Superseded:
			f.Stale++
		case store.Accepted:
			accepted[v.Claim]++
			if !claimed[v.Claim] {
				r.violated("an outcome of job %d was accepted under token %d, which never claimed it", v.Job, v.Token)
			}
			if accepted[v.Claim] == 2 {
				r.violated("two outcomes of job %d were accepted under token %d", v.Job, v.Token)
			}
			if lost[v.Claim] {
				r.violated("%s lost job %d (token %d) and its outcome was accepted", v.Life.Name, v.Job, v.Token)
			}
		}
	}
	return r
}

// claims are all that the store knows of.
func (h *History) claims() map[Claim]bool {
	claims := map[Claim]bool{}
	for _, m := range h.Moves {
		if m.Place == Claimed {
			claims[Claim{m.Job, m.Token}] = true
		}
	}
	return claims
}

// repeated: an outcome that is offered again changes nothing.
func repeated(h *History) Result {
	r := Result{ID: "I22", Promise: "an outcome that is repeated changes nothing"}
	for _, v := range h.Verdicts {
		if !v.Again {
			continue
		}
		r.Checked++
		if v.Verdict == store.Accepted {
			r.violated("%s repeated the outcome of job %d under token %d, and it was accepted again", v.Life.Name, v.Job, v.Token)
		}
	}
	return r
}

// transitions: statuses follow each other as the contract says, and only a person
// makes a finished job run again.
func transitions(h *History) Result {
	r := Result{ID: "I23", Promise: "only legal transitions; a finished job runs again only if a person says so"}
	for _, moves := range h.movesOf {
		for i, m := range moves {
			r.Checked++
			to := m.status()
			if i == 0 {
				if to != store.Pending && to != store.Scheduled {
					r.violated("job %d began as %s", m.Job, to)
				}
				continue
			}
			from := moves[i-1].status()
			if !store.CanFollow(from, to) {
				r.violated("job %d went from %s to %s", m.Job, from, to)
			}
			if from.Finished() && !h.touched(m.Job, "retry", 0, m.At+int64(slack)) {
				r.violated("job %d was %s and is %s, and nobody has asked for it", m.Job, from, to)
			}
		}
	}
	return r
}

func (m Move) status() store.JobStatus {
	switch {
	case m.Place == Ready:
		return store.Pending
	case m.Place == Claimed:
		return store.Running
	case m.Place == Waiting && m.Kind == 3:
		return store.Retrying
	case m.Place == Waiting:
		return store.Scheduled
	}
	return []store.JobStatus{"", store.Completed, store.Failed, store.Cancelled}[m.Kind]
}
