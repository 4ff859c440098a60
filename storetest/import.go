package storetest

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var importChecks = []check{
	{"jobs are whole", importWhole},
	{"jobs are claimed in their old order", importOrder},
	{"a running job becomes pending at its old place", importRunning},
	{"a running job that was asked to stop is cancelled", importRunningAskedToStop},
	{"waiting jobs are promoted at their times", importWaiting},
	{"an attempt counts on", importThenRun},
	{"jobs that crashed stay suspects", importSuspects},
	{"ids that exist are left alone", importTwice},
	{"one id given twice is stored once", importTwiceAtOnce},
	{"new ids and places come after", importNumbers},
	{"ids and places never go back", importLowNumbers},
	{"a job without a place goes to the end of the line", importWithoutPlace},
	{"counts follow", importCounts},
	{"outcomes of old claims are superseded", importOldClaims},
	{"a job that no store keeps is refused, with all others", importImpossible},
	{"texts come back byte for byte", importTexts},
	{"large jobs", importLarge},
	{"times to the microsecond", importTimes},
	{"ten thousand jobs", importMany},
	{"imported jobs wake", importWakes},
	{"no records", importNothing},
}

func (t *trial) importAll(records ...store.Record) {
	t.Helper()
	t.must("Import", t.store.Import(t.Context(), records))
}

// elsewhere is another store.
func (t *trial) elsewhere() *trial { return newTrial(t.TB, NewReference()) }

// aRecord is a pending job.
func aRecord(id int64) store.Record {
	return store.Record{Position: id, Job: store.Job{
		ID: id, Type: "Mail", Queue: "default", Status: store.Pending, Args: []byte(`{}`), MaxRetries: 3, QueuedAt: enqueuedAt,
	}}
}

func importWhole(t *trial) {
	other := t.elsewhere()
	other.everything()
	records := other.exportAll(3)
	t.importAll(records...)
	for i := range records {
		records[i] = records[i].AtRest()
		job := records[i].Job
		t.equal("a job that was "+string(job.Status), t.whole(job.ID), whole{job, records[i].Attempts, records[i].Log, records[i].Steps})
	}
	t.equal("exported again", t.export(0, 100), records)
}

func importOrder(t *trial) {
	other := t.elsewhere()
	other.inDisorder()
	records := other.export(0, 100)
	order := other.claimIDs(store.Demand{Limit: 100})
	t.importAll(records...)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 100}), order)
}

func importRunning(t *trial) {
	other := t.elsewhere()
	ids := other.enqueue(many(3, plain())...)
	other.knowWorker()
	other.claim(store.Demand{Limit: 2})
	t.importAll(other.export(0, 10)...)
	got := t.get(ids[0])
	t.equal("status", got.Status, store.Pending)
	t.equal("attempt", got.Attempt, 0)
	t.equal("process", got.ProcessID, int64(0))
	t.equal("started at", got.StartedAt, time.Time{})
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 3}), ids)
	t.equal("attempt of a claimed job", t.get(ids[1]).Attempt, 1)
}

func importRunningAskedToStop(t *trial) {
	other := t.elsewhere()
	job := other.running(plain())
	other.cancel(job.ID)
	t.importAll(other.export(0, 10)...)
	got := t.get(job.ID)
	t.equal("status", got.Status, store.Cancelled)
	t.equal("reason", got.Error, "no longer needed")
	t.equal("attempt", got.Attempt, 0)
	t.equal("process", got.ProcessID, worker)
	t.equal("finished at", got.FinishedAt, claimedAt)
	t.onlyOne(store.Cancelled)
}

func importWaiting(t *trial) {
	other := t.elsewhere()
	scheduled := other.enqueue(dueIn(2 * time.Hour))[0]
	retrying, postponed := other.jobIn(store.Retrying, inQueue("a")), other.running(inQueue("b"))
	other.accept(outcome(postponed, store.Postpone))
	t.importAll(other.export(0, 10)...)
	t.equal("promoted", t.promote(10, dueAt.Add(-time.Microsecond)), store.Promoted{Next: dueAt})
	t.equal("reason", t.get(postponed.ID).Reason, "not now")
	t.equal("promoted", t.promote(10, dueAt), store.Promoted{Count: 2, Next: at(2 * time.Hour)})
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 10}), []int64{retrying, postponed.ID})
	t.status(scheduled, store.Scheduled)
}

func importThenRun(t *trial) {
	other := t.elsewhere()
	id := other.jobIn(store.Retrying, plain())
	t.importAll(other.export(0, 10)...)
	t.promoteAll()
	again := t.claimOf(id, plain())
	t.equal("attempt", again.Attempt, 2)
	t.equal("error of the last attempt", again.Error, "not now")
	t.accept(outcome(again, store.Fail))
	t.equal("attempts", len(t.attempts(id)), 2)
	t.equal("number of the second", t.attempts(id)[1].Number, 2)
}

