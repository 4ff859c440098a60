package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

// A step is a verb that may change the status of one job.
type step struct {
	name string
	take func(t *trial, id int64)
}

var steps = []step{
	{"Claim", func(t *trial, _ int64) { t.claim(store.Demand{Limit: 100}) }},
	{"Promote", func(t *trial, _ int64) { t.promoteAll() }},
	{"Recover", func(t *trial, _ int64) { t.recover(silent(worker, 0)) }},
	{"Leave", func(t *trial, _ int64) { t.leave(worker) }},
	{"Cancel", func(t *trial, id int64) { t.cancelBy(one(id)) }},
	{"Retry", func(t *trial, id int64) { t.retry(one(id)) }},
	{"Reschedule to the future", func(t *trial, id int64) { t.reschedule(one(id), at(9*time.Hour)) }},
	{"Reschedule to the past", func(t *trial, id int64) { t.reschedule(one(id), at(0)) }},
	{"Prune", func(t *trial, _ int64) { t.pruneAll(keepAll(100*day), 10, at(day)) }},
	{"Pause", func(t *trial, _ int64) { t.pause("default") }},
}

// transitionChecks takes every step, and every outcome under live and stale
// tokens, from every status: what follows must be a legal transition, or the
// same status.
func transitionChecks() []check {
	var checks []check
	for _, from := range reachable {
		for _, step := range steps {
			checks = append(checks, check{step.name + " of a job that is " + string(from), func(t *trial) {
				t.knowWorker()
				id := t.jobIn(from, plain())
				step.take(t, id)
				t.legal(id, from)
			}})
		}
		for _, each := range kinds {
			checks = append(checks, check{each.name + " of a job that is " + string(from), func(t *trial) {
				id := t.jobIn(from, plain())
				job := t.get(id)
				t.finish(outcome(job, each.kind), outcome(store.Job{ID: id, Token: 99}, each.kind))
				t.legal(id, from)
			}})
		}
	}
	return checks
}

func (t *trial) legal(id int64, from store.JobStatus) {
	t.Helper()
	to := t.get(id).Status
	if to != from && !store.CanFollow(from, to) {
		t.Fatalf("a job went from %s to %s", from, to)
	}
}
