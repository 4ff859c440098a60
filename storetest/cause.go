package storetest

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var causeChecks = []check{
	{"failures carry their cause", causeOfFailures},
	{"a job has the cause of its latest error, and only while that counts", causeWhileItCounts},
	{"jobs are selected by their cause", causeSelects},
	{"a verb by cause leaves other jobs alone", causeVerbs},
	{"jobs of a cause are counted, as far as asked", causeCountsJobs},
	{"what is recorded adds up", causeAddsUp},
	{"counts of a time", causeCountsOfATime},
	{"muting, and an end of it", causeMuted},
	{"causes are selected", causesSelected},
	{"a job that was failed by crashes has a cause", causeOfCrashes},
	{"causes that nobody needs are forgotten", causesForgotten},
	{"an export and an import keep causes", causeTravels},
	{"any text", causeTexts},
}

// The causes of the checks.
const (
	refused store.CauseID = 1<<62 + 9007199254740993 // more than a float can hold
	broke   store.CauseID = 7
)

func aCause(id store.CauseID) store.Cause {
	return store.Cause{
		ID: id, Type: "Mail", ErrorType: "*net.OpError", Title: "dial tcp …: connection refused", Sample: "dial tcp 10.0.0.1:25: connection refused",
		FirstSeen: at(0), LastSeen: at(time.Minute), Total: 2, Counts: []store.CauseCount{{At: at(0), Failures: 2}},
	}
}

func (t *trial) recordCauses(causes ...store.Cause) {
	t.Helper()
	t.must("RecordCauses", t.store.RecordCauses(t.Context(), causes, at(0)))
}

func (t *trial) causes(f store.CauseFilter) []store.Cause {
	t.Helper()
	return t.causesAt(f, at(0))
}

func (t *trial) causesAt(f store.CauseFilter, now time.Time) []store.Cause {
	t.Helper()
	found, err := t.store.Causes(t.Context(), f, now)
	t.must("Causes", err)
	return found
}

func causeIDs(causes []store.Cause) (ids []store.CauseID) {
	for _, c := range causes {
		ids = append(ids, c.ID)
	}
	return ids
}

// failing brings a new job to Retrying or Failed, with a cause.
func (t *trial) failing(status store.JobStatus, cause store.CauseID, job store.NewJob) int64 {
	t.Helper()
	claimed := t.running(job)
	o := outcome(claimed, kindFor[status])
	o.Cause = cause
	t.accept(o)
	return claimed.ID
}

func causeOfFailures(t *trial) {
	for _, kind := range kinds {
		claimed := t.running(inQueue(kind.name))
		o := outcome(claimed, kind.kind)
		o.Cause = refused
		t.accept(o)
		want, attempts := store.CauseID(0), t.attempts(claimed.ID)
		if kind.kind == store.Retry || kind.kind == store.Fail {
			want = refused
			t.equal("cause of the attempt after "+kind.name, attempts[0].Cause, refused)
		} else if len(attempts) > 0 {
			t.equal("cause of the attempt after "+kind.name, attempts[0].Cause, store.CauseID(0))
		}
		t.equal("cause of the job after "+kind.name, t.get(claimed.ID).Cause, want)
	}
	claimed := t.running(inQueue("asked to stop"))
	t.cancel(claimed.ID)
	o := outcome(claimed, store.Fail)
	o.Cause = refused
	t.accept(o)
	t.equal("cause of one that was to be cancelled", t.get(claimed.ID).Cause, store.CauseID(0))
	t.equal("of its attempt", t.attempts(claimed.ID)[0].Cause, store.CauseID(0))
}

