package storetest

import (
	"time"

	"github.com/laterjobs/later/store"
)

var promoteChecks = []check{
	{"due jobs become pending", promoteDue},
	{"a job is due at its time, not before", promoteAtItsTime},
	{"retrying and postponed jobs too", promoteEveryWait},
	{"the limit holds, earliest due first", promoteLimit},
	{"promoted jobs are claimed in the order of their times", promoteOrder},
	{"next is when the next waiting job is due", promoteNext},
	{"nothing waits", promoteNothing},
}

func (t *trial) promote(limit int, now time.Time) store.Promoted {
	t.Helper()
	promoted, err := t.store.Promote(t.Context(), limit, now)
	t.must("Promote", err)
	return promoted
}

func (t *trial) promoteAll() {
	t.Helper()
	t.promote(1000, at(24*time.Hour))
}

func promoteDue(t *trial) {
	ids := t.enqueue(dueIn(time.Hour), dueIn(2*time.Hour), dueIn(3*time.Hour))
	t.equal("promoted", t.promote(10, at(2*time.Hour)), store.Promoted{Count: 2, Next: at(3 * time.Hour)})
	for i, status := range []store.JobStatus{store.Pending, store.Pending, store.Scheduled} {
		t.status(ids[i], status)
	}
	got := t.get(ids[0])
	t.equal("time of the next run", got.NextRunAt, time.Time{})
	t.equal("time asked for", got.ScheduledAt, at(time.Hour))
}

func promoteAtItsTime(t *trial) {
	id := t.enqueue(dueIn(time.Hour))[0]
	t.equal("promoted", t.promote(10, at(time.Hour-time.Microsecond)), store.Promoted{Next: at(time.Hour)})
	t.status(id, store.Scheduled)
	t.equal("promoted", t.promote(10, at(time.Hour)), store.Promoted{Count: 1})
	t.status(id, store.Pending)
}

func promoteEveryWait(t *trial) {
	retrying, postponed := t.running(inQueue("a")), t.running(inQueue("b"))
	t.accept(outcome(retrying, store.Retry))
	t.accept(outcome(postponed, store.Postpone))
	scheduled := t.enqueue(dueIn(time.Hour))[0]
	t.equal("promoted", t.promote(10, dueAt).Count, 3)
	for id, attempt := range map[int64]int{retrying.ID: 1, postponed.ID: 0, scheduled: 0} {
		got := t.get(id)
		t.equal("status", got.Status, store.Pending)
		t.equal("attempt", got.Attempt, attempt)
		t.equal("reason", got.Reason, "")
		t.equal("time of the next run", got.NextRunAt, time.Time{})
	}
}

func promoteLimit(t *trial) {
	ids := t.enqueue(dueIn(3*time.Hour), dueIn(time.Hour), dueIn(2*time.Hour))
	for step, position := range []int{1, 2, 0} {
		promoted := t.promote(1, at(4*time.Hour))
		t.equal("count", promoted.Count, 1)
		t.status(ids[position], store.Pending)
		t.equal("still scheduled", t.stats().Counts[store.Scheduled], int64(2-step))
	}
	t.equal("promoted", t.promote(1, at(4*time.Hour)), store.Promoted{})
}

func promoteOrder(t *trial) {
	ids := t.enqueue(dueIn(3*time.Hour), dueIn(time.Hour), dueIn(2*time.Hour), dueIn(time.Hour))
	t.promote(2, at(4*time.Hour))
	t.promote(2, at(4*time.Hour))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 4}), pick(ids, 1, 3, 2, 0))
}

func promoteNext(t *trial) {
	t.enqueue(dueIn(5*time.Hour), dueIn(2*time.Hour), dueIn(time.Hour))
	t.equal("promoted", t.promote(10, at(time.Minute)), store.Promoted{Next: at(time.Hour)})
	t.equal("promoted, more is due", t.promote(1, at(3*time.Hour)), store.Promoted{Count: 1, Next: at(2 * time.Hour)})
	t.equal("promoted", t.promote(10, at(3*time.Hour)), store.Promoted{Count: 1, Next: at(5 * time.Hour)})
}

func promoteNothing(t *trial) {
	t.equal("promoted", t.promote(10, at(time.Hour)), store.Promoted{})
	for _, status := range []store.JobStatus{store.Completed, store.Failed, store.Cancelled, store.Pending} {
		t.jobIn(status, inQueue(string(status)))
	}
	t.equal("promoted", t.promote(10, at(100*time.Hour)), store.Promoted{})
}

var pruneChecks = []check{
	{"finished jobs go when their time is over", pruneByRetention},
	{"each status has its own retention", pruneEachStatus},
	{"a negative retention keeps for ever", pruneNever},
	{"unfinished jobs stay", pruneLeavesUnfinished},
	{"pages lead through all of them", prunePages},
	{"pages lead past jobs that stay", prunePagesPastYoungJobs},
	{"the history goes too", pruneHistory},
	{"ids are not given again", idsOfPruned},
	{"nothing to prune", pruneNothing},
}

