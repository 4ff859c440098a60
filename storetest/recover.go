package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

var recoverChecks = []check{
	{"a silent process is declared dead", recoverSilent},
	{"a beat in between saves the process", recoverComparesBeat},
	{"a process that is not named lives on", recoverNobody},
	{"an unknown process is no error", recoverUnknown},
	{"several processes at once", recoverSeveral},
	{"claims of a process that nobody knows are taken back", recoverStrangersClaims},
	{"a crash burns no attempt and is recorded", recoverBurnsNoAttempt},
	{"a recovered job can be claimed and completed", recoverThenComplete},
	{"a job that crashes too many processes fails", recoverCrashLimit},
	{"a job that was asked to cancel is cancelled", recoverCancelled},
	{"finished and waiting jobs of the dead stay", recoverLeavesTheRest},
}

func silent(process, beat int64) store.Silent {
	return store.Silent{ProcessID: process, Beat: beat}
}

func (t *trial) recover(dead ...store.Silent) []store.Recovered {
	t.Helper()
	recovered, err := t.store.Recover(t.Context(), dead, at(3*time.Minute))
	t.must("Recover", err)
	return recovered
}

func recoverSilent(t *trial) {
	job := t.running(plain())
	t.beat(worker, claimedAt)
	recovered := t.recover(silent(worker, t.processes()[0].Beat))
	t.equal("recovered jobs", recovered, []store.Recovered{
		{JobID: job.ID, ProcessID: worker, Type: "Mail", Status: store.Pending, Crashes: 1},
	})
	t.equal("number of processes", len(t.processes()), 0)
	t.gone(worker)
	t.equal("recovered again", t.recover(silent(worker, 1)), []store.Recovered{})
}

func recoverComparesBeat(t *trial) {
	job := t.running(plain())
	seen := t.processes()[0].Beat
	t.beat(worker, claimedAt)
	t.equal("recovered jobs", t.recover(silent(worker, seen), silent(worker, seen+100)), []store.Recovered{})
	t.status(job.ID, store.Running)
	t.beat(worker, finishedAt)
	t.accept(outcome(job, store.Complete))
}

func recoverNobody(t *trial) {
	job := t.running(plain())
	t.equal("recovered jobs", t.recover(), []store.Recovered{})
	t.status(job.ID, store.Running)
}

func recoverUnknown(t *trial) {
	job := t.running(plain())
	t.equal("recovered jobs", t.recover(silent(404, 0)), []store.Recovered{})
	t.status(job.ID, store.Running)
}

func recoverSeveral(t *trial) {
	t.join(worker, enqueuedAt)
	t.join(helper, enqueuedAt)
	t.join(33, enqueuedAt)
	ids := t.enqueue(many(5, plain())...)
	t.claim(store.Demand{Limit: 2})
	t.claim(store.Demand{ProcessID: helper, Limit: 2})
	t.claim(store.Demand{ProcessID: 33, Limit: 1})
	back := map[int64]int64{}
	for _, one := range t.recover(silent(worker, 0), silent(33, 0)) {
		back[one.JobID] = one.ProcessID
	}
	t.equal("recovered jobs", back, map[int64]int64{ids[0]: worker, ids[1]: worker, ids[4]: 33})
	t.status(ids[2], store.Running)
	t.equal("number of processes", len(t.processes()), 1)
}

func recoverStrangersClaims(t *trial) {
	job := t.running(inQueue("known"))
	id := t.enqueue(plain())[0]
	stranger := t.claim(store.Demand{ProcessID: 404, Limit: 1})[0]
	t.equal("recovered jobs", t.recover(), []store.Recovered{
		{JobID: id, ProcessID: 404, Type: "Mail", Status: store.Pending, Crashes: 1},
	})
	t.status(job.ID, store.Running)
	t.refuse(outcome(stranger, store.Complete))
}

func recoverBurnsNoAttempt(t *trial) {
	id := t.jobIn(store.Retrying, plain())
	t.promoteAll()
	t.claimOf(id, plain())
	t.recover(silent(worker, 0))
	got := t.get(id)
	t.equal("status", got.Status, store.Pending)
	t.equal("attempt", got.Attempt, 1)
	t.equal("crashes", got.Crashes, 1)
	t.equal("error of the last attempt that failed", got.Error, "not now")
	attempts := t.attempts(id)
	t.equal("number of attempts", len(attempts), 2)
	crash := attempts[1]
	t.equal("outcome", crash.Outcome, store.AttemptCrashed)
	t.equal("number", crash.Number, 2)
	t.equal("process", crash.ProcessID, worker)
	t.equal("finished at", crash.FinishedAt, at(3*time.Minute))
}

func recoverThenComplete(t *trial) {
	job := t.running(plain())
	t.recover(silent(worker, 0))
	again := t.claimOf(job.ID, plain())
	t.equal("attempt", again.Attempt, 1)
	t.equal("crashes", again.Crashes, 1)
	t.accept(outcome(again, store.Complete))
	got := t.get(job.ID)
	t.equal("attempt", got.Attempt, 1)
	t.equal("crashes", got.Crashes, 1)
}

func recoverCrashLimit(t *trial) {
	id := t.enqueue(plain())[0]
	for crash := 1; crash < store.MaxCrashes; crash++ {
		t.claimOf(id, plain())
		recovered := t.recover(silent(worker, 0))
		t.equal("crashes", recovered[0].Crashes, crash)
		t.status(id, store.Pending)
	}
	t.claimOf(id, plain())
	t.equal("recovered jobs", t.recover(silent(worker, 0)), []store.Recovered{
		{JobID: id, ProcessID: worker, Type: "Mail", Status: store.Failed, Crashes: store.MaxCrashes},
	})
	got := t.get(id)
	t.equal("status", got.Status, store.Failed)
	t.equal("error", got.Error, store.CrashedReason)
	t.equal("crashes", got.Crashes, store.MaxCrashes)
	t.equal("attempt", got.Attempt, 0)
	t.equal("finished at", got.FinishedAt, at(3*time.Minute))
	t.equal("attempts recorded", len(t.attempts(id)), store.MaxCrashes)
}

func recoverCancelled(t *trial) {
	job := t.running(plain())
	t.cancel(job.ID)
	t.equal("recovered jobs", t.recover(silent(worker, 0)), []store.Recovered{
		{JobID: job.ID, ProcessID: worker, Type: "Mail", Status: store.Cancelled, Crashes: 1},
	})
	got := t.get(job.ID)
	t.equal("status", got.Status, store.Cancelled)
	t.equal("reason", got.Error, "no longer needed")
	t.equal("cancel requested", got.CancelRequested, false)
	t.equal("finished at", got.FinishedAt, at(3*time.Minute))
}

func recoverLeavesTheRest(t *trial) {
	ids := t.oneOfEach()
	before := map[store.JobStatus]whole{}
	for status, id := range ids {
		before[status] = t.whole(id)
	}
	t.equal("number of recovered jobs", len(t.recover(silent(worker, 0))), 1)
	for status, id := range ids {
		if status != store.Running {
			t.equal("job that was "+string(status), t.whole(id), before[status])
		}
	}
}
