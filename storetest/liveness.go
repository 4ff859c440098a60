package storetest

import (
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
	{"Beat returns the claims", beatReturnsClaims},
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

func (t *trial) beat(process int64, now time.Time) store.Beaten {
	t.Helper()
	beaten, err := t.store.Beat(t.Context(), process, store.ProcessRunning, now)
	t.must("Beat", err)
	return beaten
}

// gone insists that the process has been declared dead or was never known.
func (t *trial) gone(process int64) {
	t.Helper()
	_, err := t.store.Beat(t.Context(), process, store.ProcessRunning, at(time.Hour))
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
	_, err := t.store.Beat(t.Context(), worker, store.ProcessStopping, claimedAt)
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

func beatReturnsClaims(t *trial) {
	t.join(helper, enqueuedAt)
	first, second := t.running(inQueue("a")), t.running(inQueue("b"))
	t.enqueue(inQueue("c"))
	third := t.claimAt(at(3*time.Minute), store.Demand{ProcessID: helper, Limit: 1})[0]
	t.equal("claims", t.claimsOf(worker), []store.Claimed{
		{JobID: first.ID, Token: first.Token, ClaimedAt: claimedAt},
		{JobID: second.ID, Token: second.Token, ClaimedAt: claimedAt},
	})
	t.equal("claims", t.claimsOf(helper), []store.Claimed{
		{JobID: third.ID, Token: third.Token, ClaimedAt: at(3 * time.Minute)},
	})
	t.accept(outcome(first, store.Complete))
	t.accept(outcome(second, store.Release))
	t.equal("claims", t.claimsOf(worker), []store.Claimed{})
}

func (t *trial) claimsOf(process int64) []store.Claimed {
	t.Helper()
	claims := t.beat(process, at(4*time.Minute)).Claims
	slices.SortFunc(claims, func(a, b store.Claimed) int { return int(a.JobID - b.JobID) })
	return claims
}

func beatReturnsCancels(t *trial) {
	t.join(helper, enqueuedAt)
	job := t.running(plain())
	t.equal("cancel requests", t.beat(worker, claimedAt).Cancels, []store.CancelRequest{})
	t.cancel(job.ID)
	want := []store.CancelRequest{{JobID: job.ID, Reason: "no longer needed"}}
	t.equal("cancel requests", t.beat(worker, claimedAt).Cancels, want)
	t.equal("cancel requests, asked again", t.beat(worker, claimedAt).Cancels, want)
	t.equal("cancel requests of another process", t.beat(helper, claimedAt).Cancels, []store.CancelRequest{})
	t.accept(outcome(job, store.Cancel))
	t.equal("cancel requests afterwards", t.beat(worker, claimedAt).Cancels, []store.CancelRequest{})
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
