package storetest

import (
	"github.com/laterjobs/later/store"
)

var limitChecks = []check{
	{"ids beyond 32 bits", limitOfIDs},
	{"ids beyond what a float can count", limitOfExactIDs},
	{"attempts beyond 16 bits", limitOfAttempts},
}

func limitOfIDs(t *trial)      { t.livesWithIDsFrom(1<<31 - 5) }
func limitOfExactIDs(t *trial) { t.livesWithIDsFrom(1<<53 - 5) }

// livesWithIDsFrom puts jobs with ids around first through every verb that names jobs.
func (t *trial) livesWithIDsFrom(first int64) {
	t.importAll(aRecord(first))
	t.equal("deleted", t.delete(one(first)), []int64{first})
	ids := t.oneOfEach()
	var all []int64
	for _, status := range reachable {
		t.status(ids[status], status)
		all = append(all, ids[status])
	}
	t.equal("found by their ids", len(t.list(store.Filter{IDs: all})), len(all))
	claims := t.search(worker, finishedAt).Claims
	t.equal("claims", len(claims), 1)
	running := store.Job{ID: ids[store.Running], Token: claims[0].Token}
	t.equal("claims confirmed", t.beat(worker, finishedAt, heldOf(running)...).Claims, claims)
	t.report(store.Report{JobID: running.ID, Token: running.Token, Progress: progress(50), Lines: []store.LogLine{line("one")}})
	t.equal("lines", len(t.log(running.ID)), 1)
	t.accept(outcome(running, store.Release))
	t.promoteAll()
	t.equal("retried", len(t.retry(store.Filter{})), 3)
	claimed := t.claim(store.Demand{Limit: 100})
	t.equal("claimed", len(claimed), len(all))
	for i, kind := range kinds {
		t.accept(outcome(claimed[i], kind.kind))
	}
	t.equal("recovered", len(t.recover(silent(worker, t.processes()[0].Beat))), 1)
	t.promoteAll()
	t.equal("cancelled", len(t.cancelBy(store.Filter{})), 4)
	t.equal("pruned", t.pruneAll(keepAll(0), 100, at(100*day)), len(all))
}

// limitOfAttempts: a job that is retried for years.
func limitOfAttempts(t *trial) {
	record := aRecord(1)
	record.Job.Attempt, record.Job.MaxRetries = 1<<15-1, 1_000_000
	t.importAll(record)
	for attempt := 1 << 15; attempt < 1<<15+3; attempt++ {
		claimed := t.claimOf(1, plain())
		t.equal("attempt", claimed.Attempt, attempt)
		t.accept(outcome(claimed, store.Retry))
		t.equal("attempt", t.get(1).Attempt, attempt)
		t.promoteAll()
	}
}
