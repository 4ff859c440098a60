package storetest

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

var livenessChecks = []check{
	{"Join makes a process known", joinMakesKnown},
	{"processes are listed oldest first", joinOldestFirst},
	{"Beat raises the beat", beatRaises},
	{"Beat stores the state", beatStoresState},
	{"Beat of an unknown process says that it is gone", beatUnknown},
	{"Beat of a process that left says that it is gone", beatAfterLeave},
	{"Beat confirms the claims that are held", beatConfirms},
	{"Beat confirms no claim of others", beatConfirmsNoOther},
	{"Beat finds all claims when it searches", beatSearches},
	{"Beat confirms thousands of claims", beatConfirmsMany},
	{"Beat returns cancel requests", beatReturnsCancels},
	{"Leave removes the process", leaveRemoves},
	{"Leave releases the claims", leaveReleases},
	{"Leave finishes what was asked to cancel", leaveCancels},
	{"Leave of an unknown process does nothing", leaveUnknown},
}

func (t *trial) processes() []store.Process {
	t.Helper()
	processes, err := t.store.Processes(t.Context())
	t.must("Processes", err)
	return processes
}

// beat is a heartbeat of a process that knows of some claims.
func (t *trial) beat(process int64, now time.Time, held ...store.Claimed) store.Beaten {
	t.Helper()
	return t.beatOf(store.Heartbeat{ProcessID: process, State: store.ProcessRunning, Held: held}, now)
}

func (t *trial) beatOf(h store.Heartbeat, now time.Time) store.Beaten {
	t.Helper()
	beaten, err := t.store.Beat(t.Context(), h, now)
	t.must("Beat", err)
	slices.SortFunc(beaten.Claims, func(a, b store.Claimed) int { return cmp.Compare(a.JobID, b.JobID) })
	return beaten
}

// search is a heartbeat of a process that knows of no claims and asks for all.
func (t *trial) search(process int64, now time.Time) store.Beaten {
	t.Helper()
	return t.beatOf(store.Heartbeat{ProcessID: process, State: store.ProcessRunning, Search: true}, now)
}

// heldOf is what a process knows of the claims of jobs.
func heldOf(jobs ...store.Job) []store.Claimed {
	held := make([]store.Claimed, len(jobs))
	for i, job := range jobs {
		held[i] = store.Claimed{JobID: job.ID, Token: job.Token}
	}
	return held
}

// gone insists that the process has been declared dead or was never known.
func (t *trial) gone(process int64) {
	t.Helper()
	_, err := t.store.Beat(t.Context(), store.Heartbeat{ProcessID: process, State: store.ProcessRunning}, at(time.Hour))
	if !errors.Is(err, store.ErrProcessGone) {
		t.Fatalf("Beat of process %d: %v, expected ErrProcessGone", process, err)
	}
}

func (t *trial) leave(process int64) {
	t.Helper()
	t.must("Leave", t.store.Leave(t.Context(), process, at(3*time.Minute)))
}

func joinMakesKnown(t *trial) {
	p := aProcess(worker, enqueuedAt)
	p.Queues = map[string]int{"default": 3, "slow, it's \"odd\"": 1}
	t.must("Join", t.store.Join(t.Context(), p, enqueuedAt))
	p.BeatAt = enqueuedAt
	t.equal("processes", t.processes(), []store.Process{p})
}

func joinOldestFirst(t *trial) {
	t.equal("processes", len(t.processes()), 0)
	for i, id := range []int64{50, 1 << 62, 7} {
		t.join(id, at(time.Duration(i)*time.Second))
	}
	var ids []int64
	for _, p := range t.processes() {
		ids = append(ids, p.ID)
	}
	t.equal("processes", ids, []int64{50, 1 << 62, 7})
}

