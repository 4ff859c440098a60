package storetest

import (
	"slices"
	"strconv"
	"time"

	"github.com/laterjobs/later/store"
)

var statsChecks = []check{
	{"every status is counted, absent ones as zero", statsEmpty},
	{"counts per status", statsCounts},
	{"queues by name", statsQueues},
	{"the oldest pending job", statsOldest},
	{"counts follow a job through its life", statsFollow},
	{"counting ends early", statsBounded},
	{"many queues are counted less far", statsManyQueues},
}

// noJobs are the counts of a store without jobs.
func noJobs() map[store.JobStatus]int64 {
	counts := map[store.JobStatus]int64{}
	for _, status := range store.Statuses {
		counts[status] = 0
	}
	return counts
}

func statsEmpty(t *trial) {
	t.equal("counts", t.stats().Counts, noJobs())
	t.equal("number of queues", len(t.stats().Queues), 0)
}

func statsCounts(t *trial) {
	t.oneOfEach()
	t.enqueue(plain(), plain(), dueIn(time.Hour))
	want := noJobs()
	for _, status := range reachable {
		want[status] = 1
	}
	want[store.Pending], want[store.Scheduled] = 3, 2
	t.equal("counts", t.stats().Counts, want)
}

func statsQueues(t *trial) {
	later := inQueue("b")
	later.RunAt = dueAt
	t.jobIn(store.Retrying, inQueue("b"))
	t.running(inQueue("c"))
	t.enqueue(inQueue("b"), later, inQueue("a"), inQueue("a"))
	t.equal("queues", t.stats().Queues, []store.QueueStats{
		{Name: "a", Pending: 2, Oldest: enqueuedAt},
		{Name: "b", Pending: 1, Scheduled: 2, Oldest: enqueuedAt},
		{Name: "c", Running: 1},
	})
}

func statsOldest(t *trial) {
	urgent := withPriority(5)
	t.enqueueAt(at(time.Hour), plain())
	t.enqueueAt(at(2*time.Hour), urgent)
	t.equal("oldest", t.queueStats("default").Oldest, at(time.Hour))
	t.claim(store.Demand{Limit: 1})
	t.equal("oldest", t.queueStats("default").Oldest, at(time.Hour))
	t.claim(store.Demand{Limit: 1})
	t.equal("oldest", t.queueStats("default").Oldest, time.Time{})
}

// statsBounded: one job fewer is counted exactly, and the oldest is found behind all of
// those that are counted.
func statsBounded(t *trial) {
	patient := withPriority(-5)
	t.enqueueAt(enqueuedAt, patient)
	t.enqueueAt(at(time.Hour), copies(store.CountedTo-2, plain())...)
	want := store.QueueStats{Name: "default", Pending: store.CountedTo - 1, Oldest: enqueuedAt}
	t.equal("queue", t.queueStats("default"), want)
	t.equal("more", len(t.stats().More), 0)
	t.enqueueAt(at(time.Hour), plain(), plain())
	soon := inQueue("soon")
	soon.RunAt = at(time.Hour)
	late := inQueue("late")
	late.RunAt = at(2 * time.Hour)
	t.enqueueAt(enqueuedAt, append(copies(store.CountedTo, late), soon)...)
	want.Pending, want.PendingMore, want.ScheduledMore = store.CountedTo, true, true
	t.equal("queue", t.queueStats("default"), want)
	t.equal("due next", t.queueStats("soon").Scheduled, int64(1))
	t.equal("due later", t.queueStats("late").Scheduled, int64(store.CountedTo-1))
	stats := t.stats()
	t.equal("pending", stats.Counts[store.Pending], int64(store.CountedTo))
	t.equal("scheduled", stats.Counts[store.Scheduled], int64(store.CountedTo))
	t.equal("more", stats.More, map[store.JobStatus]bool{store.Pending: true, store.Scheduled: true, store.Retrying: true})
}

