package storetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/laterjobs/later/store"
)

var countChecks = []check{
	{"a count agrees with the list", countAgrees},
	{"a count is of jobs wherever they are", countPlaces},
	{"a count goes on where it stopped", countGoesOn},
	{"a count that makes no sense is refused", countRefuses},
}

// tallied is what a count of listed jobs should be.
func tallied(jobs []store.Job, by []store.CountBy) (counted store.Counted) {
	for i := range jobs {
		group := store.CountGroup{Jobs: 1}
		for _, one := range by {
			group.Values = append(group.Values, one.Of(&jobs[i]))
		}
		counted.Add(store.Counted{Jobs: 1, Groups: []store.CountGroup{group}})
	}
	return counted
}

// counts insists that a count agrees with what a list of the same filter shows.
func (t *trial) counts(f store.Filter, by ...store.CountBy) store.Counted {
	t.Helper()
	counted, err := t.store.Count(t.Context(), f, by, store.Reach{})
	t.must("Count", err)
	f.Limit = 1000
	jobs, err := t.store.List(t.Context(), f)
	t.must("List", err)
	want := tallied(jobs, by)
	want.Looked = counted.Looked // a store's own affair
	t.equal(fmt.Sprintf("the count of %+v by %v", f, by), counted, want)
	return counted
}

// someBy are ways to count: each alone, none and all.
func someBy() [][]store.CountBy {
	ways := [][]store.CountBy{nil, store.CountBys, {store.CountByUser, store.CountByStatus}}
	for _, by := range store.CountBys {
		ways = append(ways, []store.CountBy{by})
	}
	return ways
}

func countAgrees(t *trial) {
	mail := store.NewJob{Type: "Mail", Queue: "mail", Args: []byte(`{"n":1}`), UserID: "ada", TargetID: "order/9", Tags: []string{"eu"}, Priority: 10}
	report := store.NewJob{Type: "Report", Queue: "slow", Args: []byte(`{"n":2}`), UserID: "bob"}
	odd := store.NewJob{Type: "Größe", Queue: "1:a", Args: []byte(`{"n":1}`), UserID: "1:a1:b"}
	ids := t.enqueue(mail, report, odd, mail, report, plain())
	for _, f := range []store.Filter{
		{}, {IDs: ids[1:4]}, {IDs: []int64{}}, {Type: "Mail"}, {Queue: "slow"}, {User: "ada"}, {Target: "order/9"}, {Tag: "eu"}, {Text: `"n":1`}, {Before: ids[3]},
		{Status: []store.JobStatus{store.Pending}}, {Status: []store.JobStatus{store.Failed}}, {Status: []store.JobStatus{store.Pending, store.Running}, User: "ada"},
		within(store.FieldArgs, "n", is("1")), not(within(store.FieldArgs, "n", is("1"))), where(store.FieldType, is("Mail"), is("Report")),
		where(store.FieldPriority, op(store.AtLeast, "10")), where(store.FieldUser, is("a\x00b")), {Type: "Mail", Limit: 1},
	} {
		for _, by := range someBy() {
			t.counts(f, by...)
		}
	}
	t.equal("the count of all", t.counts(store.Filter{}).Jobs, int64(6))
	t.equal("the count of nobody's", t.counts(store.Filter{User: "eve"}), store.Counted{})
}

func countPlaces(t *trial) {
	of := t.oneOfEach()
	t.equal("statuses", len(t.counts(store.Filter{}, store.CountByStatus).Groups), len(of))
	every := store.Filter{Match: []store.Condition{{Field: store.FieldPriority, AnyOf: []store.Test{{Op: store.AtLeast, Value: "-9"}}}}}
	for _, f := range []store.Filter{every, {Type: plain().Type}, {Status: []store.JobStatus{store.Failed, store.Scheduled, store.Running}}, within(store.FieldArgs, "n", op(store.Prefix, ""))} {
		for _, by := range someBy() {
			t.counts(f, by...)
		}
	}
	for status := range of {
		for _, by := range someBy() {
			t.counts(store.Filter{Status: []store.JobStatus{status}}, by...)
			t.counts(store.Filter{Status: []store.JobStatus{status}, Type: plain().Type}, by...)
		}
	}
	failed := t.get(of[store.Failed])
	if failed.Cause != 0 {
		t.counts(store.Filter{Cause: failed.Cause}, store.CountByStatus)
	}
}

func countGoesOn(t *trial) {
	const jobs = 60
	for n := range jobs {
		job := withArgs(fmt.Sprintf(`{"n":%d}`, n%7))
		job.Queue = fmt.Sprintf("q%d", n%3)
		t.enqueue(job)
	}
	for _, f := range []store.Filter{{}, {Type: withArgs("{}").Type}, {Status: []store.JobStatus{store.Pending, store.Failed}}, within(store.FieldArgs, "n", is("3"))} {
		var whole store.Counted
		for parts := 1; ; parts++ {
			part, err := t.store.Count(t.Context(), f, []store.CountBy{store.CountByQueue}, store.Reach{Jobs: 10})
			t.must("Count", err)
			if part.Looked > 10 || part.Jobs > part.Looked {
				t.Fatalf("Count has counted %d jobs, and looked at %d of at most 10", part.Jobs, part.Looked)
			}
			whole.Add(part)
			if part.Next == 0 {
				break
			}
			if parts > jobs {
				t.Fatalf("%d parts have no end", parts)
			}
			f.Before = part.Next
		}
		f.Before = 0
		t.equal("looked at", whole.Looked, int64(jobs))
		t.equal("the parts together", whole.Groups, t.counts(f, store.CountByQueue).Groups)
	}
}

func countRefuses(t *trial) {
	t.enqueue(plain())
	refused := func(f store.Filter, by ...store.CountBy) {
		if _, err := t.store.Count(t.Context(), f, by, store.Reach{}); !errors.Is(err, store.ErrInvalidFilter) {
			t.Errorf("a count of %+v by %v: %v, expected ErrInvalidFilter", f, by, err)
		}
	}
	refused(where("colour", is("red")))
	refused(store.Filter{}, "colour")
	refused(store.Filter{}, "")
	refused(store.Filter{}, slices.Concat(store.CountBys, []store.CountBy{store.CountByType})...)
}