func importSuspects(t *trial) {
	other := t.elsewhere()
	id := other.enqueue(plain())[0]
	for range store.SuspectAfter {
		other.claimOf(id, plain())
		other.recover(silent(worker, 0))
	}
	t.importAll(other.export(0, 10)...)
	t.equal("claimed with others", t.claimIDs(store.Demand{Limit: 1}), []int64{})
	t.equal("claimed alone", t.claimIDs(store.Demand{Limit: 1, Suspects: true}), []int64{id})
	t.equal("crashes", t.get(id).Crashes, store.SuspectAfter)
}

func importTwice(t *trial) {
	ids := t.everything()
	before, stats := t.export(0, 100), t.stats()
	changed := make([]store.Record, len(before))
	for i, record := range before {
		record.Job.Type, record.Job.Status, record.Job.NextRunAt = "Other", store.Pending, time.Time{}
		record.Attempts, record.Log = append(record.Attempts, record.Attempts...), append(record.Log, record.Log...)
		changed[i] = record
	}
	for _, again := range [][]store.Record{before, changed} {
		t.importAll(again...)
		t.equal("jobs", t.export(0, 100), before)
		t.equal("counts", t.stats(), stats)
	}
	t.status(ids[store.Running], store.Running)
	t.importAll(append(changed, aRecord(1<<40))...)
	t.status(1<<40, store.Pending)
	t.equal("jobs that were there", t.export(0, len(before)), before)
}

func importTwiceAtOnce(t *trial) {
	other := t.elsewhere()
	other.everything()
	records := other.export(0, 100)
	t.importAll(append(records, records...)...)
	t.equal("number of jobs", len(t.export(0, 100)), len(records))
	t.equal("attempts", t.attempts(records[0].Job.ID), records[0].Attempts)
	t.equal("counts", t.stats().Counts[store.Failed], int64(1))
}

func importNumbers(t *trial) {
	for _, record := range []store.Record{
		aRecord(1), {Job: aRecord(1 << 40).Job, Position: 7}, {Job: aRecord(9).Job, Position: 1 << 50},
	} {
		t.importAll(record)
		last := max(record.Job.ID, record.Position)
		ids := t.enqueue(plain(), dueIn(time.Hour))
		if ids[0] <= last {
			t.Fatalf("id %d was given out after %d was imported", ids[0], last)
		}
		t.promoteAll()
		places := byPlace(t.export(0, 100))
		t.equal("last in line", places[len(places)-1], ids[1])
	}
}

func importLowNumbers(t *trial) {
	for range 5 {
		t.delete(one(t.enqueue(plain())[0]))
	}
	for _, record := range []store.Record{aRecord(3), {Job: aRecord(2).Job, Position: 5}} {
		last := t.enqueue(plain())[0]
		t.importAll(record)
		if id := t.enqueue(plain())[0]; id <= last {
			t.Fatalf("id %d was given out after %d", id, last)
		}
	}
}

func importWithoutPlace(t *trial) {
	ids := t.enqueue(plain())
	record := aRecord(ids[0] + 100)
	record.Position = 0
	t.importAll(record)
	ids = append(ids, record.Job.ID)
	ids = append(ids, t.enqueue(plain())...)
	t.equal("claimed jobs", t.claimIDs(store.Demand{Limit: 9}), ids)
}

func importCounts(t *trial) {
	other := t.elsewhere()
	other.everything()
	want := other.stats()
	want.Counts[store.Running]--
	want.Counts[store.Pending]++
	records := other.export(0, 100)
	t.importAll(records...)
	t.equal("counts", t.stats().Counts, want.Counts)
	t.equal("pruned", t.pruneAll(keepAll(day), 10, finishedAt.Add(2*day)), 3)
	t.equal("completed", t.stats().Counts[store.Completed], int64(0))
	t.equal("deleted", len(t.delete(store.Filter{})), len(records)-3)
	t.equal("counts", t.stats().Counts, noJobs())
	t.forgotten(records[0].Job.ID)
}

func importOldClaims(t *trial) {
	other := t.elsewhere()
	running := other.running(inQueue("a"))
	var ended []store.Job
	for _, kind := range []store.OutcomeKind{store.Complete, store.Retry, store.Fail} {
		job := other.running(inQueue("b"))
		other.accept(outcome(job, kind))
		ended = append(ended, job)
	}
	t.importAll(other.export(0, 100)...)
	for _, job := range append(ended, running) {
		t.refuse(outcome(job, store.Complete))
		t.refuse(store.Outcome{JobID: job.ID, Kind: store.Fail})
	}
}