func causeWhileItCounts(t *trial) {
	id := t.failing(store.Retrying, broke, plain())
	t.equal("cause while it waits", t.get(id).Cause, broke)
	_, err := t.store.Reschedule(t.Context(), one(id), at(2*time.Hour), at(0), nil)
	t.must("Reschedule", err)
	t.equal("cause after it was put off", t.get(id).Cause, broke)
	t.promoteAll()
	t.equal("cause while it is pending", t.get(id).Cause, store.CauseID(0))
	claimed := t.claimOf(id, plain())
	t.equal("cause while it runs", claimed.Cause, store.CauseID(0))
	o := outcome(claimed, store.Fail)
	o.Cause = refused
	t.accept(o)
	t.equal("cause of the job", t.get(id).Cause, refused)
	attempts := t.attempts(id)
	t.equal("causes of its attempts", []store.CauseID{attempts[0].Cause, attempts[1].Cause}, []store.CauseID{broke, refused})
	t.retry(one(id))
	t.equal("cause after a person's retry", t.get(id).Cause, store.CauseID(0))
}

// someOfEach makes jobs that fail for two causes, and one of each status for none.
func (t *trial) someOfEach() (mine []int64) {
	t.Helper()
	mine = append(mine, t.failing(store.Failed, refused, plain()), t.failing(store.Retrying, refused, plain()), t.failing(store.Failed, refused, ofType("Report")))
	t.failing(store.Failed, broke, plain())
	t.failing(store.Retrying, broke, plain())
	t.oneOfEach()
	return mine
}

func causeSelects(t *trial) {
	mine := t.someOfEach()
	t.equal("jobs", t.list(store.Filter{Cause: refused}), []int64{mine[2], mine[1], mine[0]})
	t.equal("those that failed", t.list(store.Filter{Cause: refused, Status: []store.JobStatus{store.Failed, store.Completed}}), []int64{mine[2], mine[0]})
	t.equal("those that wait", t.list(store.Filter{Cause: refused, Status: []store.JobStatus{store.Retrying}}), []int64{mine[1]})
	t.equal("of a type", t.list(store.Filter{Cause: refused, Type: "Report"}), []int64{mine[2]})
	t.equal("a page", t.list(store.Filter{Cause: refused, Before: mine[2], Limit: 1}), []int64{mine[1]})
	t.equal("those that completed", len(t.list(store.Filter{Cause: refused, Status: []store.JobStatus{store.Completed}})), 0)
	t.equal("of an unknown cause", len(t.list(store.Filter{Cause: 8})), 0)
}

func causeVerbs(t *trial) {
	mine := t.someOfEach()
	before := len(t.list(store.Filter{}))
	t.equal("cancelled", t.cancelBy(store.Filter{Cause: refused}), []int64{mine[1]})
	t.equal("retried", t.retry(store.Filter{Cause: refused}), []int64{mine[0], mine[2]})
	t.equal("retried again", len(t.retry(store.Filter{Cause: refused})), 0)
	t.equal("deleted", len(t.delete(store.Filter{Cause: broke})), 2)
	t.equal("all that is left", len(t.list(store.Filter{})), before-2)
}

func causeCountsJobs(t *trial) {
	t.recordCauses(aCause(refused), aCause(broke))
	for range 3 {
		t.failing(store.Failed, refused, plain())
	}
	for range 2 {
		t.failing(store.Retrying, refused, plain())
	}
	for _, c := range t.causes(store.CauseFilter{}) {
		want := map[store.CauseID][]int64{refused: {3, 2}, broke: {0, 0}}[c.ID]
		t.equal("failed and retrying", []int64{c.Failed, c.Retrying}, want)
	}
	c := t.causes(store.CauseFilter{IDs: []store.CauseID{refused}, CountTo: 2})[0]
	t.equal("counted up to two", []int64{c.Failed, c.Retrying}, []int64{2, 2})
}

