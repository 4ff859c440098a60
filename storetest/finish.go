package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

var finishChecks = []check{
	{"Complete leads to completed with the result", finishComplete},
	{"Complete without a result", finishWithoutResult},
	{"Retry leads to retrying until its time", finishRetry},
	{"Postpone leads to scheduled with the reason", finishPostpone},
	{"Fail leads to failed with the error", finishFail},
	{"Cancel leads to cancelled with the reason", finishCancel},
	{"Release leads to pending, untouched", finishRelease},
	{"Release gives back what an earlier attempt left", finishReleaseOfSecondAttempt},
	{"Retry for the past is retrying until promoted", finishRetryForThePast},
	{"only Complete, Retry, Fail and Cancel count as an attempt", finishCountsAttempts},
	{"attempts that did not complete are recorded", finishRecordsAttempts},
	{"attempts are kept oldest first", finishAttemptsOldestFirst},
	{"what the rules have counted comes back with the claim, until a person lets the job start over", finishCountsRetries},
	{"verdicts come in the order of the outcomes", finishVerdictsInOrder},
	{"a batch of every kind", finishMixedBatch},
	{"completions in any order keep what is theirs", finishInAnyOrder},
	{"an empty batch does nothing", finishNothing},
	{"the zero time is the database's clock", finishByDatabaseClock},
}

func finishComplete(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Complete))
	want := job
	want.Status, want.Result = store.Completed, []byte(`{"sent":true}`)
	t.finished(want)
	t.equal("attempts", t.attempts(job.ID), []store.Attempt{})
}

// finished compares a stored job with want, which has come to its end by the
// usual outcome.
func (t *trial) finished(want store.Job) {
	t.Helper()
	want.Token, want.StartedAt, want.FinishedAt = 0, startedAt, finishedAt
	got := t.get(want.ID)
	got.Token = 0
	t.equal("job", got, want)
}

func finishWithoutResult(t *trial) {
	job := t.running(plain())
	done := outcome(job, store.Complete)
	done.Result = nil
	t.accept(done)
	t.equal("result", len(t.get(job.ID).Result), 0)
}

func finishRetry(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Retry))
	got := t.get(job.ID)
	want := job
	want.Status, want.Error, want.NextRunAt, want.StartedAt = store.Retrying, "not now", dueAt, startedAt
	got.Token, want.Token = 0, 0
	t.equal("job", got, want)
}

func finishPostpone(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Postpone))
	got := t.get(job.ID)
	t.equal("status", got.Status, store.Scheduled)
	t.equal("reason", got.Reason, "not now")
	t.equal("error", got.Error, "")
	t.equal("time of the next run", got.NextRunAt, dueAt)
	t.equal("time asked for at enqueue", got.ScheduledAt, time.Time{})
	t.equal("attempt", got.Attempt, 0)
	t.equal("finished at", got.FinishedAt, time.Time{})
}

func finishFail(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Fail))
	want := job
	want.Status, want.Error = store.Failed, "broken"
	t.finished(want)
}

func finishCancel(t *trial) {
	job := t.running(plain())
	t.accept(outcome(job, store.Cancel))
	want := job
	want.Status, want.Error = store.Cancelled, "broken"
	t.finished(want)
}

func finishRelease(t *trial) {
	id := t.enqueue(plain())[0]
	before := t.whole(id)
	t.accept(outcome(t.claimOf(id, plain()), store.Release))
	t.equal("job", t.whole(id), before)
}

func finishReleaseOfSecondAttempt(t *trial) {
	id := t.jobIn(store.Retrying, plain())
	t.promoteAll()
	before := t.whole(id)
	t.accept(outcome(t.claimOf(id, plain()), store.Release))
	t.equal("job", visible(t.whole(id)), visible(before))
	t.equal("attempt", t.get(id).Attempt, 1)
}

// visible leaves out who ran a pending job last and when, which a store may
// forget when the job is released.
func visible(w whole) whole {
	w.Job.StartedAt, w.Job.ProcessID = time.Time{}, 0
	return w
}

