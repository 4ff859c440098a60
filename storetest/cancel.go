package storetest

import (
	"errors"
	"time"

	"github.com/laterjobs/later/store"
)

var cancelChecks = []check{
	{"a waiting job is cancelled at once", cancelWaiting},
	{"a finished job is left alone", cancelFinished},
	{"a running job is asked to stop", cancelRunning},
	{"every outcome of a job asked to stop leads to cancelled", cancelWinsOverOutcome},
	{"the result of a job asked to stop is kept", cancelKeepsResult},
	{"a job asked to stop keeps one outcome", cancelThenRepeat},
	{"a cancelled job is not claimed or promoted", cancelledStays},
	{"an attempt that was stopped is recorded", cancelRecordsAttempt},
	{"the changed ids are returned, rising", cancelReturnsIDs},
	{"the limit holds", cancelLimit},
	{"the empty filter means every job", cancelEverything},
	{"the filter chooses", cancelByFilter},
}

func (t *trial) cancel(ids ...int64) {
	t.Helper()
	t.equal("cancelled jobs", t.cancelBy(store.Filter{IDs: ids}), ids)
}

func (t *trial) cancelBy(f store.Filter) []int64 {
	t.Helper()
	ids, err := t.store.Cancel(t.Context(), f, "no longer needed", at(3*time.Minute), nil)
	t.must("Cancel", err)
	return ids
}

// unknown insists that a job does not exist.
func (t *trial) unknown(id int64) {
	t.Helper()
	_, err := t.store.Get(t.Context(), id)
	t.notFound("Get", err)
}

func (t *trial) notFound(verb string, err error) {
	t.Helper()
	if !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("%s: %v, expected ErrNotFound", verb, err)
	}
}

// forgotten insists that a job has gone with its history.
func (t *trial) forgotten(id int64) {
	t.Helper()
	t.unknown(id)
	t.equal("lines of a job that has gone", len(t.linesOfNobody(id)), 0)
	attempts, err := t.store.Attempts(t.Context(), id)
	if err != nil {
		t.notFound("Attempts", err)
	}
	t.equal("attempts of a job that has gone", len(attempts), 0)
}

func cancelWaiting(t *trial) {
	for _, status := range []store.JobStatus{store.Scheduled, store.Pending, store.Retrying} {
		id := t.jobIn(status, inQueue(string(status)))
		before := t.get(id)
		t.cancel(id)
		got := t.get(id)
		t.equal("status", got.Status, store.Cancelled)
		t.equal("reason", got.Error, "no longer needed")
		t.equal("finished at", got.FinishedAt, at(3*time.Minute))
		t.equal("time of the next run", got.NextRunAt, time.Time{})
		t.equal("attempt", got.Attempt, before.Attempt)
		t.equal("cancel requested", got.CancelRequested, false)
	}
}

func cancelFinished(t *trial) {
	for _, status := range []store.JobStatus{store.Completed, store.Failed, store.Cancelled} {
		id := t.jobIn(status, plain())
		before := t.whole(id)
		t.equal("cancelled jobs", t.cancelBy(store.Filter{IDs: []int64{id}}), []int64{})
		t.equal("job", t.whole(id), before)
	}
}

func cancelRunning(t *trial) {
	job := t.running(plain())
	t.equal("cancel requested", t.get(job.ID).CancelRequested, false)
	t.cancel(job.ID)
	got := t.get(job.ID)
	t.equal("status", got.Status, store.Running)
	t.equal("cancel requested", got.CancelRequested, true)
	t.equal("cancel requests", t.search(worker, at(4*time.Minute)).Cancels,
		[]store.CancelRequest{{JobID: job.ID, Reason: "no longer needed"}})
}

func cancelWinsOverOutcome(t *trial) {
	for _, each := range kinds {
		job := t.running(inQueue(each.name))
		t.cancel(job.ID)
		stale := outcome(job, each.kind)
		stale.Token++
		t.refuse(stale)
		t.accept(outcome(job, each.kind))
		got := t.get(job.ID)
		t.equal("status after "+each.name, got.Status, store.Cancelled)
		t.equal("reason after "+each.name, got.Error, "no longer needed")
		t.equal("waits for after "+each.name, got.Reason, "")
		t.equal("next run after "+each.name, got.NextRunAt, time.Time{})
		t.equal("cancel requested after "+each.name, got.CancelRequested, false)
		t.equal("is finished after "+each.name, got.FinishedAt.IsZero(), false)
	}
}

func cancelKeepsResult(t *trial) {
	job := t.running(plain())
	t.cancel(job.ID)
	t.accept(outcome(job, store.Complete))
	got := t.get(job.ID)
	t.equal("status", got.Status, store.Cancelled)
	t.equal("result", string(got.Result), `{"sent":true}`)
}

func cancelThenRepeat(t *trial) {
	job := t.running(plain())
	t.cancel(job.ID)
	done := outcome(job, store.Complete)
	t.accept(done)
	before := t.whole(job.ID)
	t.equal("verdict", t.finish(done)[0], store.Repeated)
	t.equal("job after a repeated outcome", t.whole(job.ID), before)
}

func cancelledStays(t *trial) {
	ids := t.enqueue(plain(), dueIn(time.Hour))
	t.cancel(ids...)
	t.equal("promoted", t.promote(10, at(day)), store.Promoted{})
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), []int64{})
}

func cancelRecordsAttempt(t *trial) {
	for _, kind := range []store.OutcomeKind{store.Cancel, store.Fail, store.Retry} {
		job := t.running(plain())
		t.cancel(job.ID)
		t.accept(outcome(job, kind))
		attempts := t.attempts(job.ID)
		t.equal("number of attempts", len(attempts), 1)
		t.equal("outcome", attempts[0].Outcome, store.AttemptCancelled)
	}
	id := t.enqueue(plain())[0]
	t.cancel(id)
	t.equal("attempts of a job that never ran", len(t.attempts(id)), 0)
}

func cancelReturnsIDs(t *trial) {
	ids := t.oneOfEach()
	want := []int64{ids[store.Scheduled], ids[store.Running], ids[store.Retrying], ids[store.Pending]}
	t.equal("cancelled jobs", t.cancelBy(store.Filter{}), want)
}

func cancelLimit(t *trial) {
	t.enqueue(many(7, plain())...)
	t.equal("number of cancelled jobs", len(t.cancelBy(store.Filter{Limit: 3})), 3)
	t.equal("cancelled", t.stats().Counts[store.Cancelled], int64(3))
	t.equal("number of cancelled jobs", len(t.cancelBy(store.Filter{Status: []store.JobStatus{store.Pending}, Limit: 9})), 4)
}

func cancelEverything(t *trial) {
	ids := t.enqueue(many(300, plain())...)
	t.equal("cancelled jobs", t.cancelBy(store.Filter{}), ids)
}

func cancelByFilter(t *trial) {
	mine := plain()
	mine.TargetID, mine.UserID = "order/9", "ada"
	ids := t.enqueue(plain(), mine, inQueue("other"), mine)
	t.equal("cancelled jobs", t.cancelBy(store.Filter{Target: "order/9", User: "ada"}), pick(ids, 1, 3))
	t.equal("cancelled jobs", t.cancelBy(store.Filter{Target: "order/10"}), []int64{})
	t.equal("cancelled jobs", t.cancelBy(store.Filter{Before: ids[2]}), pick(ids, 0))
	t.status(ids[2], store.Pending)
}
