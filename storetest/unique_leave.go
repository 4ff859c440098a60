package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

// A leaving is something that happens to a job with a key.
type leaving struct {
	name  string
	take  func(t *trial, job store.NewJob) int64 // stores the job, and lets it happen
	holds []store.UniqueScope                    // the scopes in which the job still holds its key
}

var (
	onlyPeriod = []store.UniqueScope{store.UniquePeriod}
	notWaiting = []store.UniqueScope{store.UniqueUntilDone, store.UniquePeriod}
)

// ended is the way of a job that is claimed and then ends with an outcome.
func ended(kind store.OutcomeKind) func(*trial, store.NewJob) int64 {
	return func(t *trial, job store.NewJob) int64 {
		claimed := t.running(job)
		t.accept(outcome(claimed, kind))
		return claimed.ID
	}
}

var leavings = []leaving{
	{"waits", func(t *trial, job store.NewJob) int64 { return t.enqueue(job)[0] }, uniqueScopes},
	{"is scheduled", func(t *trial, job store.NewJob) int64 { job.RunAt = dueAt; return t.enqueue(job)[0] }, uniqueScopes},
	{"is promoted", func(t *trial, job store.NewJob) int64 {
		job.RunAt = at(time.Minute)
		id := t.enqueue(job)[0]
		t.promoteAll()
		return id
	}, uniqueScopes},
	{"is rescheduled", func(t *trial, job store.NewJob) int64 {
		id := t.enqueue(job)[0]
		t.reschedule(one(id), dueAt)
		t.reschedule(one(id), at(0))
		return id
	}, uniqueScopes},
	{"is claimed", func(t *trial, job store.NewJob) int64 { return t.running(job).ID }, notWaiting},
	{"completes", ended(store.Complete), onlyPeriod},
	{"fails", ended(store.Fail), onlyPeriod},
	{"cancels itself", ended(store.Cancel), onlyPeriod},
	{"will be retried", ended(store.Retry), notWaiting},
	{"is postponed", ended(store.Postpone), notWaiting},
	{"is released", ended(store.Release), notWaiting},
	{"is cancelled while it waits", func(t *trial, job store.NewJob) int64 {
		id := t.enqueue(job)[0]
		t.cancelBy(one(id))
		return id
	}, onlyPeriod},
	{"is cancelled while it is scheduled", func(t *trial, job store.NewJob) int64 {
		job.RunAt = dueAt
		id := t.enqueue(job)[0]
		t.cancelBy(one(id))
		return id
	}, onlyPeriod},
	{"is asked to stop", func(t *trial, job store.NewJob) int64 {
		id := t.running(job).ID
		t.cancelBy(one(id))
		return id
	}, notWaiting},
	{"is cancelled while it runs", func(t *trial, job store.NewJob) int64 {
		claimed := t.running(job)
		t.cancelBy(one(claimed.ID))
		t.accept(outcome(claimed, store.Complete))
		return claimed.ID
	}, onlyPeriod},
	{"is taken back from a dead process", func(t *trial, job store.NewJob) int64 {
		id := t.running(job).ID
		t.recover(silent(worker, 0))
		return id
	}, notWaiting},
	{"was asked to stop when its process died", func(t *trial, job store.NewJob) int64 {
		id := t.running(job).ID
		t.cancelBy(one(id))
		t.recover(silent(worker, 0))
		return id
	}, onlyPeriod},
	{"has killed too many processes", func(t *trial, job store.NewJob) int64 {
		id := t.running(job).ID
		t.recover(silent(worker, 0))
		for range store.MaxCrashes - 1 {
			t.claimOf(id, job)
			t.recover(silent(worker, 0))
		}
		t.status(id, store.Failed)
		return id
	}, onlyPeriod},
	{"is released by a process that leaves", func(t *trial, job store.NewJob) int64 {
		id := t.running(job).ID
		t.leave(worker)
		return id
	}, notWaiting},
	{"is deleted while it waits", func(t *trial, job store.NewJob) int64 {
		id := t.enqueue(job)[0]
		t.delete(one(id))
		return id
	}, nil},
	{"is deleted after its end", func(t *trial, job store.NewJob) int64 {
		id := ended(store.Complete)(t, job)
		t.delete(one(id))
		return id
	}, nil},
}

// leavingChecks takes every leaving from every scope, and meets it in every way.
func leavingChecks() []check {
	var checks []check
	for _, scope := range uniqueScopes {
		for _, l := range leavings {
			checks = append(checks, check{fmt.Sprintf("%s: a job that %s", scope, l.name), func(t *trial) {
				id, now := l.take(t, unique(scope)), at(3*time.Minute)
				if !slices.Contains(l.holds, scope) {
					t.free(unique(scope), now)
					return
				}
				t.taken(id, unique(scope), now)
				t.taken(id, unique(store.UniqueUntilDone), now) // whatever the scope of the other
				_, err := t.store.Enqueue(t.Context(), []store.NewJob{otherwise(unique(scope), store.ConflictFail)}, now)
				t.duplicate(err, id)
				t.taken(id, otherwise(unique(scope), store.ConflictReplace), now)
			}})
		}
	}
	return checks
}