func finishRetryForThePast(t *trial) {
	job := t.running(plain())
	soon := outcome(job, store.Retry)
	soon.RunAt = at(0)
	t.accept(soon)
	t.status(job.ID, store.Retrying)
	t.promoteAll()
	t.status(job.ID, store.Pending)
}

func finishCountsAttempts(t *trial) {
	counts := map[store.OutcomeKind]int{store.Complete: 1, store.Retry: 1, store.Fail: 1, store.Cancel: 1}
	for _, each := range kinds {
		queue := "queue of " + each.name
		job := t.running(inQueue(queue))
		t.equal("attempt while running", job.Attempt, 1)
		t.accept(outcome(job, each.kind))
		got := t.get(job.ID)
		t.equal("attempts after "+each.name, got.Attempt, counts[each.kind])
		t.equal("crashes after "+each.name, got.Crashes, 0)
	}
}

func finishRecordsAttempts(t *trial) {
	for kind, want := range map[store.OutcomeKind]store.AttemptOutcome{
		store.Retry: store.AttemptRetried, store.Postpone: store.AttemptPostponed,
		store.Fail: store.AttemptFailed, store.Cancel: store.AttemptCancelled,
	} {
		job := t.running(inQueue(string(want)))
		done := outcome(job, kind)
		t.accept(done)
		t.equal("attempts", t.attempts(job.ID), []store.Attempt{{
			JobID: job.ID, Number: 1, Outcome: want, ProcessID: worker,
			StartedAt: startedAt, FinishedAt: finishedAt, Error: done.Error, Stack: done.Stack,
		}})
	}
}

func finishAttemptsOldestFirst(t *trial) {
	id := t.enqueue(plain())[0]
	steps := []store.OutcomeKind{store.Retry, store.Postpone, store.Retry, store.Fail}
	for _, kind := range steps {
		t.accept(outcome(t.claimOf(id, plain()), kind))
		t.promoteAll()
	}
	var outcomes []store.AttemptOutcome
	var numbers []int
	for _, attempt := range t.attempts(id) {
		outcomes = append(outcomes, attempt.Outcome)
		numbers = append(numbers, attempt.Number)
	}
	t.equal("outcomes", outcomes, []store.AttemptOutcome{
		store.AttemptRetried, store.AttemptPostponed, store.AttemptRetried, store.AttemptFailed})
	t.equal("numbers", numbers, []int{1, 2, 2, 3})
	t.equal("attempts", t.get(id).Attempt, 3)
}

func finishCountsRetries(t *trial) {
	id := t.enqueue(plain())[0]
	attempt := func(kind store.OutcomeKind, want, counts map[string]int) {
		t.Helper()
		job := t.claimOf(id, plain())
		t.equal("claimed with", job.RuleRetries, want)
		done := outcome(job, kind)
		done.RuleRetries = counts
		t.accept(done)
		attempts := t.attempts(id)
		if last := attempts[len(attempts)-1]; kind == store.Retry {
			t.equal("recorded", last.RuleRetries, counts)
		} else {
			t.equal("recorded with another outcome", last.RuleRetries, map[string]int(nil))
		}
		t.promoteAll()
	}
	none, odd := map[string]int(nil), map[string]int{}
	for i, word := range words {
		odd[word] = i + 1
	}
	attempt(store.Postpone, none, odd)
	attempt(store.Retry, none, none)
	attempt(store.Retry, none, odd)
	t.accept(outcome(t.claimOf(id, plain()), store.Release))
	attempt(store.Postpone, odd, none)
	attempt(store.Retry, odd, map[string]int{"busy": 1_000_000})
	job := t.claimOf(id, plain())
	t.must("Leave", t.store.Leave(t.Context(), worker, finishedAt))
	t.join(worker, enqueuedAt)
	t.equal("an outcome after that", t.finish(outcome(job, store.Retry)), []store.Verdict{store.Superseded})
	attempt(store.Fail, map[string]int{"busy": 1_000_000}, odd)
	t.equal("retried", t.retry(one(id)), []int64{id})
	attempt(store.Retry, none, none)
	attempt(store.Complete, none, odd)
}

