package check

import "slices"

// counts are the ends of a handler that count as an attempt that failed.
var counts = []string{"failed", "panicked", "timeout"}

// attempts: only a handler's own failure uses up an attempt.
func attempts(h *History) Result {
	r := Result{ID: "I8", Promise: "kills, stops, lost leases and outages burn no attempt"}
	for _, moves := range h.movesOf {
		for i, m := range moves {
			if i == 0 {
				continue
			}
			r.Checked++
			h.attempt(&r, moves[i-1], m)
		}
	}
	for id, job := range h.Jobs {
		if job.Attempt > job.MaxRetries+1 {
			r.violated("job %d has had %d attempts of %d", id, job.Attempt, job.MaxRetries+1)
		}
	}
	return r
}

func (h *History) attempt(r *Result, before, m Move) {
	burned := m.Attempt - before.Attempt
	switch {
	case before.Place == Finished: // a person's retry starts over
		if m.Attempt != 0 || m.Crashes != 0 {
			r.violated("job %d starts over with %d attempts and %d crashes", m.Job, m.Attempt, m.Crashes)
		}
		return
	case burned == 0:
		return
	case burned != 1 || before.Place != Claimed:
		r.violated("job %d went from %d to %d attempts on its way from %s to %s", m.Job, before.Attempt, m.Attempt, before.status(), m.status())
		return
	case m.Place == Ready:
		r.violated("job %d was given back with its attempt used up", m.Job)
		return
	}
	run := h.runOf[Claim{m.Job, before.Token}]
	if m.status() != "retrying" && m.status() != "failed" {
		return
	}
	switch {
	case run == nil:
		r.violated("job %d has an attempt used up under token %d, and no handler was called", m.Job, before.Token)
	case !slices.Contains(counts, run.Returns):
		r.violated("job %d has an attempt used up in %s, whose handler says %q", m.Job, run.Life.Name, run.Returns)
	}
}

// neverEarly: a job does not become ready before its time.
func neverEarly(h *History) Result {
	r := Result{ID: "I10", Promise: "no job starts before its time"}
	for _, moves := range h.movesOf {
		for i, m := range moves {
			if i == 0 || moves[i-1].Place != Waiting || m.Place != Ready {
				continue
			}
			before := moves[i-1]
			if h.touched(m.Job, "", before.At-int64(slack), m.At+int64(slack)) || meet(h.clockSpan, before.At, m.At) {
				r.Excused++
				continue
			}
			r.Checked++
			if early := before.RunAt - m.At; early > int64(slack) {
				r.violated("job %d became ready %s before its time", m.Job, seconds(early))
			}
		}
	}
	return r
}
