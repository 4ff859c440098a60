package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

var retryChecks = []check{
	{"a finished job starts over", retryFinished},
	{"a retrying job runs now", retryRetrying},
	{"other jobs are left alone", retryLeavesOthers},
	{"a job that crashed too often starts over", retryCrashed},
	{"a retried job runs like a new one", retryThenRun},
	{"a retried job is claimed with what is known of its past", retryKeepsError},
	{"the changed ids are returned, rising", retryReturnsIDs},
}

func (t *trial) retry(f store.Filter) []int64 {
	t.Helper()
	ids, err := t.store.Retry(t.Context(), f, at(3*time.Minute), nil)
	t.must("Retry", err)
	return ids
}

func one(id int64) store.Filter {
	return store.Filter{IDs: []int64{id}}
}

func retryFinished(t *trial) {
	for _, status := range []store.JobStatus{store.Completed, store.Failed, store.Cancelled} {
		id := t.jobIn(status, inQueue(string(status)))
		t.equal("retried jobs", t.retry(one(id)), []int64{id})
		got := t.get(id)
		t.equal("status", got.Status, store.Pending)
		t.equal("attempt", got.Attempt, 0)
		t.equal("crashes", got.Crashes, 0)
		t.equal("result", len(got.Result), 0)
		t.equal("finished at", got.FinishedAt, time.Time{})
		t.equal("queued at", got.QueuedAt, enqueuedAt)
	}
}

func retryRetrying(t *trial) {
	id := t.jobIn(store.Retrying, plain())
	t.equal("retried jobs", t.retry(one(id)), []int64{id})
	got := t.get(id)
	t.equal("status", got.Status, store.Pending)
	t.equal("attempt", got.Attempt, 1)
	t.equal("time of the next run", got.NextRunAt, time.Time{})
}

func retryLeavesOthers(t *trial) {
	ids := t.oneOfEach()
	for _, status := range []store.JobStatus{store.Scheduled, store.Pending, store.Running} {
		before := t.whole(ids[status])
		t.equal("retried jobs", t.retry(one(ids[status])), []int64{})
		t.equal("job", t.whole(ids[status]), before)
	}
	t.equal("retried jobs", t.retry(one(404)), []int64{})
}

func retryCrashed(t *trial) {
	id := t.enqueue(plain())[0]
	for range store.MaxCrashes {
		t.claimOf(id, plain())
		t.recover(silent(worker, 0))
	}
	t.status(id, store.Failed)
	t.retry(one(id))
	t.claimOf(id, plain())
	t.equal("recovered jobs", t.recover(silent(worker, 0)), []store.Recovered{
		{JobID: id, ProcessID: worker, Type: "Mail", Status: store.Pending, Crashes: 1},
	})
}

func retryThenRun(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Fail))
	t.retry(one(job.ID))
	t.refuse(outcome(store.Job{ID: job.ID, Token: job.Token + 1}, store.Complete))
	again := t.claimOf(job.ID, plain())
	t.equal("attempt", again.Attempt, 1)
	t.accept(outcome(again, store.Complete))
	t.status(job.ID, store.Completed)
}

// retryKeepsError: a claim and a reader say the same of a job that starts over.
func retryKeepsError(t *trial) {
	id := t.jobIn(store.Retrying, plain())
	t.cancel(id)
	t.retry(one(id))
	want := t.get(id).Error
	t.equal("error of the last attempt that failed", want, "not now")
	t.equal("error that the claim tells", t.claimOf(id, plain()).Error, want)
}

func retryReturnsIDs(t *trial) {
	ids := t.oneOfEach()
	want := []int64{ids[store.Retrying], ids[store.Completed], ids[store.Failed], ids[store.Cancelled]}
	t.equal("retried jobs", t.retry(store.Filter{}), want)
	failed := t.jobIn(store.Failed, inQueue("another"))
	t.jobIn(store.Cancelled, inQueue("another"))
	t.equal("retried jobs", t.retry(store.Filter{Status: []store.JobStatus{store.Failed}}), []int64{failed})
}

var rescheduleChecks = []check{
	{"to the future", rescheduleToFuture},
	{"to the past makes pending", rescheduleToPast},
	{"other jobs are left alone", rescheduleLeavesOthers},
	{"the new time counts", rescheduleThenPromote},
	{"the changed ids are returned, rising", rescheduleReturnsIDs},
}