func beatRaises(t *trial) {
	t.join(worker, enqueuedAt)
	t.join(helper, at(time.Second))
	for i := range 3 {
		now := at(time.Duration(i+1) * time.Minute)
		before := t.processes()[0]
		t.beat(worker, now)
		after := t.processes()[0]
		if after.Beat <= before.Beat {
			t.Fatalf("beat went from %d to %d", before.Beat, after.Beat)
		}
		t.equal("time of the beat", after.BeatAt, now)
	}
	t.equal("beat of the other process", t.processes()[1].Beat, int64(0))
}

func beatStoresState(t *trial) {
	t.join(worker, enqueuedAt)
	_, err := t.store.Beat(t.Context(), store.Heartbeat{ProcessID: worker, State: store.ProcessStopping}, claimedAt)
	t.must("Beat", err)
	t.equal("state", t.processes()[0].State, store.ProcessStopping)
}

func beatUnknown(t *trial) {
	t.gone(404)
	t.equal("processes", len(t.processes()), 0)
}

func beatAfterLeave(t *trial) {
	t.join(worker, enqueuedAt)
	t.leave(worker)
	t.gone(worker)
}

func beatConfirms(t *trial) {
	t.join(helper, enqueuedAt)
	first, second := t.running(inQueue("a")), t.running(inQueue("b"))
	t.enqueue(inQueue("c"))
	third := t.claimAt(at(3*time.Minute), store.Demand{ProcessID: helper, Limit: 1})[0]
	beaten := t.beat(worker, at(4*time.Minute), heldOf(second, first)...)
	t.equal("claims", beaten.Claims, []store.Claimed{
		{JobID: first.ID, Token: first.Token, ClaimedAt: claimedAt},
		{JobID: second.ID, Token: second.Token, ClaimedAt: claimedAt},
	})
	t.equal("searched", beaten.Searched, false)
	t.equal("claims", t.beat(worker, at(4*time.Minute), heldOf(second)...).Claims, []store.Claimed{
		{JobID: second.ID, Token: second.Token, ClaimedAt: claimedAt},
	})
	t.equal("claims", t.beat(helper, at(4*time.Minute), heldOf(third)...).Claims, []store.Claimed{
		{JobID: third.ID, Token: third.Token, ClaimedAt: at(3 * time.Minute)},
	})
	t.accept(outcome(first, store.Complete))
	t.accept(outcome(second, store.Release))
	t.equal("claims", t.beat(worker, at(4*time.Minute), heldOf(first, second)...).Claims, []store.Claimed{})
}

// beatConfirmsNoOther: what the process does not know is not told, and what it knows
// wrongly is not confirmed.
func beatConfirmsNoOther(t *trial) {
	t.join(helper, enqueuedAt)
	mine := t.running(inQueue("a"))
	t.enqueue(inQueue("b"))
	theirs := t.claim(store.Demand{ProcessID: helper, Limit: 1})[0]
	waits := t.enqueue(inQueue("c"))[0]
	stale := mine
	stale.Token++
	crossed := mine
	crossed.Token = theirs.Token
	t.cancel(mine.ID)
	beaten := t.beat(worker, claimedAt, append(heldOf(stale, crossed, theirs), store.Claimed{JobID: waits, Token: mine.Token}, store.Claimed{JobID: 404, Token: mine.Token})...)
	t.equal("claims", beaten.Claims, []store.Claimed{})
	t.equal("cancel requests", beaten.Cancels, []store.CancelRequest{})
	t.equal("claims", t.beat(worker, claimedAt).Claims, []store.Claimed{})
	t.status(mine.ID, store.Running)
	t.status(theirs.ID, store.Running)
}

