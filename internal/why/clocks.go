package why

import (
	"fmt"
	"strconv"
	"time"

	"github.com/laterjobs/later/store"
)

// clockSlip is what clocks may differ by.
const clockSlip = time.Second

// clocks never decides: what is due is due by the store's clock, which all go by.
func clocks(f *JobFacts, r *Report) bool {
	found := clockFindings(f.Skew, serving(f.living(), f.Job.Queue))
	if len(found) == 0 {
		r.fine("clocks agree")
	}
	r.found(found...)
	return false
}

func systemClocks(f *SystemFacts, r *Report) {
	found := clockFindings(f.Skew, living(f.Processes, f.Now, f.TimeToDie))
	if len(found) == 0 {
		r.fine("clocks agree")
	}
	r.found(found...)
}

// clockFindings compares the clock of whoever asks, and those of processes as they have
// measured them, with the store's.
func clockFindings(skew time.Duration, processes []store.Process) (found []Finding) {
	if skew.Abs() > clockSlip {
		found = append(found, clockFinding("this machine", skew))
	}
	for _, p := range processes {
		if p.ClockAhead.Abs() > clockSlip {
			f := clockFinding(fmt.Sprintf("process %d on %s", p.PID, p.Host), p.ClockAhead)
			f.Fix.Process = p.ID
			found = append(found, f.with(fact("process", strconv.FormatInt(p.ID, 10)), fact("measured", "with its last heartbeats")))
		}
	}
	return found
}

func clockFinding(whose string, ahead time.Duration) Finding {
	which, sign := "ahead of", ""
	if ahead < 0 {
		which, sign = "behind", "-"
	}
	return Finding{
		Code: "L118", Severity: Warning, Text: fmt.Sprintf("The clock of %s is %s %s that of the store, which rules.", whose, span(ahead), which),
		Fix: Fix{Now: "Let both machines keep their time by NTP; timedatectl says whether one does."},
	}.with(fact("ahead by", sign+ahead.Abs().Round(time.Millisecond).String()))
}
