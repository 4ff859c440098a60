package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/laterjobs/later/store"
)

var claimChecks = []check{
	{"first in first out", claimFirstInFirstOut},
	{"higher priority first", claimPriorityFirst},
	{"one order across queues", claimOrderAcrossQueues},
	{"one order across claims", claimOrderAcrossClaims},
	{"one order of many queues, claim after claim", claimManyQueues},
	{"a released job keeps its place in line", claimReleasedKeepsPlace},
	{"limits per queue", claimQueueLimits},
	{"a limit overall", claimOverallLimit},
	{"both limits at once", claimBothLimits},
	{"nil queues means every queue", claimNilQueues},
	{"queues that are not named are not served", claimNamedQueuesOnly},
	{"a limit of zero claims nothing", claimZeroLimits},
	{"more than there is", claimMoreThanThereIs},
	{"types that the process cannot perform wait", claimLeavesOtherTypes},
	{"no types claims nothing", claimNoTypes},
	{"a paused queue is left alone", claimPausedQueue},
	{"the whole claimed job", claimReturnsWholeJob},
	{"one token for the whole claim", claimOneToken},
	{"a claimed job is not claimed again", claimOnce},
	{"never before the time asked for", claimNeverEarly},
	{"a later attempt counts on", claimCountsOn},
	{"a process that nobody knows may claim", claimByStranger},
}

// claimIDs claims and returns the ids in the order of the answer.
func (t *trial) claimIDs(d store.Demand) []int64 {
	t.Helper()
	return idsOf(t.claim(d))
}

// pick returns the elements of ids at the positions given.
func pick(ids []int64, positions ...int) []int64 {
	picked := make([]int64, len(positions))
	for i, position := range positions {
		picked[i] = ids[position]
	}
	return picked
}

func claimFirstInFirstOut(t *trial) {
	ids := append(t.enqueue(many(3, plain())...), t.enqueue(many(3, plain())...)...)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 6}), ids)
}

func claimPriorityFirst(t *trial) {
	ids := t.enqueue(withPriority(0), withPriority(-5), withPriority(10), withPriority(0),
		withPriority(10), withPriority(32767), withPriority(-32768))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 7}), pick(ids, 5, 2, 4, 0, 3, 1, 6))
}

func claimOrderAcrossQueues(t *trial) {
	high := inQueue("c")
	high.Priority = 9
	ids := t.enqueue(inQueue("b"), inQueue("a"), high, inQueue("c"), inQueue("b"))
	queues := map[string]int{"a": 5, "b": 5, "c": 5}
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: queues, Limit: 3}), pick(ids, 2, 0, 1))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 3}), pick(ids, 3, 4))
}

func claimOrderAcrossClaims(t *trial) {
	ids := t.enqueue(plain(), plain(), withPriority(1), plain())
	for _, position := range []int{2, 0, 1, 3} {
		t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 1}), pick(ids, position))
	}
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 1}), []int64{})
}

// claimManyQueues: a store may look only as far into each line as it expects to take,
// which is different where a queue got many jobs at once and where each got some.
func claimManyQueues(t *trial) {
	const queues = 12
	var jobs []store.NewJob
	add := func(queue, priority, count int) {
		job := inQueue("queue " + strconv.Itoa(queue%queues))
		job.Priority = priority
		jobs = append(jobs, many(count, job)...)
	}
	for i := range 40 {
		add(i*5, 0, 1)
	}
	for i := range 6 {
		add(i, 0, 40)
		add(i, 7, 5)
		add(i+6, -7, 11)
	}
	for i := range 60 {
		add(i*i, i%3-1, 2)
	}
	ids := t.enqueue(jobs...)
	left := make([]int, len(ids)) // the places of those that wait, in the order of claiming
	for i := range left {
		left[i] = i
	}
	urgent := inQueue("queue 3")
	urgent.Priority = 7
	for claim := 0; len(left) > 0; claim++ {
		if claim == 5 { // above the line that the claims have come to
			ids, jobs, left = append(ids, t.enqueue(urgent)...), append(jobs, urgent), append(left, len(jobs))
		}
		slices.SortStableFunc(left, func(a, b int) int {
			return cmp.Or(cmp.Compare(jobs[b].Priority, jobs[a].Priority), cmp.Compare(ids[a], ids[b]))
		})
		limit := 7 + 9*(claim%4)
		want := pick(ids, left[:min(limit, len(left))]...)
		left = left[min(limit, len(left)):]
		t.equal(fmt.Sprintf("claim %d", claim), t.claimIDs(store.Demand{Limit: limit}), want)
	}
}

func claimReleasedKeepsPlace(t *trial) {
	ids := t.enqueue(many(3, plain())...)
	first := t.claim(store.Demand{Limit: 1})[0]
	t.accept(outcome(first, store.Release))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 3}), ids)
}

func claimQueueLimits(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("a"), inQueue("a"), inQueue("b"), inQueue("b"))
	queues := map[string]int{"a": 2, "b": 1, "empty": 7}
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: queues, Limit: 100}), pick(ids, 0, 1, 3))
}

func claimOverallLimit(t *trial) {
	ids := t.enqueue(many(10, plain())...)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 4}), ids[:4])
}

