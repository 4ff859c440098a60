package storetest

import (
	"context"
	"time"

	"github.com/laterjobs/later/store"
)

var revisionChecks = []check{
	{"whatever changes what can be read changes the revision", revisionFollows},
	{"every change is told, not only the first", revisionAgain},
}

func (t *trial) revision() string {
	t.Helper()
	revision, err := t.store.Revision(t.Context())
	t.must("Revision", err)
	return revision
}

// revised waits until the revision is none of those that were seen before.
func (t *trial) revised(seen map[string]bool, after string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	for ctx.Err() == nil {
		if revision := t.revision(); !seen[revision] {
			seen[revision] = true
			return
		}
		pause := time.NewTimer(5 * time.Millisecond)
		<-pause.C
	}
	t.Fatalf("the revision is as before after %s", after)
}

func revisionFollows(t *trial) {
	seen := map[string]bool{t.revision(): true}
	var job store.Job
	for _, step := range []struct {
		name string
		do   func()
	}{
		{"Join", func() { t.join(worker, enqueuedAt) }},
		{"Enqueue", func() { t.enqueue(plain()) }},
		{"Claim", func() { job = t.claim(store.Demand{Limit: 1})[0] }},
		{"Report", func() { t.report(store.Report{JobID: job.ID, Token: job.Token, Progress: progress(1)}) }},
		{"Pause", func() { t.pause("default") }},
		{"Resume", func() { t.resume("default") }},
		{"Finish", func() { t.accept(outcome(job, store.Complete)) }},
		{"Beat", func() { t.beat(worker, at(2*time.Minute)) }},
	} {
		step.do()
		t.revised(seen, step.name)
	}
}

func revisionAgain(t *trial) {
	seen := map[string]bool{t.revision(): true}
	for range 20 {
		t.enqueue(plain())
		t.revised(seen, "another Enqueue")
	}
}