func (t *trial) reschedule(f store.Filter, to time.Time) []int64 {
	t.Helper()
	ids, err := t.store.Reschedule(t.Context(), f, to, at(3*time.Minute), nil)
	t.must("Reschedule", err)
	return ids
}

func rescheduleToFuture(t *trial) {
	for from, to := range map[store.JobStatus]store.JobStatus{
		store.Scheduled: store.Scheduled, store.Pending: store.Scheduled, store.Retrying: store.Retrying,
	} {
		id := t.jobIn(from, inQueue(string(from)))
		before := t.get(id)
		t.equal("rescheduled jobs", t.reschedule(one(id), at(9*time.Hour)), []int64{id})
		got := t.get(id)
		t.equal("status of a job that was "+string(from), got.Status, to)
		t.equal("time of the next run", got.NextRunAt, at(9*time.Hour))
		t.equal("time asked for at enqueue", got.ScheduledAt, before.ScheduledAt)
		t.equal("attempt", got.Attempt, before.Attempt)
		t.equal("error", got.Error, before.Error)
	}
}

func rescheduleToPast(t *trial) {
	for _, status := range []store.JobStatus{store.Scheduled, store.Pending, store.Retrying} {
		for _, to := range []time.Time{{}, at(time.Minute), at(3 * time.Minute)} {
			id := t.jobIn(status, plain())
			attempt := t.get(id).Attempt
			t.reschedule(one(id), to)
			got := t.get(id)
			t.equal("status", got.Status, store.Pending)
			t.equal("attempt", got.Attempt, attempt)
			t.equal("time of the next run", got.NextRunAt, time.Time{})
			t.cancel(id) // out of the way of the next claim
		}
	}
}

func rescheduleLeavesOthers(t *trial) {
	ids := t.oneOfEach()
	for _, status := range []store.JobStatus{store.Running, store.Completed, store.Failed, store.Cancelled} {
		for _, to := range []time.Time{at(time.Minute), at(9 * time.Hour)} {
			before := t.whole(ids[status])
			t.equal("rescheduled jobs", t.reschedule(one(ids[status]), to), []int64{})
			t.equal("job", t.whole(ids[status]), before)
		}
	}
}

func rescheduleThenPromote(t *trial) {
	id := t.enqueue(dueIn(time.Hour))[0]
	t.reschedule(one(id), at(9*time.Hour))
	t.equal("promoted", t.promote(9, at(2*time.Hour)), store.Promoted{Next: at(9 * time.Hour)})
	t.equal("promoted", t.promote(9, at(9*time.Hour)), store.Promoted{Count: 1})
	t.status(id, store.Pending)
}

func rescheduleReturnsIDs(t *trial) {
	ids := t.oneOfEach()
	want := []int64{ids[store.Scheduled], ids[store.Retrying], ids[store.Pending]}
	t.equal("rescheduled jobs", t.reschedule(store.Filter{}, at(9*time.Hour)), want)
}

var deleteChecks = []check{
	{"jobs that do not run are removed", deleteAllButRunning},
	{"the history goes too", deleteHistory},
	{"a deleted job is not claimed or promoted", deletedStaysAway},
	{"ids are not given again", idsOfDeleted},
	{"the filter and the limit choose", deleteByFilter},
	{"an unknown job is no error", deleteUnknown},
}

func (t *trial) delete(f store.Filter) []int64 {
	t.Helper()
	ids, err := t.store.Delete(t.Context(), f, nil)
	t.must("Delete", err)
	return ids
}

func deleteAllButRunning(t *trial) {
	ids := t.oneOfEach()
	running := t.whole(ids[store.Running])
	t.equal("number of deleted jobs", len(t.delete(store.Filter{})), len(ids)-1)
	for status, id := range ids {
		if status != store.Running {
			t.unknown(id)
		}
	}
	t.equal("running job", t.whole(ids[store.Running]), running)
	t.equal("deleted jobs", t.delete(one(ids[store.Running])), []int64{})
}

