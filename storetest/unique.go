package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var uniqueScopes = []store.UniqueScope{store.UniqueUntilDone, store.UniqueWhileWaiting, store.UniquePeriod}

// uniqueChecks are every scope with every way for a job to leave it, and what becomes
// of a job that meets a holder.
func uniqueChecks() []check {
	return slices.Concat(leavingChecks(), []check{
		{"a job that meets a holder is not stored", uniqueKeep},
		{"a key of another type does not clash", uniquePerType},
		{"a job without a key meets nobody", uniqueWithoutKey},
		{"of one call the first holds the key", uniqueInOneCall},
		{"a batch with and without keys", uniqueBatch},
		{"fail: nothing of the call is stored", uniqueFail},
		{"fail: within one call", uniqueFailInOneCall},
		{"replace: a pending holder keeps its place in line", uniqueReplacePending},
		{"replace: a scheduled holder gets the new time", uniqueReplaceScheduled},
		{"replace: a retrying holder goes on with its attempts", uniqueReplaceRetrying},
		{"replace: one that does not wait is kept", uniqueReplaceKeeps},
		{"replace: steps that were done for other arguments are forgotten", uniqueReplaceSteps},
		{"replace: empty metadata", uniqueReplaceMetadata},
		{"replace: the later of one call wins", uniqueReplaceInOneCall},
		{"one runs and one waits", uniqueOneRunsOneWaits},
		{"a key for a period is free when that is over", uniquePeriodOver},
		{"a period outlasts retention", uniquePeriodOutlastsRetention},
		{"upkeep forgets periods even if jobs are kept for ever", uniquePeriodForgotten},
		{"a retry takes the key again", uniqueRetry},
		{"a retry of a job whose key another job holds", uniqueRetryRefused},
		{"of several that are retried one gets the key", uniqueRetrySeveral},
		{"a retry has nothing to do with a period", uniqueRetryPeriod},
		{"keys are texts", uniqueTexts},
		{"keys that no store can keep are none", uniqueImpossible},
		{"a move carries keys", uniqueMove},
		{"a move lets a running job hold its key, and a cancelled one not", uniqueMoveRunning},
		{"import leaves a key to its holder", uniqueImportMeets},
	})
}

// unique is a job with a key.
func unique(scope store.UniqueScope) store.NewJob {
	job := plain()
	job.Options = &store.Options{Unique: &store.Unique{Key: "k", Scope: scope}}
	if scope == store.UniquePeriod {
		job.Options.Unique.Period = time.Hour
	}
	return job
}

// otherwise is the same job with another way to meet a holder.
func otherwise(job store.NewJob, way store.OnConflict) store.NewJob {
	job.OnConflict = way
	return job
}

// offer enqueues one job.
func (t *trial) offer(job store.NewJob, now time.Time) store.Enqueued {
	t.Helper()
	enqueued, err := t.store.Enqueue(t.Context(), []store.NewJob{job}, now)
	t.must("Enqueue", err)
	return enqueued[0]
}

// held insists that a job holds the key "k" of Mail; 0: nobody does.
func (t *trial) held(id int64, now time.Time) {
	t.Helper()
	holder, err := t.store.Holder(t.Context(), "Mail", "k", now)
	if id == 0 && errors.Is(err, store.ErrNotFound) {
		return
	}
	t.must("Holder", err)
	t.equal("holder of the key", holder, id)
}

// free insists that nobody holds the key, as the next enqueue finds out.
func (t *trial) free(job store.NewJob, now time.Time) {
	t.Helper()
	t.held(0, now)
	if stored := t.offer(job, now); stored.Holder != nil {
		t.Fatalf("the key is held by job %d, which is %s", stored.ID, stored.Status)
	}
}

// taken insists that a job holds the key, as the next enqueue finds out.
func (t *trial) taken(id int64, job store.NewJob, now time.Time) {
	t.Helper()
	t.held(id, now)
	if met := t.offer(job, now); met.Holder == nil || met.ID != id {
		t.Fatalf("the key of job %d was free; job %d has it now", id, met.ID)
	}
}

// duplicate insists on the error that names the holder.
func (t *trial) duplicate(err error, holder int64) {
	t.Helper()
	var duplicate *store.DuplicateError
	if !errors.Is(err, store.ErrDuplicate) || !errors.As(err, &duplicate) {
		t.Fatalf("error: %v, expected a duplicate", err)
	}
	t.equal("duplicate", *duplicate, store.DuplicateError{Type: "Mail", Key: "k", Holder: holder})
}

func uniqueKeep(t *trial) {
	job := unique(store.UniqueUntilDone)
	job.Args, job.Priority, job.UserID, job.RunAt = []byte(`{"n":1}`), 5, "ada", dueAt
	id := t.enqueue(job)[0]
	before := t.whole(id)
	met := t.offer(unique(store.UniqueUntilDone), at(time.Second))
	t.equal("answer", met, store.Enqueued{ID: id, Status: store.Scheduled, QueuedAt: enqueuedAt, Holder: &before.Job})
	t.equal("holder", t.whole(id), before)
	t.equal("jobs", t.list(store.Filter{}), []int64{id})
}

func uniquePerType(t *trial) {
	t.enqueue(unique(store.UniqueUntilDone))
	other := unique(store.UniqueUntilDone)
	other.Type = "Report"
	t.equal("holder", t.offer(other, enqueuedAt).Holder, (*store.Job)(nil))
}