func statsManyQueues(t *trial) {
	var jobs []store.NewJob
	for i := range 600 {
		jobs = append(jobs, inQueue(strconv.Itoa(i)))
	}
	t.enqueue(append(jobs, copies(100, inQueue("7"))...)...)
	want := store.QueueStats{Name: "7", Pending: 100, PendingMore: true, Oldest: enqueuedAt}
	t.equal("queue", t.queueStats("7"), want)
	t.equal("pending", t.stats().Counts[store.Pending], int64(699))
}

func copies(n int, job store.NewJob) []store.NewJob { return slices.Repeat([]store.NewJob{job}, n) }

// statsFollow: exactly one job is counted, wherever it stands.
func statsFollow(t *trial) {
	id := t.enqueue(dueIn(time.Hour))[0]
	t.onlyOne(store.Scheduled)
	t.promoteAll()
	t.onlyOne(store.Pending)
	job := t.claimOf(id, plain())
	t.onlyOne(store.Running)
	t.accept(outcome(job, store.Retry))
	t.onlyOne(store.Retrying)
	t.retry(one(id))
	t.onlyOne(store.Pending)
	t.accept(outcome(t.claimOf(id, plain()), store.Fail))
	t.onlyOne(store.Failed)
	t.retry(one(id))
	t.cancel(id)
	t.onlyOne(store.Cancelled)
	t.delete(one(id))
	t.equal("counts", t.stats().Counts, noJobs())
}

func (t *trial) onlyOne(status store.JobStatus) {
	t.Helper()
	want := noJobs()
	want[status] = 1
	t.equal("counts", t.stats().Counts, want)
}

var typesChecks = []check{
	{"Join publishes the types", typesPublished},
	{"the last word counts", typesPublishedAgain},
	{"types are listed by name", typesByName},
}

func (t *trial) types() []store.JobType {
	t.Helper()
	types, err := t.store.Types(t.Context())
	t.must("Types", err)
	return types
}

// publish joins a process with types.
func (t *trial) publish(process int64, now time.Time, types ...store.JobType) {
	t.Helper()
	p := aProcess(process, now)
	p.Types = types
	t.must("Join", t.store.Join(t.Context(), p, now))
}

func aType(name string) store.JobType {
	return store.JobType{
		Name: name, Description: "Sends 'mail'", Queue: "mailers", Priority: -3, MaxRetries: 7,
		Timeout: 90 * time.Second, Schema: []byte(`{"type":"object"}`), StartWithin: time.Hour, FinishWithin: time.Minute,
		Unique: &store.UniqueRule{By: store.UniqueByArgs, Scope: store.UniquePeriod, Period: time.Hour, OnConflict: store.ConflictFail},
	}
}

func typesPublished(t *trial) {
	t.equal("number of types", len(t.types()), 0)
	bare := store.JobType{Name: "Bare", Queue: "default"}
	t.publish(worker, claimedAt, aType("Mail"), bare)
	want := []store.JobType{bare, aType("Mail")}
	want[0].SeenAt, want[1].SeenAt = claimedAt, claimedAt
	t.equal("types", t.types(), want)
	t.equal("types of the process", len(t.processes()[0].Types), 0)
}

func typesPublishedAgain(t *trial) {
	t.publish(worker, claimedAt, aType("Mail"), aType("Old"))
	changed := aType("Mail")
	changed.Description, changed.Priority, changed.Schema = "Sends more mail", 4, nil
	t.publish(helper, dueAt, changed)
	changed.SeenAt = dueAt
	old := aType("Old")
	old.SeenAt = claimedAt
	t.equal("types", t.types(), []store.JobType{changed, old})
}

func typesByName(t *trial) {
	t.publish(worker, claimedAt, aType("b"), aType("a"))
	t.publish(helper, claimedAt, aType("c"), aType("B"))
	names := []string{}
	for _, each := range t.types() {
		names = append(names, each.Name)
	}
	t.equal("types", names, []string{"B", "a", "b", "c"})
}
