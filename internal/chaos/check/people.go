package check

import (
	"time"

	"github.com/laterjobs/later/store"
)

// cancelled: once Cancel has returned, no attempt starts, a running handler is told
// soon, and the job ends as cancelled.
func cancelled(h *History) Result {
	r := Result{ID: "I18", Promise: "after a cancel no attempt starts, a running handler is told within a heartbeat + 1 s, the job ends as cancelled"}
	for _, c := range h.Controls {
		if c.Verb != "cancel" || c.Answer != OK {
			continue
		}
		for _, id := range c.Changed {
			if h.touched(id, "retry", c.Invoked, 1<<62) {
				r.Excused++
				continue
			}
			r.Checked++
			if job := h.Jobs[id]; job.Status != store.Cancelled {
				r.violated("job %d was cancelled at %s and is %s", id, seconds(c.Ended), job.Status)
			}
			for _, m := range h.movesOf[id] {
				if m.Place == Claimed && m.At > c.Ended+int64(slack) {
					r.violated("job %d was cancelled at %s and claimed at %s", id, seconds(c.Ended), seconds(m.At))
				}
			}
		}
		h.told(&r, c)
	}
	return r
}

// told: handlers that ran when the cancel was acknowledged.
func (h *History) told(r *Result, c Control) {
	for _, id := range c.Changed {
		for _, m := range h.movesOf[id] {
			run := h.runOf[Claim{id, m.Token}]
			if m.Place != Claimed || run == nil || run.Start > c.Ended || run.authority(h) <= c.Ended {
				continue
			}
			deadline := c.Ended + int64(h.Params.Beat+time.Second+slack)
			_, own := h.own(run.Life, c.Invoked-int64(3*time.Second), deadline, slack)
			_, all := h.shared(c.Invoked-int64(3*time.Second), deadline)
			switch {
			case own || all:
				r.Excused++
			case run.authority(h) > deadline:
				r.violated("%s was told %s after job %d was cancelled", run.Life.Name, seconds(run.authority(h)-c.Ended), id)
			}
		}
	}
}

// stops: Stop returns in time.
func stops(h *History, f *Figures) Result {
	r := Result{ID: "I27", Promise: "Stop returns within its two timeouts + 1 s"}
	for _, l := range h.Lives {
		if l.StopAsked == 0 || l.StopReturned == 0 && (l.How == "killed" || l.How == "poison") {
			continue
		}
		r.Checked++
		if l.StopReturned == 0 {
			r.violated("%s was asked to stop at %s, and %s", l.Name, seconds(l.StopAsked), l.How)
			continue
		}
		took := l.StopReturned - l.StopAsked
		for _, s := range h.asleep(l) {
			took -= max(0, min(s.To, l.StopReturned)-max(s.From, l.StopAsked))
		}
		f.LongestEnd = max(f.LongestEnd, time.Duration(took))
		if took > int64(h.Params.SoftStop+h.Params.HardStop+time.Second+slack) {
			r.violated("%s took %s to stop", l.Name, seconds(took))
		}
	}
	return r
}

// noneFails: a process that works ends when it is told to, or is killed. It may be told
// again when it has stopped, and is not listening any more.
func noneFails(h *History) Result {
	r := Result{ID: "process", Promise: "no process ends by itself"}
	for _, l := range h.Lives {
		if len(l.Beats) <= len(l.Joined) {
			continue // it has never worked: its store could not be opened
		}
		r.Checked++
		if l.How != "killed" && l.How != "poison" && l.How != "stopped" && (l.StopReturned == 0 || l.How != "signal: terminated") {
			r.violated("%s: %s", l.Name, l.How)
		}
	}
	return r
}
