package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

func uniquePeriodOver(t *trial) {
	job := unique(store.UniquePeriod)
	id := t.enqueue(job)[0]
	t.taken(id, job, at(time.Hour-time.Microsecond))
	second := t.offer(job, at(time.Hour))
	if second.Holder != nil {
		t.Fatal("the key was not free after its period")
	}
	t.taken(second.ID, job, at(time.Hour))
	t.status(id, store.Pending) // the first goes its way
	t.held(second.ID, at(2*time.Hour-time.Microsecond))
	t.held(0, at(2*time.Hour))
}

func uniquePeriodOutlastsRetention(t *trial) {
	job := unique(store.UniquePeriod)
	id := ended(store.Complete)(t, job)
	ended(store.Complete)(t, plain())
	keep := keepAll(time.Minute)
	t.pruneAll(keep, 10, at(59*time.Minute))
	t.equal("jobs", t.list(store.Filter{}), []int64{id})
	t.taken(id, job, at(59*time.Minute))
	t.pruneAll(keep, 10, at(time.Hour))
	t.equal("jobs", t.list(store.Filter{}), []int64{})
}

func uniquePeriodForgotten(t *trial) {
	id := t.enqueue(unique(store.UniquePeriod))[0]
	records, err := t.store.Export(t.Context(), 0, 10)
	t.must("Export", err)
	t.equal("holds", records[0].HoldsKey, true)
	t.pruneAll(keepAll(-1), 10, at(time.Hour))
	records, err = t.store.Export(t.Context(), 0, 10)
	t.must("Export", err)
	t.equal("holds after upkeep", records[0].HoldsKey, false)
	t.status(id, store.Pending)
}

func uniqueRetry(t *trial) {
	for _, scope := range []store.UniqueScope{store.UniqueUntilDone, store.UniqueWhileWaiting} {
		id := ended(store.Fail)(t, unique(scope))
		t.equal("retried", t.retry(one(id)), []int64{id})
		t.taken(id, unique(scope), at(3*time.Minute))
		t.cancelBy(one(id))
		t.held(0, at(3*time.Minute))
	}
}

func uniqueRetryRefused(t *trial) {
	for _, scope := range []store.UniqueScope{store.UniqueUntilDone, store.UniqueWhileWaiting} {
		failed, other := ended(store.Fail)(t, unique(scope)), ended(store.Fail)(t, plain())
		holder := t.enqueue(unique(scope))[0]
		before := t.whole(failed)
		t.equal("retried", t.retry(store.Filter{Status: []store.JobStatus{store.Failed}}), []int64{other})
		t.equal("job", t.whole(failed), before)
		t.held(holder, at(3*time.Minute))
		t.cancelBy(store.Filter{})
		t.equal("retried", t.retry(one(failed)), []int64{failed})
		t.cancelBy(store.Filter{})
	}
}

func uniqueRetrySeveral(t *trial) {
	job := unique(store.UniqueUntilDone)
	first, second := ended(store.Fail)(t, job), ended(store.Fail)(t, job)
	t.equal("retried", t.retry(store.Filter{IDs: []int64{second, first}}), []int64{first})
	t.held(first, at(3*time.Minute))
	t.status(second, store.Failed)
}

func uniqueRetryPeriod(t *trial) {
	job := unique(store.UniquePeriod)
	first := ended(store.Fail)(t, job)
	second := t.offer(job, at(2*time.Hour)).ID
	t.equal("retried", t.retry(one(first)), []int64{first})
	t.held(second, at(2*time.Hour))
}

func uniqueMove(t *trial) {
	for _, scope := range uniqueScopes {
		job := unique(scope)
		job.Type = "Mail"
		id := t.enqueue(job)[0]
		t.carryAway()
		t.taken(id, job, at(3*time.Minute))
		t.delete(store.Filter{})
	}
	id := ended(store.Release)(t, unique(store.UniqueWhileWaiting)) // waits, and holds nothing
	t.carryAway()
	t.status(id, store.Pending)
	t.free(unique(store.UniqueWhileWaiting), at(3*time.Minute))
}

// carryAway takes every job out of the store and back in.
func (t *trial) carryAway() []store.Record {
	t.Helper()
	records, err := t.store.Export(t.Context(), 0, 100)
	t.must("Export", err)
	t.delete(store.Filter{})
	t.must("Import", t.store.Import(t.Context(), records))
	return records
}

func uniqueMoveRunning(t *trial) {
	job := unique(store.UniqueUntilDone)
	id := t.running(job).ID
	records, err := t.store.Export(t.Context(), 0, 100)
	t.must("Export", err)
	t.equal("holds", records[0].AtRest().HoldsKey, true)
	t.cancelBy(one(id))
	records, err = t.store.Export(t.Context(), 0, 100)
	t.must("Export", err)
	t.equal("holds when it is cancelled", records[0].AtRest().HoldsKey, false)
}

func uniqueImportMeets(t *trial) {
	job := unique(store.UniqueUntilDone)
	t.enqueue(job)
	records, err := t.store.Export(t.Context(), 0, 100)
	t.must("Export", err)
	t.delete(store.Filter{})
	holder := t.enqueue(job)[0]
	t.must("Import", t.store.Import(t.Context(), records))
	t.status(records[0].Job.ID, store.Pending)
	t.held(holder, enqueuedAt)
}