const day = 24 * time.Hour

func keepAll(d time.Duration) store.Retention {
	return store.Retention{Completed: d, Failed: d, Cancelled: d}
}

// pruneAll follows the pages to their end and returns how many jobs went.
func (t *trial) pruneAll(keep store.Retention, limit int, now time.Time) int {
	t.Helper()
	total, after := 0, int64(0)
	for range 1000 {
		deleted, next, err := t.store.Prune(t.Context(), keep, after, limit, now)
		t.must("Prune", err)
		if deleted > limit {
			t.Fatalf("Prune deleted %d jobs, the limit is %d", deleted, limit)
		}
		total += deleted
		if next == 0 {
			return total
		}
		if next <= after {
			t.Fatalf("Prune after %d goes on at %d", after, next)
		}
		after = next
	}
	t.Fatal("the pages of Prune do not end")
	return total
}

// exists tells whether a job is still there.
func (t *trial) exists(id int64) bool {
	t.Helper()
	return len(t.list(store.Filter{IDs: []int64{id}})) == 1
}

func pruneByRetention(t *trial) {
	id := t.jobIn(store.Completed, plain())
	t.equal("pruned too early", t.pruneAll(keepAll(day), 10, finishedAt.Add(day-time.Second)), 0)
	t.status(id, store.Completed)
	t.equal("pruned", t.pruneAll(keepAll(day), 10, finishedAt.Add(day+time.Second)), 1)
	t.unknown(id)
}

func pruneEachStatus(t *trial) {
	ids := t.oneOfEach()
	keep := store.Retention{Completed: day, Failed: 2 * day, Cancelled: 3 * day}
	for days, status := range []store.JobStatus{store.Completed, store.Failed, store.Cancelled} {
		now := finishedAt.Add(time.Duration(days+1)*day + time.Second)
		t.equal("pruned", t.pruneAll(keep, 10, now), 1)
		t.unknown(ids[status])
	}
}

func pruneNever(t *trial) {
	t.oneOfEach()
	t.equal("pruned", t.pruneAll(keepAll(-1), 10, at(100*365*day)), 0)
	keep := store.Retention{Completed: -1, Failed: time.Hour, Cancelled: -time.Hour}
	t.equal("pruned", t.pruneAll(keep, 10, at(100*365*day)), 1)
}

func pruneLeavesUnfinished(t *trial) {
	ids := t.oneOfEach()
	t.equal("pruned", t.pruneAll(keepAll(0), 10, time.Date(9000, time.January, 1, 0, 0, 0, 0, time.UTC)), 3)
	for status, id := range ids {
		t.equal(string(status)+" job is still there", t.exists(id), !status.Finished())
	}
}

func (t *trial) completeMany(count int) []int64 {
	t.Helper()
	t.knowWorker()
	ids := t.enqueue(many(count, plain())...)
	for _, job := range t.claim(store.Demand{Queues: map[string]int{"default": count}, Limit: count}) {
		t.accept(outcome(job, store.Complete))
	}
	return ids
}

func idsOfPruned(t *trial) {
	t.knowWorker()
	t.neverAgain(func() {
		for _, job := range t.claim(store.Demand{Limit: 9}) {
			t.accept(outcome(job, store.Complete))
		}
		t.pruneAll(keepAll(0), 10, finishedAt.Add(day))
		t.equal("jobs", t.list(store.Filter{}), []int64{})
	})
}

func prunePages(t *trial) {
	t.completeMany(7)
	t.equal("pruned", t.pruneAll(keepAll(day), 2, finishedAt.Add(2*day)), 7)
	t.equal("jobs", t.list(store.Filter{}), []int64{})
}

// prunePagesPastYoungJobs: a page full of jobs that stay must not hide the
// jobs behind it.
func prunePagesPastYoungJobs(t *trial) {
	stay := []int64{}
	for range 5 {
		stay = append(stay, t.jobIn(store.Failed, plain()))
	}
	waits := t.enqueue(many(3, inQueue("waits"))...)
	t.completeMany(5)
	keep := store.Retention{Completed: day, Failed: 9 * day, Cancelled: day}
	t.equal("pruned", t.pruneAll(keep, 2, finishedAt.Add(2*day)), 5)
	t.equal("jobs", t.list(store.Filter{}), reversed(append(stay, waits...)))
}

func pruneHistory(t *trial) {
	job := t.running(plain())
	t.report(store.Report{JobID: job.ID, Token: job.Token, Progress: progress(1), Lines: []store.LogLine{line("x")}})
	t.accept(outcome(job, store.Fail))
	t.equal("pruned", t.pruneAll(keepAll(day), 10, finishedAt.Add(2*day)), 1)
	t.forgotten(job.ID)
}

func pruneNothing(t *trial) {
	t.equal("pruned", t.pruneAll(keepAll(day), 10, at(100*day)), 0)
}
