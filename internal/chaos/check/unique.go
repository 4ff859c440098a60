package check

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// uniqueKeys: of the jobs with one key the next begins when the last has finished.
func uniqueKeys(h *History) Result {
	r := Result{ID: "I11", Promise: "a unique key has one holder at a time"}
	byKey := map[string][]int64{}
	for id, job := range h.Jobs {
		if job.Key != "" && len(h.movesOf[id]) > 0 {
			byKey[job.Key] = append(byKey[job.Key], id)
		}
	}
	for key, ids := range byKey {
		slices.SortFunc(ids, func(a, b int64) int { return cmp.Compare(h.movesOf[a][0].At, h.movesOf[b][0].At) })
		for i, id := range ids[1:] {
			r.Checked++
			moves := h.movesOf[ids[i]]
			last, begins := moves[len(moves)-1], h.movesOf[id][0].At
			if last.Place != Finished || last.At > begins {
				r.violated("job %d was stored at %s with the key %q, which job %d held", id, seconds(begins), key, ids[i])
			}
		}
	}
	return r
}

// ticks: each time that a schedule is due has one job.
func ticks(h *History) Result {
	r := Result{ID: "I12", Promise: "a schedule has one job for each time that it is due"}
	due := map[string]map[time.Time]int64{}
	for id, job := range h.Jobs {
		if job.Schedule == "" {
			continue
		}
		r.Checked++
		if due[job.Schedule] == nil {
			due[job.Schedule] = map[time.Time]int64{}
		}
		if other, twice := due[job.Schedule][job.Tick]; twice {
			r.violated("job %d and job %d are both of the schedule %s for %v", other, id, job.Schedule, job.Tick)
		}
		due[job.Schedule][job.Tick] = id
	}
	for name, jobs := range due {
		times := slices.SortedFunc(maps.Keys(jobs), time.Time.Compare)
		for i, at := range times[1:] {
			switch between := at.Sub(times[i]); {
			case between == h.Params.Every:
			case len(h.clockSpan) > 0:
				r.Excused++ // whose clock is ahead deals with what is to come, and leaves out what is too much
			default:
				r.violated("between the jobs of the schedule %s for %v and %v are %v", name, times[i], at, between)
			}
		}
	}
	return r
}
