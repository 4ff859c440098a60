package check

import (
	"time"

	"github.com/laterjobs/later/store"
)

const (
	sameHost  = 2*time.Second + 500*time.Millisecond // and the time of the looks themselves
	otherHost = 3 * time.Second                      // beyond the time to die
)

// recoveryTime: the jobs of a killed process are soon back in line.
func recoveryTime(h *History, f *Figures) Result {
	r := Result{ID: "I7", Promise: "after kill -9 jobs are back in line within 2 s on one host, within the time to die + 3 s otherwise"}
	for _, moves := range h.movesOf {
		for i, m := range moves {
			if i == 0 || moves[i-1].Place != Claimed || m.Crashes == moves[i-1].Crashes {
				continue
			}
			life := h.lifeOf[moves[i-1].Process]
			if life == nil || life.Died > m.At || life.Died < moves[i-1].At || life.StopReturned > 0 {
				continue
			}
			took := time.Duration(m.At - life.Died)
			bound, undisturbed := h.bound(life, m.At)
			if !undisturbed {
				f.Disturbed++
				r.Excused++
				continue
			}
			r.Checked++
			f.Recoveries = append(f.Recoveries, took)
			if took > bound && m.At-max(life.Died, life.Buried) > int64(bound) { // a machine without a free processor buries late
				r.violated("job %d of %s was back in line %v after the kill; at most %v", m.Job, life.Name, took.Round(time.Millisecond), bound)
			}
		}
	}
	return r
}

// bound is how long the recovery from a death may take if there is a process that
// nothing keeps from seeing to it.
func (h *History) bound(dead *Life, until int64) (time.Duration, bool) {
	if _, all := h.shared(dead.Died-int64(3*time.Second), until); all {
		return 0, false
	}
	bound, found := h.Params.TimeToDie+otherHost, false
	for _, l := range h.Lives {
		if l == dead || len(l.Joined) == 0 || l.Joined[0] > dead.Died-int64(time.Second) || l.Died < until || (l.StopAsked > 0 && l.StopAsked < until) {
			continue
		}
		if _, troubled := h.own(l, dead.Died-int64(3*time.Second), until, 300*time.Millisecond); troubled {
			continue
		}
		found = true
		if l.Host == dead.Host {
			bound = sameHost
		}
	}
	return bound + h.Params.Busy, found
}

// poison: a job that kills its processes does so five times at most, the last three
// alone; no other job is blamed.
func poison(h *History) Result {
	r := Result{ID: "I9", Promise: "a job that kills its process does so at most 5 times, the last 3 alone; bystanders are not blamed"}
	for id, job := range h.Jobs {
		trait := h.Params.Kinds[job.Kind]
		if trait.Poison {
			r.Checked++
			if job.Crashes > store.MaxCrashes {
				r.violated("job %d has killed %d processes", id, job.Crashes)
			}
			if job.Status.Finished() && job.Error != store.CrashedReason && !h.touched(id, "cancel", 0, 1<<62) {
				r.violated("job %d kills its processes and is %s: %.200s", id, job.Status, job.Error)
			}
		}
		if !trait.Poison && job.Error == store.CrashedReason {
			r.Checked++
			if job.Crashes < store.MaxCrashes {
				r.violated("job %d is blamed after %d crashes", id, job.Crashes)
			}
		}
	}
	for _, m := range h.Moves {
		if m.Place != Claimed || m.Crashes < store.SuspectAfter {
			continue
		}
		r.Checked++
		run := h.runOf[Claim{m.Job, m.Token}]
		if run == nil {
			continue
		}
		for _, other := range h.runsIn[run.Life] {
			if other != run && other.Start < run.until() && run.Start < other.until() {
				r.violated("the suspect job %d ran beside job %d in %s", run.Job, other.Job, run.Life.Name)
			}
		}
	}
	return r
}

// until is the end of the handler or of its process.
func (r *Run) until() int64 {
	if r.End > 0 {
		return r.End
	}
	return r.Life.Died
}
