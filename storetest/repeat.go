package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

var repeatChecks = []check{
	{"an accepted outcome may be repeated, and is told so", repeatAccepted},
	{"an outcome may be repeated in one batch", repeatInOneBatch},
	{"a claim is not finished two ways", repeatOtherwise},
	{"a claim is not finished two ways in one batch", repeatOtherwiseInOneBatch},
	{"a released claim is over", repeatAfterRelease},
	{"a stale token is superseded", staleToken},
	{"the token of an earlier claim is superseded", staleEarlierClaim},
	{"the token of a recovered claim is superseded", staleRecoveredClaim},
	{"the token of another job is superseded", staleOtherJob},
	{"the token of a deleted job is superseded", staleDeletedJob},
	{"in a batch each outcome is judged by itself", repeatMixedBatch},
	{"a job that was never claimed has no token", staleNeverClaimed},
	{"a job that does not exist is superseded", staleUnknownJob},
}

// repeatable are the kinds whose repetition is known. A released job is
// pending, as if the claim had never been, and so keeps no trace of its token.
var repeatable = []store.OutcomeKind{store.Complete, store.Retry, store.Postpone, store.Fail, store.Cancel}

func repeatAccepted(t *trial) {
	for _, kind := range repeatable {
		job := t.running(plain())
		done := outcome(job, kind)
		t.accept(done)
		before := t.whole(job.ID)
		for range 2 {
			t.equal("verdict", t.finish(done)[0], store.Repeated)
		}
		t.equal("job after a repeated outcome", t.whole(job.ID), before)
	}
}

func repeatInOneBatch(t *trial) {
	for _, kind := range repeatable {
		job := t.running(plain())
		done := outcome(job, kind)
		t.equal("verdicts", t.finish(done, done), []store.Verdict{store.Accepted, store.Repeated})
		got := t.get(job.ID)
		t.equal("status", got.Status, leadsTo[kind])
		if rows := len(t.attempts(job.ID)); rows > 1 {
			t.Fatalf("a repeated outcome left %d attempts", rows)
		}
	}
}

// repeatMixedBatch: jobs that complete share a batch with one that is to stop, one that
// fails, one of a stale token, one that has finished, and one that does not exist.
func repeatMixedBatch(t *trial) {
	var done []store.Outcome
	for range 6 {
		done = append(done, outcome(t.running(plain()), store.Complete))
	}
	t.cancel(done[1].JobID)
	done[2].Kind, done[2].Error = store.Fail, "it failed"
	done[3].Token++
	t.accept(done[4])
	unknown := done[5]
	unknown.JobID += 1000
	t.equal("verdicts", t.finish(append(done, unknown)...), []store.Verdict{
		store.Accepted, store.Accepted, store.Accepted, store.Superseded, store.Repeated, store.Accepted, store.Superseded})
	for i, want := range []store.JobStatus{store.Completed, store.Cancelled, store.Failed, store.Running, store.Completed, store.Completed} {
		t.equal("status", t.get(done[i].JobID).Status, want)
	}
	t.equal("completed", t.stats().Counts[store.Completed], int64(3))
}

func repeatOtherwise(t *trial) {
	for _, first := range kinds {
		for _, second := range kinds {
			job := t.running(inQueue(first.name + second.name))
			t.accept(outcome(job, first.kind))
			before := t.whole(job.ID)
			other := outcome(job, second.kind)
			other.Error, other.FinishedAt, other.RunAt = "another story", at(3*time.Minute), at(5*time.Hour)
			t.finish(other)
			t.equal("job after "+first.name+" and then "+second.name, t.whole(job.ID), before)
		}
	}
}

func repeatOtherwiseInOneBatch(t *trial) {
	job := t.running(plain())
	t.finish(outcome(job, store.Complete), outcome(job, store.Fail))
	got := t.get(job.ID)
	t.equal("attempt", got.Attempt, 1)
	switch got.Status {
	case store.Completed:
		t.equal("attempts of a completed job", len(t.attempts(job.ID)), 0)
	case store.Failed:
		t.equal("attempts of a failed job", len(t.attempts(job.ID)), 1)
		t.equal("result of a failed job", len(got.Result), 0)
	default:
		t.Fatalf("job is %s after Complete and Fail", got.Status)
	}
}

func repeatAfterRelease(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Release))
	t.refuse(outcome(job, store.Complete))
}

func staleToken(t *trial) {
	for _, each := range kinds {
		job := t.running(inQueue(each.name))
		stale := outcome(job, each.kind)
		stale.Token++
		t.refuse(stale)
		stale.Token = 0
		t.refuse(stale)
		stale.Token = -job.Token
		t.refuse(stale)
	}
}

func staleEarlierClaim(t *trial) {
	first := t.running(plain())
	t.accept(outcome(first, store.Release))
	second := t.claimOf(first.ID, plain())
	for _, each := range kinds {
		t.refuse(outcome(first, each.kind))
	}
	t.accept(outcome(second, store.Complete))
	for _, each := range kinds {
		t.refuse(outcome(first, each.kind))
	}
}

func staleRecoveredClaim(t *trial) {
	job := t.running(plain())
	t.recover(silent(worker, 0))
	for _, each := range kinds {
		t.refuse(outcome(job, each.kind))
	}
}

func staleOtherJob(t *trial) {
	mine, other := t.running(inQueue("a")), t.running(inQueue("b"))
	for _, each := range kinds {
		swapped := outcome(mine, each.kind)
		swapped.Token = other.Token
		t.refuse(swapped)
	}
}

func staleDeletedJob(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Complete))
	_, err := t.store.Delete(t.Context(), store.Filter{IDs: []int64{job.ID}}, nil)
	t.must("Delete", err)
	t.equal("verdicts", t.finish(outcome(job, store.Complete)), []store.Verdict{store.Superseded})
	t.equal("jobs", t.list(store.Filter{}), []int64{})
}

func staleNeverClaimed(t *trial) {
	for _, status := range []store.JobStatus{store.Scheduled, store.Pending} {
		id := t.jobIn(status, plain())
		for _, each := range kinds {
			t.refuse(outcome(store.Job{ID: id}, each.kind))
			t.refuse(outcome(store.Job{ID: id, Token: 5}, each.kind))
		}
	}
}

func staleUnknownJob(t *trial) {
	for _, id := range []int64{-1, 0, 404, 1<<63 - 1} {
		verdicts := t.finish(outcome(store.Job{ID: id, Token: 5}, store.Complete))
		t.equal("verdicts", verdicts, []store.Verdict{store.Superseded})
	}
}
