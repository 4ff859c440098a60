package storetest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var exportChecks = []check{
	{"whole jobs, rising", exportWhole},
	{"pages cover each job once", exportPages},
	{"large jobs are all there", exportLarge},
	{"the places in line", exportPlaces},
	{"why a running job is to stop", exportCancelReason},
	{"nothing is changed", exportChangesNothing},
	{"no jobs", exportNothing},
}

func (t *trial) export(after int64, limit int) []store.Record {
	t.Helper()
	records, err := t.store.Export(t.Context(), after, limit)
	t.must("Export", err)
	return records
}

// exportAll reads every job, limit by limit.
func (t *trial) exportAll(limit int) (all []store.Record) {
	t.Helper()
	after := int64(0)
	for range 20_000 {
		page := t.export(after, limit)
		if len(page) > limit {
			t.Fatalf("Export returned %d jobs, the limit is %d", len(page), limit)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		after = page[len(page)-1].Job.ID
	}
	t.Fatal("the pages of Export do not end")
	return all
}

func recordIDs(records []store.Record) []int64 {
	ids := make([]int64, len(records))
	for i, record := range records {
		ids[i] = record.Job.ID
	}
	return ids
}

// everything makes a job in each status, in a queue of that name, with all that a
// job can have: attempts, progress, a log.
func (t *trial) everything() map[store.JobStatus]int64 {
	t.Helper()
	ids := map[store.JobStatus]int64{}
	for _, status := range reachable {
		job := store.NewJob{
			Type: "Mail", Queue: string(status), Priority: -7, Args: []byte(` {"n" : 9007199254740993} `), Metadata: []byte(`{"by": "hand"}`),
			UserID: "ada", TargetID: "order/9", Tags: []string{"a", `b,"c"`}, MaxRetries: 9, Timeout: 90 * time.Second, RunAt: at(-time.Hour),
			Options: &store.Options{FinishBy: at(time.Hour), Carried: map[string]json.RawMessage{"tenant": []byte(`"acme"`)}},
		}
		first := t.running(job)
		t.report(store.Report{JobID: first.ID, Token: first.Token, Progress: progress(40), Lines: []store.LogLine{line("one"), line("two")}})
		t.saveSteps(first, done("charge", `{"receipt":9007199254740993}`), done("mail", ""), cursor("rows", "7"))
		failed := outcome(first, store.Retry)
		failed.Stack, failed.RuleRetries = "main.go:7", map[string]int{"busy": 1}
		t.accept(failed)
		t.retry(one(first.ID))
		second := t.claimOf(first.ID, job)
		if kind, known := lastKinds[status]; known {
			t.accept(outcome(second, kind))
		}
		ids[status] = first.ID
	}
	return ids
}

// lastKinds is how a job of everything gets to its status.
var lastKinds = map[store.JobStatus]store.OutcomeKind{
	store.Scheduled: store.Postpone, store.Pending: store.Release, store.Retrying: store.Retry,
	store.Completed: store.Complete, store.Failed: store.Fail, store.Cancelled: store.Cancel,
}

func exportWhole(t *trial) {
	ids := t.everything()
	records := t.export(0, 100)
	t.equal("number of jobs", len(records), len(ids))
	for _, record := range records {
		job := record.Job
		want := t.whole(job.ID)
		job.Token, want.Job.Token = 0, 0
		t.equal("record", whole{job, record.Attempts, record.Log, record.Steps}, want)
		inLine := job.Status == store.Pending || job.Status == store.Running
		t.equal("a "+string(job.Status)+" job has a place in line", record.Position > 0, inLine)
	}
	if !slices.IsSorted(recordIDs(records)) {
		t.Fatalf("the ids do not rise: %v", recordIDs(records))
	}
}

func exportPages(t *trial) {
	t.oneOfEach()
	t.enqueue(many(9, plain())...)
	all := t.export(0, 100)
	for limit := 1; limit <= len(all)+1; limit++ {
		t.equal("jobs of all pages", recordIDs(t.exportAll(limit)), recordIDs(all))
	}
	t.equal("jobs after one", recordIDs(t.export(all[4].Job.ID, 3)), recordIDs(all[5:8]))
	t.equal("jobs after the last", len(t.export(all[len(all)-1].Job.ID, 3)), 0)
}

// exportLarge: a store may return fewer jobs than the limit, but never none.
func exportLarge(t *trial) {
	text := `"` + strings.Repeat("x", 3<<20) + `"`
	var ids []int64
	for range 7 {
		ids = append(ids, t.enqueue(withArgs(text))...)
	}
	records := t.exportAll(100)
	t.equal("jobs", recordIDs(records), ids)
	for _, record := range records {
		if string(record.Job.Args) != text {
			t.Fatalf("3 MiB of arguments came back as %d bytes", len(record.Job.Args))
		}
	}
}

// byPlace are the ids of the records that have a place in line, in the claim order.
func byPlace(records []store.Record) []int64 {
	line := slices.DeleteFunc(slices.Clone(records), func(r store.Record) bool { return r.Position == 0 })
	slices.SortFunc(line, func(a, b store.Record) int {
		return cmp.Or(cmp.Compare(b.Job.Priority, a.Job.Priority), cmp.Compare(a.Position, b.Position))
	})
	return recordIDs(line)
}

func exportPlaces(t *trial) {
	t.inDisorder()
	order := byPlace(t.export(0, 100))
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 100}), order)
	t.equal("places of claimed jobs", byPlace(t.export(0, 100)), order)
}

// inDisorder makes pending jobs whose places in line are not the order of their ids.
func (t *trial) inDisorder() {
	t.Helper()
	t.enqueue(withPriority(2), dueIn(time.Hour))
	released := t.running(inQueue("a"))
	retried := t.jobIn(store.Failed, inQueue("b"))
	t.enqueue(plain(), withPriority(-1), withPriority(2))
	t.promoteAll()
	t.retry(one(retried))
	t.enqueue(many(3, plain())...)
	t.accept(outcome(released, store.Release))
}

func exportCancelReason(t *trial) {
	job := t.running(plain())
	t.equal("reason", t.export(0, 1)[0].CancelReason, "")
	t.cancel(job.ID)
	record := t.export(0, 1)[0]
	t.equal("asked to stop", record.Job.CancelRequested, true)
	t.equal("reason", record.CancelReason, "no longer needed")
}

func exportChangesNothing(t *trial) {
	t.everything()
	before, stats := t.export(0, 100), t.stats()
	t.equal("jobs, read again", t.export(0, 100), before)
	t.equal("counts", t.stats(), stats)
}

func exportNothing(t *trial) {
	t.equal("number of jobs", len(t.export(0, 10)), 0)
	t.enqueue(plain())
	t.equal("number of jobs", len(t.export(0, 0)), 0)
}
