package storetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/laterjobs/later/store"
)

// FuzzFilters compares a store with the reference: whatever a filter says, it selects
// the same jobs, in the same pages. It is the body of a fuzz target.
func FuzzFilters(f *testing.F, open func(t testing.TB) store.Store) {
	s, reference := newTrial(f, open(f)), newTrial(f, NewReference())
	records := variety()
	s.importAll(records...)
	reference.importAll(records...)
	claim := store.Demand{Token: 1 << 41, Types: []string{"Mail"}, Limit: 2}
	s.equal("claimed jobs", s.claimIDs(claim), reference.claimIDs(claim))

	year := at(0).Unix()
	f.Add("", "", "", "", "", "", uint8(0), uint16(0), int64(0), int64(0), int64(0), int64(0), int64(0), 0)
	f.Add("Mail", "default", "ada", "", "red", "HELLO", uint8(0xff), uint16(0xf0f), year, year+60, year, year+300, int64(9), 3)
	f.Add("Größe", "räume", "", "zwölf", "ß", "ÄRGER", uint8(0x10), uint16(0), int64(0), year, int64(0), int64(0), int64(1<<62), -1)
	f.Add("'; DROP TABLE x; --", `"`, `\`, "$1", "?", `100%_\`, uint8(0x21), uint16(1), int64(0), int64(0), year, year, int64(-1), 1)
	f.Add("", "", "", "", "", "", uint8(0), uint16(0), int64(0), int64(0), int64(0), int64(0), int64(-93), 0)
	f.Add("a\x00b", "\x00", "", "", "\x00", "b\x00", uint8(0), uint16(0), int64(0), int64(0), int64(0), int64(0), int64(0), 2)
	f.Add("", "", "\xff", "", "", "\xed\xa0\x80", uint8(0), uint16(0), int64(-1<<63), int64(1<<63-1), int64(-1<<60), int64(1<<60), int64(0), 1<<31)
	f.Add("", "", "", "", "", strings.Repeat("long ", 20_000), uint8(0), uint16(0), int64(0), int64(0), int64(0), int64(0), int64(0), 0)
	f.Fuzz(func(t *testing.T, jobType, queue, user, target, tag, text string, statuses uint8, ids uint16,
		queuedAfter, queuedBefore, finishedAfter, finishedBefore, before int64, limit int) {
		filter := store.Filter{
			Type: jobType, Queue: queue, User: user, Target: target, Tag: tag, Text: text, Before: before, Limit: limit,
			QueuedAfter: second(queuedAfter), QueuedBefore: second(queuedBefore),
			FinishedAfter: second(finishedAfter), FinishedBefore: second(finishedBefore),
		}
		for i, status := range store.Statuses {
			if statuses>>i&1 == 1 {
				filter.Status = append(filter.Status, status)
			}
		}
		for id := range 16 {
			if ids>>id&1 == 1 {
				filter.IDs = append(filter.IDs, int64(id))
			}
		}
		got, want := (&trial{TB: t, store: s.store}), (&trial{TB: t, store: reference.store})
		got.equal(fmt.Sprintf("the jobs of %+v", filter), got.list(filter), want.list(filter))
		if limit > 0 {
			got.equal(fmt.Sprintf("the pages of %+v", filter), got.allPages(filter), want.allPages(filter))
		}
	})
}

// second is a time of the filter; 0 is none.
func second(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0).UTC()
}

// allPages lists all that a filter selects, page by page.
func (t *trial) allPages(f store.Filter) (found []int64) {
	t.Helper()
	for {
		page := t.list(f)
		if len(page) == 0 {
			return found
		}
		found = append(found, page...)
		f.Before = page[len(page)-1]
	}
}

// variety is jobs that differ in all that a filter looks at.
func variety() (records []store.Record) {
	types, queues := []string{"Mail", "Report", "Größe"}, []string{"default", "räume"}
	people, targets := []string{"", "ada", "Ada", "zoë"}, []string{"", "order-7", "zwölf"}
	tags := [][]string{nil, {"red"}, {"red", "ß"}, {`"`, "100%"}}
	texts := []string{`{}`, `"Hello"`, `{"x":"ärger 100%_\\"}`, `"Ärger"`, `["?","$1","'"]`}
	statuses := []store.JobStatus{store.Pending, store.Scheduled, store.Retrying, store.Completed, store.Failed, store.Cancelled}
	for n := range 30 {
		id := int64(n + 1)
		job := store.Job{
			ID: id, Type: types[n%3], Queue: queues[n/3%2], Status: statuses[n%6], Args: []byte(texts[n%5]),
			UserID: people[n%4], TargetID: targets[n/2%3], Tags: tags[n/4%4], QueuedAt: at(time.Duration(n) * 10 * time.Second),
		}
		record := store.Record{Job: job}
		switch {
		case job.Status.Finished():
			record.Job.FinishedAt, record.Job.Attempt = job.QueuedAt.Add(time.Minute), 1
			if job.Status != store.Completed {
				record.Job.Error = "Hello " + texts[n/2%5]
			}
		case job.Status != store.Pending:
			record.Job.NextRunAt = at(time.Hour)
		}
		records = append(records, record)
	}
	return records
}

// FuzzTexts puts texts wherever a store keeps any: they come back byte for byte. It is
// the body of a fuzz target.
func FuzzTexts(f *testing.F, open func(t testing.TB) store.Store) {
	s := open(f)
	newTrial(f, s).knowWorker()
	for _, args := range []string{
		`{"n":9007199254740993}`, `{"n":1e400}`, `{"n":-0.0,"n":1E-999}`, `"\ud800"`, `"\udc00\ud800"`, `{"a":1,"a":2}`, ` [ 1 , 2 ] `, `""`, `null`,
		strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000), strings.Repeat(`{"a":`, 9_000) + "1" + strings.Repeat("}", 9_000),
		`"` + strings.Repeat("ü", 100_000) + `"`, "\"\u2028\u202e\ufeff\x7f\"",
	} {
		f.Add([]byte(args), "Mail", "default", "ada", "7", "red", "broken", "main.go:1")
	}
	f.Add([]byte(`{}`), "'", `"`, `\`, `\x`, `{"a",NULL}`, "\x01\n\r\t\u0085", "€𝄞")
	f.Add([]byte(`{}`), " ", "NULL", "null", "%", ",", strings.Repeat("é", 32<<10), "\xff")
	f.Fuzz(func(t *testing.T, args []byte, jobType, queue, user, target, tag, text, stack string) {
		for _, s := range []string{jobType, queue, user, target, tag, text, stack, string(args)} {
			if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
				t.Skip("refused at the door")
			}
		}
		if !json.Valid(args) || bytes.Contains(args, []byte(`\u0000`)) || jobType == "" || queue == "" || tag == "" || max(len(user), len(target), len(tag), len(jobType), len(queue)) > 128 {
			t.Skip("refused at the door")
		}
		trial := newTrial(t, s)
		trial.roundTrip(store.NewJob{
			Type: jobType, Queue: queue, Args: args, Metadata: args, UserID: user, TargetID: target, Tags: []string{tag, tag},
		}, text, stack)
	})
}

// roundTrip enqueues a job, lets it fail and deletes it.
func (t *trial) roundTrip(job store.NewJob, text, stack string) {
	t.Helper()
	id := t.enqueue(job)[0]
	t.equal("selected jobs", t.list(store.Filter{Type: job.Type, Queue: job.Queue, User: job.UserID, Target: job.TargetID, Tag: job.Tags[0]}), []int64{id})
	t.equal("types of queues", slices.ContainsFunc(t.stats().Queues, func(q store.QueueStats) bool { return q.Name == job.Queue }), true)
	claimed := t.claim(store.Demand{Types: []string{job.Type}, Queues: map[string]int{job.Queue: 1}, Limit: 1, Token: time.Now().UnixNano()})
	t.equal("claimed jobs", idsOf(claimed), []int64{id})
	failed := outcome(claimed[0], store.Fail)
	failed.Error, failed.Stack = text, stack
	t.accept(failed)
	got := t.get(id)
	t.equal("arguments", string(got.Args), string(job.Args))
	t.equal("metadata", string(got.Metadata), string(job.Metadata))
	t.equal("texts", []string{got.Type, got.Queue, got.UserID, got.TargetID, got.Error},
		[]string{job.Type, job.Queue, job.UserID, job.TargetID, text})
	t.equal("tags", got.Tags, job.Tags)
	t.equal("stack", t.attempts(id)[0].Stack, stack)
	_, err := t.store.Delete(t.Context(), store.Filter{IDs: []int64{id}}, nil)
	t.must("Delete", err)
}

// FuzzConditions compares a store with the reference: whatever a condition says, it holds
// of the same jobs, or both refuse it. It is the body of a fuzz target.
func FuzzConditions(f *testing.F, open func(t testing.TB) store.Store) {
	s, reference := newTrial(f, open(f)), newTrial(f, NewReference())
	records := variety()
	for i := range records {
		records[i].Job.Metadata = []byte(`{"n":[1,2.50,{"deep":"x"}],"s":"a\u0042"}`)
	}
	s.importAll(records...)
	reference.importAll(records...)
	fields := []store.Field{
		store.FieldType, store.FieldQueue, store.FieldUser, store.FieldTarget, store.FieldTag, store.FieldKey, store.FieldSchedule, store.FieldError,
		store.FieldText, store.FieldWord, store.FieldID, store.FieldAttempt, store.FieldCrashes, store.FieldPriority, store.FieldProcess, store.FieldTook,
		store.FieldQueued, store.FieldScheduled, store.FieldStarted, store.FieldFinished, store.FieldRuns, store.FieldArgs, store.FieldMetadata, "none",
	}
	ops := []store.Op{store.Equal, store.Prefix, store.Contain, store.Below, store.AtMost, store.Above, store.AtLeast, store.Between}
	for i := range fields {
		f.Add(uint8(i), uint8(i), "1", "2", "n", false, uint8(0))
		f.Add(uint8(i), uint8(2), "a", "", "s", true, uint8(3))
	}
	f.Add(uint8(15), uint8(7), "-2562047h", "2562047h", "", false, uint8(0))
	f.Add(uint8(16), uint8(3), "0000-01-01T00:00:00Z", "", "", true, uint8(0))
	f.Add(uint8(19), uint8(6), "9999-12-31T23:59:59Z", "", "", false, uint8(0))
	f.Add(uint8(22), uint8(0), "2.5", "", "n", false, uint8(0))
	f.Add(uint8(22), uint8(1), "aB", "", "s", false, uint8(0))
	f.Add(uint8(10), uint8(3), "-9223372036854775808", "", "", false, uint8(0))
	f.Add(uint8(4), uint8(0), "\x00", "", "", true, uint8(0))
	f.Fuzz(func(t *testing.T, field, op uint8, value, to, path string, not bool, statuses uint8) {
		c := store.Condition{
			Field: fields[int(field)%len(fields)], Not: not,
			AnyOf: []store.Test{{Op: ops[int(op)%len(ops)], Value: value, To: to}, {Value: to}},
		}
		if path != "" {
			c.Path = strings.Split(path, ".")
		}
		if to == "" {
			c.AnyOf = c.AnyOf[:1]
		}
		filter := store.Filter{Match: []store.Condition{c}}
		for i, status := range store.Statuses {
			if statuses>>i&1 == 1 {
				filter.Status = append(filter.Status, status)
			}
		}
		got, want := (&trial{TB: t, store: s.store}), (&trial{TB: t, store: reference.store})
		if filter.Check() != nil {
			if _, err := s.store.List(t.Context(), filter); err == nil {
				t.Errorf("%+v was not refused", filter)
			}
			return
		}
		got.equal(fmt.Sprintf("the jobs of %+v", filter), got.list(filter), want.list(filter))
	})
}