func causeAddsUp(t *trial) {
	t.recordCauses()
	t.recordCauses(aCause(refused))
	t.equal("as it was recorded", t.causes(store.CauseFilter{CountsFrom: at(-day)}), []store.Cause{aCause(refused)})
	other := aCause(refused)
	other.Title, other.Sample = "others", "than before"
	other.FirstSeen, other.LastSeen, other.Total = at(-time.Hour), at(time.Hour), 5
	other.Counts = []store.CauseCount{{At: at(3 * time.Minute), Failures: 1}, {At: at(15 * time.Minute), Failures: 3}, {At: at(12 * time.Minute), Failures: 1}}
	t.recordCauses(other, aCause(broke), aCause(refused))
	want := aCause(refused)
	want.FirstSeen, want.LastSeen, want.Total = at(-time.Hour), at(time.Hour), 9
	want.Counts = []store.CauseCount{{At: at(0), Failures: 5}, {At: at(10 * time.Minute), Failures: 4}}
	t.equal("all of it", t.causes(store.CauseFilter{CountsFrom: at(-day)}), []store.Cause{want, aCause(broke)})
}

func causeCountsOfATime(t *trial) {
	c := aCause(broke)
	c.Counts = []store.CauseCount{{At: at(0), Failures: 1}, {At: at(10 * time.Minute), Failures: 2}}
	t.recordCauses(c)
	t.equal("within the second span", t.causes(store.CauseFilter{CountsFrom: at(11 * time.Minute)})[0].Counts, c.Counts[1:])
	t.equal("none asked for", len(t.causes(store.CauseFilter{})[0].Counts), 0)
	t.equal("none left", len(t.causes(store.CauseFilter{CountsFrom: at(time.Hour)})[0].Counts), 0)
}

func causeMuted(t *trial) {
	t.recordCauses(aCause(broke))
	t.must("Mute", t.store.Mute(t.Context(), broke, at(time.Hour), at(0), nil))
	t.equal("muted until", t.causes(store.CauseFilter{})[0].MutedUntil, at(time.Hour))
	unmuted := store.CauseFilter{Unmuted: true}
	t.equal("unmuted meanwhile", len(t.causesAt(unmuted, at(time.Hour-time.Second))), 0)
	t.equal("unmuted afterwards", len(t.causesAt(unmuted, at(time.Hour))), 1)
	muted := store.CauseFilter{Muted: true}
	t.equal("muted meanwhile", len(t.causesAt(muted, at(time.Hour-time.Second))), 1)
	t.equal("muted afterwards", len(t.causesAt(muted, at(time.Hour))), 0)
	t.recordCauses(aCause(broke))
	t.equal("muted until, after another failure", t.causes(store.CauseFilter{})[0].MutedUntil, at(time.Hour))
	t.must("Mute", t.store.Mute(t.Context(), broke, time.Time{}, at(0), nil))
	t.equal("muted until", t.causes(store.CauseFilter{})[0].MutedUntil, time.Time{})
	by := &store.AuditEntry{At: at(0), Person: "ada", Source: store.FromCLI, Action: "mute", Kind: "cause", Target: broke.String()}
	t.must("Mute", t.store.Mute(t.Context(), broke, at(time.Hour), at(0), by))
	entries, err := t.store.Audit(t.Context(), store.AuditFilter{})
	t.must("Audit", err)
	t.equal("entries of the audit", len(entries), 1)
	t.equal("person", entries[0].Person, "ada")
	if err := t.store.Mute(t.Context(), 8, at(time.Hour), at(0), &store.AuditEntry{Action: "mute"}); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("muting an unknown cause answers %v", err)
	}
	entries, err = t.store.Audit(t.Context(), store.AuditFilter{})
	t.must("Audit", err)
	t.equal("entries after muting an unknown one", len(entries), 1)
}

func causesSelected(t *trial) {
	for i := range store.CauseID(5) {
		c := aCause(i + 1)
		c.Type, c.LastSeen = []string{"Mail", "Report"}[i%2], at(time.Duration(i/2)*time.Hour)
		c.FirstSeen = c.LastSeen
		t.recordCauses(c)
	}
	t.failing(store.Failed, 2, plain())
	t.failing(store.Retrying, 3, plain())
	t.equal("seen last first", causeIDs(t.causes(store.CauseFilter{})), []store.CauseID{5, 3, 4, 1, 2})
	t.equal("two of them", causeIDs(t.causes(store.CauseFilter{Limit: 2})), []store.CauseID{5, 3})
	t.equal("of a type", causeIDs(t.causes(store.CauseFilter{Type: "Report"})), []store.CauseID{4, 2})
	t.equal("by id", causeIDs(t.causes(store.CauseFilter{IDs: []store.CauseID{4, 9, 1}})), []store.CauseID{4, 1})
	t.equal("by no id", len(t.causes(store.CauseFilter{IDs: []store.CauseID{}})), 0)
	t.equal("with failed jobs", causeIDs(t.causes(store.CauseFilter{Failed: true})), []store.CauseID{2})
}

