package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

// replacement is what the checks replace by.
func replacement(runAt time.Time) store.NewJob {
	job := otherwise(unique(store.UniqueUntilDone), store.ConflictReplace)
	job.Args, job.Metadata, job.Priority, job.RunAt = []byte(`{"n":2}`), []byte(`{"by":"b"}`), 7, runAt
	job.Options.StartBy = at(9 * time.Hour)
	job.UserID, job.Queue, job.MaxRetries = "bob", "elsewhere", 99 // these stay what they were
	return job
}

// replaced insists on what has become of a holder that was before.
func (t *trial) replaced(met store.Enqueued, before store.Job) {
	t.Helper()
	want := before
	want.Args, want.Metadata, want.Priority = []byte(`{"n":2}`), []byte(`{"by":"b"}`), 7
	want.Options = &store.Options{Unique: before.Options.Unique, StartBy: at(9 * time.Hour)}
	after := t.get(before.ID)
	want.ScheduledAt, want.NextRunAt, want.Status, want.Reason = after.ScheduledAt, after.NextRunAt, after.Status, after.Reason
	t.equal("holder", after, want)
	t.equal("answer", met, store.Enqueued{ID: after.ID, Status: after.Status, QueuedAt: after.QueuedAt, Holder: &after, Replaced: true})
}

func uniqueReplacePending(t *trial) {
	ids := t.enqueue(plain(), unique(store.UniqueUntilDone), withPriority(7))
	before := t.get(ids[1])
	t.replaced(t.offer(replacement(time.Time{}), at(time.Second)), before)
	t.status(ids[1], store.Pending)
	t.knowWorker()
	claimed := t.claim(store.Demand{Limit: 10})
	t.equal("claim order", idsOf(claimed), []int64{ids[1], ids[2], ids[0]})
	t.equal("arguments", string(claimed[0].Args), `{"n":2}`)
	t.equal("priority", claimed[0].Priority, 7)
}

func uniqueReplaceScheduled(t *trial) {
	job := unique(store.UniqueUntilDone)
	job.RunAt = dueAt
	before := t.get(t.enqueue(job)[0])
	later := at(5 * time.Hour)
	t.replaced(t.offer(replacement(later), at(time.Second)), before)
	t.equal("next run", t.get(before.ID).NextRunAt, later)
	t.equal("time asked for", t.get(before.ID).ScheduledAt, later)
	t.replaced(t.offer(replacement(time.Time{}), at(time.Second)), before)
	t.status(before.ID, store.Pending)
	t.replaced(t.offer(replacement(later), at(time.Second)), before)
	t.status(before.ID, store.Scheduled)
}

func uniqueReplaceRetrying(t *trial) {
	id := ended(store.Retry)(t, unique(store.UniqueUntilDone))
	before := t.get(id)
	t.replaced(t.offer(replacement(at(5*time.Hour)), at(time.Second)), before)
	t.status(id, store.Retrying)
	t.replaced(t.offer(replacement(time.Time{}), at(time.Second)), before)
	t.status(id, store.Pending)
	t.equal("attempt of the next claim", t.claimOf(id, unique(store.UniqueUntilDone)).Attempt, 2)
}

func uniqueReplaceSteps(t *trial) {
	steps := []store.Step{done("charge", `{"id":7}`), cursor("rows", "12")}
	steps[0].At = at(63 * time.Second)
	for _, runAt := range []time.Time{{}, dueAt} { // it is retrying, and becomes pending or goes on waiting
		job := t.running(unique(store.UniqueUntilDone))
		t.saveSteps(job, steps...)
		t.accept(outcome(job, store.Retry))
		kept := t.steps(job.ID)
		t.equal("steps", len(kept), 2)

		again := otherwise(unique(store.UniqueUntilDone), store.ConflictReplace)
		again.RunAt = runAt
		t.equal("replaced", t.offer(again, at(time.Second)).Replaced, true)
		t.equal("steps for the same arguments", t.steps(job.ID), kept)
		t.equal("replaced", t.offer(replacement(runAt), at(time.Second)).Replaced, true)
		t.equal("steps for other arguments", len(t.steps(job.ID)), 0)
		_, err := t.store.Delete(t.Context(), one(job.ID), nil)
		t.must("Delete", err)
	}
}

func uniqueReplaceKeeps(t *trial) {
	id := t.running(unique(store.UniqueUntilDone)).ID
	before := t.whole(id)
	met := t.offer(replacement(dueAt), at(time.Second))
	t.equal("answer", met, store.Enqueued{ID: id, Status: store.Running, QueuedAt: enqueuedAt, Holder: &before.Job})
	t.equal("holder", t.whole(id), before)
	t.accept(outcome(before.Job, store.Complete))
	id = ended(store.Complete)(t, unique(store.UniquePeriod))
	before = t.whole(id)
	t.equal("finished", t.offer(replacement(dueAt), at(time.Second)).Replaced, false)
	t.equal("finished", t.whole(id), before)
}

func uniqueReplaceMetadata(t *trial) {
	job := unique(store.UniqueUntilDone)
	job.Metadata = []byte(`{"by":"a"}`)
	id := t.enqueue(job)[0]
	t.offer(otherwise(unique(store.UniqueUntilDone), store.ConflictReplace), enqueuedAt)
	t.equal("metadata", len(t.get(id).Metadata), 0)
}

func uniqueReplaceInOneCall(t *trial) {
	third := replacement(dueAt)
	third.Args = []byte(`{"n":3}`)
	enqueued, err := t.store.Enqueue(t.Context(), []store.NewJob{unique(store.UniqueUntilDone), replacement(time.Time{}), third}, enqueuedAt)
	t.must("Enqueue", err)
	after := t.get(enqueued[0].ID)
	t.equal("arguments", string(after.Args), `{"n":3}`)
	t.equal("status", after.Status, store.Scheduled)
	t.equal("answer", enqueued[2].Holder, &after)
}
