package storetest

import (
	"github.com/laterjobs/later/store"
)

// outcome ends the claim of job with everything that its kind may carry.
func outcome(job store.Job, kind store.OutcomeKind) store.Outcome {
	o := store.Outcome{
		JobID: job.ID, Token: job.Token, Kind: kind, Unique: job.Options.KeptUntilDone(),
		StartedAt: startedAt, FinishedAt: finishedAt,
	}
	switch kind {
	case store.Complete:
		o.Result = []byte(`{"sent":true}`)
	case store.Retry, store.Postpone:
		o.RunAt, o.Error = dueAt, "not now"
	case store.Fail, store.Cancel:
		o.Error, o.Stack = "broken", "main.go:1"
	}
	return o
}

// kinds are all outcome kinds, by name.
var kinds = []struct {
	name string
	kind store.OutcomeKind
}{
	{"Complete", store.Complete},
	{"Retry", store.Retry},
	{"Postpone", store.Postpone},
	{"Fail", store.Fail},
	{"Cancel", store.Cancel},
	{"Release", store.Release},
}

// reachable are the statuses that the verbs of a store can produce. Nothing
// blocks jobs yet.
var reachable = []store.JobStatus{
	store.Scheduled, store.Pending, store.Running, store.Retrying,
	store.Completed, store.Failed, store.Cancelled,
}

// running enqueues a job and claims it for the worker, which joins if it is
// the first. Nothing else in the job's queue may be pending.
func (t *trial) running(job store.NewJob) store.Job {
	t.Helper()
	id := t.enqueue(job)[0]
	return t.claimOf(id, job)
}

// claimOf claims the pending job id, which was enqueued as job.
func (t *trial) claimOf(id int64, job store.NewJob) store.Job {
	t.Helper()
	t.knowWorker()
	demand := store.Demand{Types: []string{job.Type}, Queues: map[string]int{job.Queue: 1}, Limit: 1}
	demand.Suspects = t.get(id).Crashes >= store.SuspectAfter
	claimed := t.claim(demand)
	t.equal("claimed jobs", idsOf(claimed), []int64{id})
	return claimed[0]
}

func (t *trial) knowWorker() {
	t.Helper()
	processes, err := t.store.Processes(t.Context())
	t.must("Processes", err)
	for _, process := range processes {
		if process.ID == worker {
			return
		}
	}
	t.join(worker, enqueuedAt)
}

// jobIn brings a new job to status by the shortest way.
func (t *trial) jobIn(status store.JobStatus, job store.NewJob) int64 {
	t.Helper()
	switch status {
	case store.Scheduled:
		job.RunAt = dueAt
		return t.enqueue(job)[0]
	case store.Pending:
		return t.enqueue(job)[0]
	}
	claimed := t.running(job)
	if kind, finished := kindFor[status]; finished {
		t.accept(outcome(claimed, kind))
	}
	return claimed.ID
}

// kindFor is the outcome that leads to a status.
var kindFor = map[store.JobStatus]store.OutcomeKind{
	store.Retrying:  store.Retry,
	store.Completed: store.Complete,
	store.Failed:    store.Fail,
	store.Cancelled: store.Cancel,
}

// oneOfEach makes a job in every reachable status. The pending one comes last
// so that no other claim meets it.
func (t *trial) oneOfEach() map[store.JobStatus]int64 {
	t.Helper()
	ids := map[store.JobStatus]int64{}
	for _, status := range reachable {
		if status != store.Pending {
			ids[status] = t.jobIn(status, plain())
		}
	}
	ids[store.Pending] = t.jobIn(store.Pending, plain())
	return ids
}
