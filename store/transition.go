package store

// transitions says which status may follow which. Pending follows running
// when a claim is released or recovered; pending and scheduled follow a finished
// status only by a person's retry.
var transitions = map[JobStatus][]JobStatus{
	Scheduled: {Pending, Scheduled, Cancelled},
	Blocked:   {Pending, Scheduled, Cancelled},
	Pending:   {Running, Scheduled, Cancelled},
	Running:   {Completed, Retrying, Scheduled, Failed, Cancelled, Pending},
	Retrying:  {Pending, Retrying, Cancelled},
	Completed: {Pending},
	Failed:    {Pending},
	Cancelled: {Pending},
}

// CanFollow reports whether a job may go from one status directly to the other.
func CanFollow(from, to JobStatus) bool {
	for _, next := range transitions[from] {
		if next == to {
			return true
		}
	}
	return false
}