func causeOfCrashes(t *trial) {
	id := t.enqueue(plain())[0]
	for range store.MaxCrashes {
		t.claimOf(id, plain())
		t.recover(silent(worker, t.processes()[0].Beat))
	}
	job := t.get(id)
	want := store.CrashCause("Mail", at(0))
	t.equal("status and cause", []any{job.Status, job.Cause}, []any{store.Failed, want.ID})
	c := t.causes(store.CauseFilter{})[0]
	t.equal("what is known of it", []any{c.ID, c.Type, c.ErrorType, c.Title, c.Total, c.Failed}, []any{want.ID, "Mail", "crash", store.CrashedReason, int64(1), int64(1)})
}

func causesForgotten(t *trial) {
	prune := func(now time.Time) { t.pruneAll(keepAll(-1), 100, now) }
	muted, old := aCause(3), aCause(4)
	muted.MutedUntil = at(60 * day)
	t.recordCauses(aCause(refused), aCause(broke), muted, old)
	t.failing(store.Failed, refused, plain())
	waiting := t.failing(store.Retrying, broke, plain())
	prune(at(29 * day))
	t.equal("causes after a while", len(t.causes(store.CauseFilter{})), 4)
	t.equal("counts after a while", len(t.causes(store.CauseFilter{CountsFrom: at(0)})[0].Counts), 0)
	prune(at(31 * day))
	kept := causeIDs(t.causes(store.CauseFilter{}))
	slices.Sort(kept)
	t.equal("causes after a month", kept, []store.CauseID{3, broke, refused})
	t.delete(one(waiting))
	prune(at(61 * day))
	t.equal("causes in the end", causeIDs(t.causes(store.CauseFilter{})), []store.CauseID{refused})
}

func causeTravels(t *trial) {
	failed, waiting := t.failing(store.Failed, refused, plain()), t.failing(store.Retrying, broke, inQueue("b"))
	records := t.export(0, 100)
	t.equal("in records", []store.CauseID{records[0].Job.Cause, records[1].Job.Cause, records[0].Attempts[0].Cause}, []store.CauseID{refused, broke, refused})
	t.delete(store.Filter{})
	done := aRecord(waiting + 1)
	done.Job.Status, done.Job.FinishedAt, done.Job.Cause = store.Completed, at(0), refused // what no store exports
	t.importAll(append(records, done)...)
	t.equal("selected", t.list(store.Filter{Cause: refused}), []int64{failed})
	t.equal("selected", t.list(store.Filter{Cause: broke}), []int64{waiting})
	t.equal("cause of an attempt", t.attempts(waiting)[0].Cause, broke)
}

func causeTexts(t *trial) {
	var want []store.CauseID
	for i, word := range append([]string{strings.Repeat("界", 20_000)}, words...) {
		c := aCause(store.CauseID(i + 1))
		c.Type, c.ErrorType, c.Title, c.Sample = word, word, word, word
		t.recordCauses(c)
		want = append(want, c.ID)
	}
	for i, c := range t.causes(store.CauseFilter{Limit: 1000}) {
		t.equal("id", c.ID, want[i])
		t.equal("texts", []string{c.ErrorType, c.Title, c.Sample}, []string{c.Type, c.Type, c.Type})
	}
	t.equal("of a type that cannot be", len(t.causes(store.CauseFilter{Type: "a\x00b\xff"})), 0)
}