func deleteHistory(t *trial) {
	job := t.running(plain())
	t.report(store.Report{JobID: job.ID, Token: job.Token, Progress: progress(1), Lines: []store.LogLine{line("x")}})
	t.accept(outcome(job, store.Retry))
	t.equal("deleted jobs", t.delete(one(job.ID)), []int64{job.ID})
	t.forgotten(job.ID)
}

func deletedStaysAway(t *trial) {
	ids := t.enqueue(plain(), dueIn(time.Hour))
	t.equal("deleted jobs", t.delete(store.Filter{}), ids)
	t.equal("promoted", t.promote(9, at(day)), store.Promoted{})
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), []int64{})
}

func idsOfDeleted(t *trial) {
	t.neverAgain(func() { t.delete(store.Filter{}) })
}

// neverAgain: ids rise also when the newest jobs are gone, whether they came alone or
// together.
func (t *trial) neverAgain(remove func()) {
	t.Helper()
	var last int64
	for _, jobs := range [][]store.NewJob{{plain()}, {plain(), plain()}, {plain()}, {plain()}} {
		ids := t.enqueue(jobs...)
		if ids[0] <= last {
			t.Fatalf("id %d was given after %d", ids[0], last)
		}
		last = ids[len(ids)-1]
		remove()
	}
}

func deleteByFilter(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("b"), inQueue("a"), inQueue("b"))
	t.equal("deleted jobs", t.delete(store.Filter{Queue: "b"}), pick(ids, 1, 3))
	t.equal("number of deleted jobs", len(t.delete(store.Filter{Limit: 1})), 1)
	t.equal("number of jobs left", len(t.list(store.Filter{})), 1)
}

func deleteUnknown(t *trial) {
	t.equal("deleted jobs", t.delete(store.Filter{IDs: []int64{-1, 0, 404}}), []int64{})
}

var pauseChecks = []check{
	{"a pause is shown with its time and reason", pauseIsShown},
	{"a queue without jobs can be paused", pauseEmptyQueue},
	{"both may be repeated", pauseRepeated},
	{"one queue at a time", pauseOneQueue},
	{"paused queues take jobs and let running ones finish", pauseStopsOnlyClaims},
}

func (t *trial) pause(queue string) {
	t.Helper()
	t.must("Pause", t.store.Pause(t.Context(), queue, "the server is down", claimedAt, nil))
}

func (t *trial) resume(queue string) {
	t.Helper()
	t.must("Resume", t.store.Resume(t.Context(), queue, nil))
}

// queueStats is what Stats says of a queue; zero counts if it does not list it.
func (t *trial) queueStats(name string) store.QueueStats {
	t.Helper()
	for _, queue := range t.stats().Queues {
		if queue.Name == name {
			return queue
		}
	}
	return store.QueueStats{Name: name}
}

func pauseIsShown(t *trial) {
	t.enqueue(inQueue("a"))
	t.pause("a")
	t.equal("queue", t.queueStats("a"), store.QueueStats{
		Name: "a", Pending: 1, Oldest: enqueuedAt, PausedAt: claimedAt, PauseReason: "the server is down",
	})
	t.resume("a")
	t.equal("queue", t.queueStats("a"), store.QueueStats{Name: "a", Pending: 1, Oldest: enqueuedAt})
}

func pauseEmptyQueue(t *trial) {
	t.pause("future")
	t.equal("paused at", t.queueStats("future").PausedAt, claimedAt)
	t.enqueue(inQueue("future"))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), []int64{})
}

func pauseRepeated(t *trial) {
	id := t.enqueue(inQueue("a"))[0]
	t.resume("a")
	t.pause("a")
	t.pause("a")
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), []int64{})
	t.resume("a")
	t.resume("a")
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), []int64{id})
}

func pauseOneQueue(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("b"), inQueue("c"))
	t.pause("a")
	t.pause("c")
	t.resume("c")
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), pick(ids, 1, 2))
}

func pauseStopsOnlyClaims(t *trial) {
	job := t.running(plain())
	t.pause("default")
	t.accept(outcome(job, store.Retry))
	scheduled := t.enqueue(dueIn(time.Hour))[0]
	t.promoteAll()
	t.status(job.ID, store.Pending)
	t.status(scheduled, store.Pending)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), []int64{})
}