func importImpossible(t *trial) {
	for _, status := range []store.JobStatus{store.Blocked, "", "done"} {
		record := aRecord(2)
		record.Job.Status = status
		err := t.store.Import(t.Context(), []store.Record{aRecord(1), record, aRecord(3)})
		if !errors.Is(err, store.ErrConflict) {
			t.Fatalf("Import of a job that is %q: %v, expected ErrConflict", status, err)
		}
	}
	t.equal("number of jobs", len(t.export(0, 10)), 0)
	t.equal("counts", t.stats().Counts, noJobs())
}

func importTexts(t *trial) {
	other := t.elsewhere()
	for i, text := range texts {
		word := words[i]
		claimed := other.running(store.NewJob{
			Type: word, Queue: word, Args: []byte(text), Metadata: json.RawMessage(`{"value":` + text + `}`), UserID: word, TargetID: word, Tags: words,
		})
		other.report(store.Report{JobID: claimed.ID, Token: claimed.Token, Progress: &store.Progress{Done: 1, Message: word, At: claimedAt},
			Lines: []store.LogLine{{Attempt: 1, At: claimedAt, Level: "WARN", Message: word, Attrs: json.RawMessage(`{"value": ` + text + `}`)}}})
		done := store.Outcome{JobID: claimed.ID, Token: claimed.Token, Kind: store.Complete, Result: json.RawMessage(text)}
		if i%2 == 0 {
			done = store.Outcome{JobID: claimed.ID, Token: claimed.Token, Kind: store.Fail, Error: word, Stack: word}
		}
		other.accept(done)
	}
	records := other.export(0, 100)
	t.importAll(records...)
	t.equal("exported again", t.export(0, 100), records)
}

func importLarge(t *trial) {
	text := json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`)
	record := aRecord(1)
	record.Job.Status, record.Job.FinishedAt, record.Position = store.Completed, finishedAt, 0
	record.Job.Args, record.Job.Result, record.Job.Metadata = text, text, json.RawMessage(`{"x":`+string(text)+`}`)
	for n := range 1000 {
		record.Log = append(record.Log, store.LogLine{JobID: 1, Attempt: 1, At: claimedAt, Level: "INFO", Message: words[n%len(words)]})
	}
	t.importAll(record)
	got := t.export(0, 10)[0]
	for name, same := range map[string]bool{
		"arguments": string(got.Job.Args) == string(record.Job.Args),
		"result":    string(got.Job.Result) == string(record.Job.Result),
		"metadata":  string(got.Job.Metadata) == string(record.Job.Metadata),
	} {
		t.equal(name+" are the same", same, true)
	}
	t.equal("log", got.Log, record.Log)
}

func importTimes(t *trial) {
	first := at(123_456 * time.Microsecond)
	last := time.Date(9999, time.December, 31, 23, 59, 59, 999_999_000, time.UTC)
	record := aRecord(1)
	record.Position = 0
	record.Job.Status, record.Job.QueuedAt, record.Job.ScheduledAt, record.Job.NextRunAt = store.Retrying, first, last, last
	record.Job.Progress = store.Progress{Done: 1, At: first}
	record.Attempts = []store.Attempt{{JobID: 1, Number: 1, Outcome: store.AttemptRetried, ProcessID: worker, FinishedAt: last, Error: "late"}}
	record.Job.Attempt, record.Job.Error, record.Job.ProcessID = 1, "late", worker
	t.importAll(record)
	t.equal("exported again", t.export(0, 10), []store.Record{record})
}

func importMany(t *trial) {
	other := t.elsewhere()
	other.enqueue(many(10_000, plain())...)
	records := other.export(0, 10_000)
	for i := 0; i < len(records); i += 500 {
		t.importAll(records[i : i+500]...)
	}
	t.importAll(records...)
	t.equal("pending", t.stats().Counts[store.Pending], int64(10_000))
	t.equal("exported again", recordIDs(t.exportAll(500)), recordIDs(records))
}

func importWakes(t *trial) {
	wakes := t.listen()
	t.importAll(aRecord(1))
	t.awake(wakes, forWork)
	waits := aRecord(2)
	waits.Job.Status, waits.Job.NextRunAt, waits.Position = store.Scheduled, dueAt, 0
	wakes = t.listen()
	t.importAll(waits)
	t.awake(wakes, forWork)
	done := aRecord(3)
	done.Job.Status, done.Job.FinishedAt, done.Position = store.Completed, finishedAt, 0
	t.importAll(done)
	t.awake(wakes, forFinished)
}

func importNothing(t *trial) {
	t.importAll()
	t.equal("counts", t.stats().Counts, noJobs())
}
