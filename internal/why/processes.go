package why

import (
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// living are the processes that have been heard of lately.
func living(processes []store.Process, now time.Time, timeToDie time.Duration) (found []store.Process) {
	for _, p := range processes {
		if !silent(p, now, timeToDie) {
			found = append(found, p)
		}
	}
	return found
}

// silent reports whether a process is dead, as far as one can tell.
func silent(p store.Process, now time.Time, timeToDie time.Duration) bool {
	return p.Ended || now.Sub(p.BeatAt) > timeToDie
}

// noProcess: nobody is there, or all who were have died with none left to notice.
func noProcess(dead []store.Process, now time.Time) Finding {
	f := Finding{
		Code: "L120", Severity: Error, Text: "No process works on this store: jobs are kept, and wait.",
		Fix: Fix{Now: "Start a program that calls queue.Run.", Command: "later doctor", Code: "queue.Run(ctx), or queue.Start(ctx)"},
	}
	for _, p := range dead[:min(len(dead), 3)] {
		dead := ""
		if p.Ended {
			dead = ", and has died"
		}
		f = f.with(fact("last heard of", fmt.Sprintf("process %d on %s, %s ago%s", p.PID, p.Host, span(now.Sub(p.BeatAt)), dead)))
	}
	return f
}

// serving are the processes with slots for a queue.
func serving(processes []store.Process, queue string) (found []store.Process) {
	for _, p := range processes {
		if slotsFor(p, queue) > 0 {
			found = append(found, p)
		}
	}
	return found
}

func slotsFor(p store.Process, queue string) int {
	if p.Queues == nil {
		return p.Slots
	}
	return p.Queues[queue]
}

// performs reports whether a process has a handler for a type. One that does not say is
// given the benefit of the doubt.
func performs(p store.Process, jobType string) bool {
	return p.Performs == nil || slices.Contains(p.Performs, jobType)
}