func finishVerdictsInOrder(t *trial) {
	t.join(worker, enqueuedAt)
	t.enqueue(many(6, plain())...)
	var outcomes []store.Outcome
	var want []store.Verdict
	for i, job := range t.claim(store.Demand{Limit: 6}) {
		done, verdict := outcome(job, store.Complete), store.Accepted
		if i%2 == 0 {
			done.Token, verdict = done.Token+1, store.Superseded
		}
		outcomes, want = append(outcomes, done), append(want, verdict)
	}
	outcomes[0], outcomes[5], want[0], want[5] = outcomes[5], outcomes[0], want[5], want[0]
	t.equal("verdicts", t.finish(outcomes...), want)
}

func finishMixedBatch(t *trial) {
	t.join(worker, enqueuedAt)
	t.enqueue(many(2*len(kinds), plain())...)
	var outcomes []store.Outcome
	for i, job := range t.claim(store.Demand{Limit: 2 * len(kinds)}) {
		outcomes = append(outcomes, outcome(job, kinds[i%len(kinds)].kind))
	}
	for _, verdict := range t.finish(outcomes...) {
		t.equal("verdict", verdict, store.Accepted)
	}
	for _, done := range outcomes {
		t.status(done.JobID, leadsTo[done.Kind])
	}
}

// finishInAnyOrder completes jobs last first, each with a result and times of its own.
// Among them are one under a token that is not its job's, one job's outcomes under a wrong
// token and the right one, and one that comes twice.
func finishInAnyOrder(t *trial) {
	t.join(worker, enqueuedAt)
	t.enqueue(many(6, plain())...)
	jobs := t.claim(store.Demand{Limit: 6})
	slices.Reverse(jobs)
	var outcomes []store.Outcome
	var verdicts []store.Verdict
	add := func(o store.Outcome, verdict store.Verdict) {
		outcomes, verdicts = append(outcomes, o), append(verdicts, verdict)
	}
	for i, job := range jobs {
		done, wrong := outcome(job, store.Complete), outcome(job, store.Complete)
		done.Result = fmt.Appendf(nil, `{"job":%d}`, job.ID)
		done.StartedAt, done.FinishedAt = startedAt.Add(time.Duration(i)*time.Second), finishedAt.Add(time.Duration(i)*time.Minute)
		wrong.Token++
		switch i {
		case 1:
			add(wrong, store.Superseded)
		case 2:
			add(wrong, store.Superseded)
			add(done, store.Accepted)
		case 4:
			add(done, store.Accepted)
			add(done, store.Repeated)
		default:
			add(done, store.Accepted)
		}
	}
	t.equal("verdicts", t.finish(outcomes...), verdicts)
	for i, o := range outcomes {
		if verdicts[i] != store.Accepted {
			continue
		}
		got := t.get(o.JobID)
		t.equal("result", string(got.Result), string(o.Result))
		t.equal("start", got.StartedAt, o.StartedAt)
		t.equal("end", got.FinishedAt, o.FinishedAt)
	}
	t.status(jobs[1].ID, store.Running)
}

// leadsTo is the status that an outcome leads to.
var leadsTo = map[store.OutcomeKind]store.JobStatus{
	store.Complete: store.Completed, store.Retry: store.Retrying, store.Postpone: store.Scheduled,
	store.Fail: store.Failed, store.Cancel: store.Cancelled, store.Release: store.Pending,
}

func finishNothing(t *trial) {
	verdicts, err := t.store.Finish(t.Context(), nil, finishedAt)
	t.must("Finish", err)
	t.equal("verdicts", len(verdicts), 0)
}

func finishByDatabaseClock(t *trial) {
	job := t.running(plain())
	done := outcome(job, store.Complete)
	verdicts, err := t.store.Finish(t.Context(), []store.Outcome{done}, time.Time{})
	t.must("Finish", err)
	t.equal("verdicts", verdicts, []store.Verdict{store.Accepted})
	t.status(job.ID, store.Completed)
}
