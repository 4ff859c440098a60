package check

// stepName names a step of a job.
type stepName struct {
	job  int64
	name string
}

// steps: what is recorded is found by every handler that starts afterwards.
func steps(h *History) Result {
	r := Result{ID: "I21", Promise: "a durable step that is recorded is not done again, and keeps its result"}
	first := map[stepName]Step{}
	for _, s := range h.Steps {
		key := stepName{s.Job, s.Name}
		if known, there := first[key]; !there || s.At < known.At {
			first[key] = s
		}
	}
	for _, s := range h.Steps {
		r.Checked++
		if recorded := first[stepName{s.Job, s.Name}]; s.Result != recorded.Result {
			r.violated("%s of job %d had the result %d, and then %d", s.Name, s.Job, recorded.Result, s.Result)
		}
	}
	for _, s := range h.StepEffects {
		recorded, there := first[stepName{s.Job, s.Name}]
		if !there || s.At <= recorded.At {
			continue
		}
		r.Checked++
		if run := h.runOf[s.Claim]; run != nil && run.Start <= recorded.At {
			r.Excused++ // it had looked before, and was taken the job away
			continue
		}
		r.violated("%s of job %d was done again at %s, after it had been recorded", s.Name, s.Job, seconds(s.At))
	}
	return r
}
