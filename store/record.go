package store

import "time"

// Record is a whole job: what Export reads of one store and Import writes to
// another.
type Record struct {
	Job Job `json:"job"`

	Position     int64     `json:"position,omitempty"`      // place in line of a pending or running job; 0: at the end
	HoldsKey     bool      `json:"holds_key,omitempty"`     // the key of Job.Options.Unique
	CancelReason string    `json:"cancel_reason,omitempty"` // of a running job that was asked to stop
	Attempts     []Attempt `json:"attempts,omitempty"`      // oldest first
	Log          []LogLine `json:"log,omitempty"`           // oldest first
	Steps        []Step    `json:"steps,omitempty"`         // oldest first
}

// AtRest is the record without a process: a running job has been given back, as
// Release and Leave do it. It is pending at its old place, or cancelled if that was
// asked for. Others are what they were.
func (r Record) AtRest() Record {
	job := &r.Job
	job.Token = 0
	if job.Status != Running {
		return r
	}
	job.Attempt--
	if job.CancelRequested {
		job.Status, job.Error = Cancelled, r.CancelReason
		job.FinishedAt = job.StartedAt // the last that is known of it
		r.Position = 0
		r.HoldsKey = r.HoldsKey && !job.Options.KeptUntilDone()
	} else {
		job.Status, job.ProcessID, job.StartedAt = Pending, 0, time.Time{}
		if n := len(r.Attempts); n > 0 {
			job.ProcessID, job.StartedAt = r.Attempts[n-1].ProcessID, r.Attempts[n-1].StartedAt
		}
	}
	job.CancelRequested, r.CancelReason = false, ""
	return r
}