func beatSearches(t *trial) {
	t.join(helper, enqueuedAt)
	first, second := t.running(inQueue("a")), t.running(inQueue("b"))
	t.enqueue(inQueue("c"))
	t.claim(store.Demand{ProcessID: helper, Limit: 1})
	t.cancel(first.ID)
	stale := second
	stale.Token++
	for _, held := range [][]store.Claimed{nil, heldOf(second), heldOf(second, first), heldOf(stale)} {
		beaten := t.beatOf(store.Heartbeat{ProcessID: worker, State: store.ProcessRunning, Held: held, Search: true}, at(4*time.Minute))
		t.equal("searched", beaten.Searched, true)
		t.equal("claims", beaten.Claims, []store.Claimed{
			{JobID: first.ID, Token: first.Token, ClaimedAt: claimedAt},
			{JobID: second.ID, Token: second.Token, ClaimedAt: claimedAt},
		})
		t.equal("cancel requests", beaten.Cancels, []store.CancelRequest{{JobID: first.ID, Reason: "no longer needed"}})
	}
	t.accept(outcome(first, store.Complete))
	t.accept(outcome(second, store.Release))
	t.equal("claims", t.search(worker, at(4*time.Minute)).Claims, []store.Claimed{})
	_, err := t.store.Beat(t.Context(), store.Heartbeat{ProcessID: 404, State: store.ProcessRunning, Search: true}, at(4*time.Minute))
	if !errors.Is(err, store.ErrProcessGone) {
		t.Fatalf("Beat of an unknown process that searches: %v, expected ErrProcessGone", err)
	}
}

func beatConfirmsMany(t *trial) {
	const jobs = 3000
	t.join(worker, enqueuedAt)
	t.enqueue(many(jobs, plain())...)
	held := heldOf(t.claim(store.Demand{Limit: jobs})...)
	t.equal("held", len(held), jobs)
	t.equal("claims", len(t.beat(worker, claimedAt, held...).Claims), jobs)
	t.equal("claims of half", len(t.beat(worker, claimedAt, held[jobs/2:]...).Claims), jobs/2)
}

func beatReturnsCancels(t *trial) {
	t.join(helper, enqueuedAt)
	job := t.running(plain())
	t.equal("cancel requests", t.beat(worker, claimedAt, heldOf(job)...).Cancels, []store.CancelRequest{})
	t.cancel(job.ID)
	want := []store.CancelRequest{{JobID: job.ID, Reason: "no longer needed"}}
	t.equal("cancel requests", t.beat(worker, claimedAt, heldOf(job)...).Cancels, want)
	t.equal("cancel requests, asked again", t.beat(worker, claimedAt, heldOf(job)...).Cancels, want)
	t.equal("cancel requests of another process", t.beat(helper, claimedAt, heldOf(job)...).Cancels, []store.CancelRequest{})
	t.accept(outcome(job, store.Cancel))
	t.equal("cancel requests afterwards", t.beat(worker, claimedAt, heldOf(job)...).Cancels, []store.CancelRequest{})
}

func leaveRemoves(t *trial) {
	t.join(worker, enqueuedAt)
	t.join(helper, at(time.Second))
	t.leave(worker)
	t.equal("number of processes", len(t.processes()), 1)
	t.equal("process", t.processes()[0].ID, helper)
}

func leaveReleases(t *trial) {
	ids := t.enqueue(inQueue("a"), inQueue("b"))
	pending := t.whole(ids[0])
	t.join(helper, enqueuedAt)
	mine := t.claimOf(ids[0], inQueue("a"))
	t.claim(store.Demand{ProcessID: helper, Limit: 1})
	t.leave(worker)
	t.equal("released job", t.whole(mine.ID), pending)
	t.status(ids[1], store.Running)
	t.refuse(outcome(mine, store.Complete))
}

// leaveCancels: once a cancel was asked for, every end of the claim leads to
// cancelled, a release too.
func leaveCancels(t *trial) {
	job := t.running(plain())
	t.cancel(job.ID)
	t.leave(worker)
	got := t.get(job.ID)
	t.equal("status", got.Status, store.Cancelled)
	t.equal("reason", got.Error, "no longer needed")
}

func leaveUnknown(t *trial) {
	job := t.running(plain())
	t.leave(404)
	t.status(job.ID, store.Running)
	t.leave(worker)
	t.leave(worker)
}
