package check

import (
	"slices"

	"github.com/laterjobs/later/store"
)

// acknowledged: what PerformLater has returned is there.
func acknowledged(h *History) Result {
	r := Result{ID: "I1", Promise: "an acknowledged job is never lost"}
	for _, op := range h.Ops {
		if op.Answer != OK {
			continue
		}
		r.Checked++
		switch job, there := h.Jobs[op.Job]; {
		case !there:
			r.violated("%s was acknowledged as job %d, which does not exist", op.ID, op.Job)
		case job.Op != op.ID:
			r.violated("%s was acknowledged as job %d, which is %s", op.ID, op.Job, job.Op)
		}
	}
	return r
}

// phantoms: what was rolled back or refused is not there, what is unknown at most
// once.
func phantoms(h *History) Result {
	r := Result{ID: "I2", Promise: "a rolled back or refused job never appears, an unknown one at most once"}
	first := map[string]int64{}
	for id, job := range h.Jobs {
		op := h.Ops[job.Op]
		r.Checked++
		switch {
		case job.Schedule != "":
			continue // see ticks
		case op == nil:
			r.violated("job %d was never asked for (%q)", id, job.Op)
			continue
		case op.Answer == Refused:
			r.violated("%s did not happen, but is job %d", op.ID, id)
		}
		if other, twice := first[job.Op]; twice {
			r.violated("%s is job %d and job %d", job.Op, other, id)
		}
		first[job.Op] = id
	}
	for _, op := range h.Ops {
		if op.Answer == Refused {
			r.Checked++
		}
	}
	return r
}

// fidelity: arguments and results come back as they went in.
func fidelity(h *History) Result {
	r := Result{ID: "I24", Promise: "arguments and results round-trip"}
	for id, job := range h.Jobs {
		r.Checked++
		if !job.ArgsOK {
			r.violated("the arguments of job %d (%s) are not what was enqueued", id, job.Op)
		}
		if job.Status == store.Completed && !job.ResultOK {
			r.violated("the result of job %d (%s) is not what its handler returned", id, job.Op)
		}
	}
	return r
}

// books: the counters are the rows, and each job is in one place.
func books(h *History) Result {
	r := Result{ID: "I25", Promise: "counters are the rows; each job is in exactly one place"}
	for _, status := range store.Statuses {
		r.Checked++
		if h.Audit.Counts[status] != h.Audit.Counted[status] {
			r.violated("Stats says %d %s, the rows say %d", h.Audit.Counts[status], status, h.Audit.Counted[status])
		}
	}
	r.Checked += int(h.Audit.Rows)
	if h.Audit.Rows != h.Audit.Placed || h.Audit.Lost != 0 {
		r.violated("%d jobs, %d places taken; %d jobs in none or in two", h.Audit.Rows, h.Audit.Placed, h.Audit.Lost)
	}
	if int(h.Audit.Rows) != len(h.Jobs) {
		r.violated("%d rows of jobs, List shows %d", h.Audit.Rows, len(h.Jobs))
	}
	return r
}

// everythingEnds: after the faults are over every job comes to its end, and nothing
// runs.
func everythingEnds(h *History) Result {
	r := Result{ID: "I6", Promise: "once faults stop, every job ends and nothing is left running"}
	for id, job := range h.Jobs {
		r.Checked++
		if !job.Status.Finished() {
			r.violated("job %d (%s) is still %s", id, job.Op, job.Status)
		}
	}
	return r
}

// endsAsItMust: a job that can complete has completed, whatever else went on.
func endsAsItMust(h *History) Result {
	r := Result{ID: "I17", Promise: "a job ends as its own handler decides, beside whatever hostile jobs"}
	for id, job := range h.Jobs {
		ends := h.Params.Kinds[job.Kind].Ends
		r.Checked++
		switch {
		case !job.Status.Finished() || slices.Contains(ends, job.Status):
		case job.Status == store.Cancelled && h.touched(id, "cancel", 0, 1<<62):
		case job.Error == store.CrashedReason: // see I9
		default:
			r.violated("job %d (%s, %s) has %s: %.200s", id, job.Op, job.Kind, job.Status, job.Error)
		}
	}
	return r
}