func uniqueWithoutKey(t *trial) {
	t.enqueue(unique(store.UniqueUntilDone))
	none := unique(store.UniqueUntilDone)
	none.Options.Unique.Key = ""
	for _, job := range []store.NewJob{plain(), none, none} {
		t.equal("holder", t.offer(job, enqueuedAt).Holder, (*store.Job)(nil))
	}
}

func uniqueInOneCall(t *trial) {
	first, second := unique(store.UniqueUntilDone), unique(store.UniquePeriod)
	first.Args = []byte(`{"n":1}`)
	enqueued, err := t.store.Enqueue(t.Context(), []store.NewJob{plain(), first, second, first}, enqueuedAt)
	t.must("Enqueue", err)
	holder := t.get(enqueued[1].ID)
	for _, i := range []int{2, 3} {
		t.equal("answer", enqueued[i], store.Enqueued{ID: holder.ID, Status: store.Pending, QueuedAt: enqueuedAt, Holder: &holder})
	}
	t.equal("jobs", len(t.list(store.Filter{})), 2)
}

// uniqueBatch: each job has its own answer, and ids of new jobs rise in their order.
func uniqueBatch(t *trial) {
	var batch []store.NewJob
	for i := range 200 {
		job := withPriority(i % 3)
		if i%2 == 0 {
			// Few keys, in an order that is not that of the calls.
			job.Options = &store.Options{Unique: &store.Unique{Key: fmt.Sprint("key", (i*7)%40), Scope: store.UniqueUntilDone}}
		}
		batch = append(batch, job)
	}
	for round := range 2 {
		enqueued, err := t.store.Enqueue(t.Context(), batch, enqueuedAt)
		t.must("Enqueue", err)
		last, seen := int64(0), map[string]int64{}
		for i, e := range enqueued {
			unique := batch[i].Options.UniqueKey()
			if e.Holder != nil {
				t.equal("key of the holder", e.Holder.Options.UniqueKey().Key, unique.Key)
				if id := seen[unique.Key]; round == 0 && id != e.ID {
					t.Fatalf("key %s: job %d met job %d, the first was %d", unique.Key, i, e.ID, id)
				}
				continue
			}
			if e.ID <= last || round == 1 && unique != nil {
				t.Fatalf("round %d: job %d got id %d after %d", round, i, e.ID, last)
			}
			last = e.ID
			if unique != nil {
				seen[unique.Key] = e.ID
			}
			t.equal("priority", t.get(e.ID).Priority, batch[i].Priority)
		}
	}
}

func uniqueFail(t *trial) {
	id := t.enqueue(unique(store.UniqueUntilDone))[0]
	other := unique(store.UniqueUntilDone)
	other.Options = &store.Options{Unique: &store.Unique{Key: "other", Scope: store.UniqueUntilDone}}
	refused := otherwise(unique(store.UniqueUntilDone), store.ConflictFail)
	_, err := t.store.Enqueue(t.Context(), []store.NewJob{plain(), other, refused}, enqueuedAt)
	t.duplicate(err, id)
	t.equal("jobs", t.list(store.Filter{}), []int64{id})
	t.equal("holder of the other key", t.offer(other, enqueuedAt).Holder, (*store.Job)(nil))
}

func uniqueFailInOneCall(t *trial) {
	job := otherwise(unique(store.UniqueUntilDone), store.ConflictFail)
	_, err := t.store.Enqueue(t.Context(), []store.NewJob{job, job}, enqueuedAt)
	t.duplicate(err, 0)
	t.equal("jobs", t.list(store.Filter{}), []int64{})
	t.free(job, enqueuedAt)
}

func uniqueOneRunsOneWaits(t *trial) {
	job := unique(store.UniqueWhileWaiting)
	first := t.running(job)
	second := t.enqueue(job)[0]
	t.taken(second, job, enqueuedAt)
	t.accept(outcome(first, store.Release)) // back in line, and without the key
	t.taken(second, job, enqueuedAt)
	t.claim(store.Demand{Limit: 10})
	t.free(job, enqueuedAt)
}

func uniqueTexts(t *trial) {
	for i, word := range append(slices.Clone(words), strings.Repeat("k", store.MaxKey), strings.Repeat("ž", store.MaxKey/2)) {
		job := unique(store.UniqueUntilDone)
		job.Options.Unique.Key = word
		if job.Options.UniqueKey() == nil {
			continue // too long
		}
		first, second := t.offer(job, enqueuedAt), t.offer(job, enqueuedAt)
		if first.Holder != nil || second.ID != first.ID {
			t.Fatalf("key %d, %q: stored as %d, then met %d", i, word, first.ID, second.ID)
		}
		holder, err := t.store.Holder(t.Context(), "Mail", word, enqueuedAt)
		t.must("Holder", err)
		t.equal("holder", holder, first.ID)
	}
}

func uniqueImpossible(t *trial) {
	for _, key := range []string{"a\x00b", "\xff", strings.Repeat("k", store.MaxKey+1)} {
		job := unique(store.UniqueUntilDone)
		job.Options.Unique.Key = key
		t.equal("usable", job.Options.UniqueKey() == nil, true)
	}
}