func claimBothLimits(t *trial) {
	urgent := inQueue("b")
	urgent.Priority = 1
	ids := t.enqueue(inQueue("a"), inQueue("a"), inQueue("a"), urgent, urgent, inQueue("c"))
	queues := map[string]int{"a": 2, "b": 1, "c": 9}
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: queues, Limit: 3}), pick(ids, 3, 0, 1))
}

func claimNilQueues(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("b"), inQueue("never heard of"))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), ids)
}

func claimNamedQueuesOnly(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("b"), inQueue("A"))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: map[string]int{"b": 9}, Limit: 9}), pick(ids, 1))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: map[string]int{}, Limit: 9}), []int64{})
}

func claimZeroLimits(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("b"))
	t.equal("claimed jobs", t.claimIDs(store.Demand{}), []int64{})
	queues := map[string]int{"a": 0, "b": 1}
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: queues, Limit: 9}), pick(ids, 1))
}

func claimMoreThanThereIs(t *trial) {
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), []int64{})
	ids := t.enqueue(many(1000, plain())...)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 1 << 30}), ids)
}

func claimLeavesOtherTypes(t *trial) {
	other := ofType("Other")
	other.Priority = 5
	ids := t.enqueue(other, plain(), other, ofType("mail"), plain())
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: map[string]int{"default": 2}, Limit: 2}), pick(ids, 1, 4))
	t.status(ids[0], store.Pending)
	t.equal("jobs of the other types", t.claimIDs(store.Demand{Types: []string{"mail", "Other", "Unheard"}, Limit: 9}), pick(ids, 0, 2, 3))
}

func claimNoTypes(t *trial) {
	t.enqueue(plain())
	t.equal("claimed jobs", t.claimIDs(store.Demand{Types: []string{}, Limit: 9}), []int64{})
}

func claimPausedQueue(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("b"))
	t.must("Pause", t.store.Pause(t.Context(), "a", "", enqueuedAt, nil))
	both := map[string]int{"a": 1, "b": 1}
	t.equal("claimed jobs", t.claimIDs(store.Demand{Queues: both, Limit: 2}), pick(ids, 1))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 2}), []int64{})
	t.must("Resume", t.store.Resume(t.Context(), "a", nil))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 2}), pick(ids, 0))
}

func claimReturnsWholeJob(t *trial) {
	t.join(worker, enqueuedAt)
	id := t.enqueue(store.NewJob{
		Type: "Mail", Queue: "slow", Priority: 3, Args: []byte(`{"a": 1}`), Metadata: []byte(`{"trace":"x"}`),
		UserID: "user-1", TargetID: "order/9", Tags: []string{"eu"}, MaxRetries: 2, Timeout: time.Minute,
	})[0]
	claimed := t.claim(store.Demand{Token: 77, Limit: 1})
	want := store.Job{
		ID: id, Type: "Mail", Queue: "slow", Status: store.Running, Priority: 3,
		Args: []byte(`{"a": 1}`), Metadata: []byte(`{"trace":"x"}`),
		UserID: "user-1", TargetID: "order/9", Tags: []string{"eu"}, MaxRetries: 2, Timeout: time.Minute,
		Attempt: 1, ProcessID: worker, Token: 77, QueuedAt: enqueuedAt, StartedAt: claimedAt,
	}
	t.equal("claimed jobs", claimed, []store.Job{want})
	got := t.get(id)
	got.Token = want.Token // a store need not show it to readers
	t.equal("stored job", got, want)
}

func claimOneToken(t *trial) {
	t.enqueue(many(3, plain())...)
	for _, job := range t.claim(store.Demand{Token: 1<<63 - 1, Limit: 3}) {
		t.equal("token", job.Token, int64(1<<63-1))
		t.accept(outcome(job, store.Complete))
	}
}

func claimOnce(t *trial) {
	t.join(worker, enqueuedAt)
	t.enqueue(many(3, plain())...)
	t.equal("claimed jobs", len(t.claimIDs(store.Demand{Limit: 3})), 3)
	t.equal("claimed again", t.claimIDs(store.Demand{Limit: 3}), []int64{})
	t.equal("claimed by another", t.claimIDs(store.Demand{ProcessID: helper, Limit: 3}), []int64{})
}

func claimNeverEarly(t *trial) {
	t.enqueue(dueIn(time.Hour))
	t.equal("claimed jobs", idsOf(t.claimAt(at(time.Hour-time.Microsecond), store.Demand{Limit: 1})), []int64{})
}

func claimCountsOn(t *trial) {
	first := t.running(plain())
	t.accept(outcome(first, store.Retry))
	t.promoteAll()
	again := t.claimAt(at(2*time.Hour), store.Demand{Limit: 1})[0]
	t.equal("attempt", again.Attempt, 2)
	t.equal("started at", again.StartedAt, at(2*time.Hour))
	t.equal("error of the last attempt", again.Error, "not now")
	t.equal("time of the next run", again.NextRunAt, time.Time{})
}

// claimByStranger: a claim whose process has left or never came is taken back
// by Recover; it need not be refused.
func claimByStranger(t *trial) {
	ids := t.enqueue(plain())
	claimed := t.claim(store.Demand{ProcessID: 404, Limit: 1})
	t.equal("claimed jobs", idsOf(claimed), ids)
	t.accept(outcome(claimed[0], store.Complete))
}
