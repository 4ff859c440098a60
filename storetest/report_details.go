package storetest

import (
	"encoding/json"

	"github.com/laterjobs/later/store"
)

// described is a job with metadata and tags of its own.
func described() store.NewJob {
	n := plain()
	n.Metadata, n.Tags = json.RawMessage(`{"from":"shop"}`), []string{"first"}
	return n
}

// details is a report of metadata and tags, each nil to leave it unchanged.
func details(job store.Job, metadata string, tags ...string) store.Report {
	r := store.Report{JobID: job.ID, Token: job.Token, Tags: tags}
	if metadata != "" {
		r.Metadata = json.RawMessage(metadata)
	}
	return r
}

func (t *trial) wantDetails(id int64, metadata string, tags ...string) {
	t.Helper()
	job := t.get(id)
	t.equal("metadata", string(job.Metadata), metadata)
	t.equal("tags", job.Tags, tags)
}

func reportDetails(t *trial) {
	job := t.running(described())
	t.report(details(job, `{"to":"é \\ \"quoted\""}`))
	t.wantDetails(job.ID, `{"to":"é \\ \"quoted\""}`, "first")
	t.report(details(job, "", "first", `a "quoted", {braced}`, `back\slash`, "NULL"))
	tags := []string{"first", `a "quoted", {braced}`, `back\slash`, "NULL"}
	t.wantDetails(job.ID, `{"to":"é \\ \"quoted\""}`, tags...)
	t.accept(outcome(job, store.Retry))
	t.wantDetails(job.ID, `{"to":"é \\ \"quoted\""}`, tags...)
}

func reportLastDetails(t *trial) {
	job, other := t.running(described()), t.running(inQueue("other"))
	t.report(details(job, `{"n":1}`, "one"), details(other, `{"o":1}`), details(job, `{"n":2}`), details(job, "", "two"), details(other, "", "o"))
	t.wantDetails(job.ID, `{"n":2}`, "two")
	t.wantDetails(other.ID, `{"o":1}`, "o")
}

func reportDetailsStale(t *trial) {
	job := t.running(described())
	before := t.whole(job.ID)
	for _, token := range []int64{0, -1, job.Token + 1} {
		stale := job
		stale.Token = token
		t.report(details(stale, `{"ghost":true}`, "ghost"))
	}
	t.equal("job after stale reports", t.whole(job.ID), before)
	t.accept(outcome(job, store.Complete))
	before = t.whole(job.ID)
	t.report(details(job, `{"ghost":true}`, "ghost"))
	t.equal("job after a late report", t.whole(job.ID), before)
}
