package storetest

import (
	"github.com/laterjobs/later/store"
)

var suspectChecks = []check{
	{"ordinary claims pass suspects over", suspectIsPassedOver},
	{"a claim of suspects takes nothing else", suspectsOnly},
	{"suspects have an order too", suspectsInOrder},
	{"queues, types and pauses hold for suspects", suspectLimits},
	{"a suspect that is retried by hand is an ordinary job", suspectRetried},
	{"a suspect whose attempt failed stays one", suspectStaysOne},
}

// crash makes processes die with the pending job id in hand.
func (t *trial) crash(id int64, job store.NewJob, times int) {
	t.Helper()
	for range times {
		t.claimOf(id, job)
		t.recover(silent(worker, 0))
	}
}

// suspect enqueues a job and makes a suspect of it.
func (t *trial) suspect(job store.NewJob) int64 {
	t.Helper()
	id := t.enqueue(job)[0]
	t.crash(id, job, store.SuspectAfter)
	return id
}

func (t *trial) suspected(d store.Demand) bool {
	t.Helper()
	if d.Types == nil {
		d.Types = []string{"Mail"}
	}
	found, err := t.store.Suspected(t.Context(), d)
	t.must("Suspected", err)
	return found
}

func suspectIsPassedOver(t *trial) {
	id := t.enqueue(plain())[0]
	t.crash(id, plain(), store.SuspectAfter-1)
	t.equal("suspected after one crash less", t.suspected(store.Demand{}), false)
	t.crash(id, plain(), 1)
	others := t.enqueue(many(2, plain())...)
	t.equal("suspected", t.suspected(store.Demand{}), true)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 3}), others)
	t.status(id, store.Pending)
}

func suspectsOnly(t *trial) {
	t.enqueue(many(2, plain())...)
	t.equal("claimed while there is none", t.claimIDs(store.Demand{Suspects: true, Limit: 3}), []int64{})
	t.join(helper, enqueuedAt)
	t.claim(store.Demand{ProcessID: helper, Limit: 2})
	id := t.suspect(plain())
	t.enqueue(plain())
	t.equal("claimed jobs", t.claimIDs(store.Demand{Suspects: true, Limit: 3}), []int64{id})
	t.equal("suspected when claimed", t.suspected(store.Demand{}), false)
}

func suspectsInOrder(t *trial) {
	low, high, last := t.suspect(plain()), t.suspect(withPriority(9)), t.suspect(plain())
	t.equal("the first", t.claimIDs(store.Demand{Suspects: true, Limit: 1}), []int64{high})
	t.equal("the others", t.claimIDs(store.Demand{Suspects: true, Limit: 2}), []int64{low, last})
}

func suspectLimits(t *trial) {
	id := t.suspect(inQueue("mailers"))
	demand := store.Demand{Suspects: true, Limit: 1}
	for what, d := range map[string]store.Demand{
		"another queue": {Queues: map[string]int{"default": 1}},
		"another type":  {Types: []string{"Report"}},
		"no type":       {Types: []string{}},
	} {
		t.equal("suspected in "+what, t.suspected(d), false)
		d.Suspects, d.Limit = true, 1
		t.equal("claimed from "+what, t.claimIDs(d), []int64{})
	}
	t.must("Pause", t.store.Pause(t.Context(), "mailers", "", claimedAt, nil))
	t.equal("suspected in a paused queue", t.suspected(demand), false)
	t.equal("claimed from a paused queue", t.claimIDs(demand), []int64{})
	t.must("Resume", t.store.Resume(t.Context(), "mailers", nil))
	demand.Queues = map[string]int{"mailers": 1}
	t.equal("suspected", t.suspected(demand), true)
	t.equal("claimed", t.claimIDs(demand), []int64{id})
}

func suspectRetried(t *trial) {
	id := t.enqueue(plain())[0]
	t.crash(id, plain(), store.MaxCrashes)
	t.status(id, store.Failed)
	t.retry(one(id))
	t.equal("suspected", t.suspected(store.Demand{}), false)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 1}), []int64{id})
}

func suspectStaysOne(t *trial) {
	id := t.suspect(plain())
	job := t.claimOf(id, plain())
	failed := outcome(job, store.Retry)
	failed.RunAt = dueAt
	t.accept(failed)
	_, err := t.store.Promote(t.Context(), 10, dueAt)
	t.must("Promote", err)
	t.equal("suspected", t.suspected(store.Demand{}), true)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 1}), []int64{})
}
