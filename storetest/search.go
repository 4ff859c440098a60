package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/laterjobs/later/store"
)

var searchChecks = []check{
	{"every condition selects what it says", searchConditions},
	{"arguments of redacted types are not looked through", searchRedacted},
	{"numbers in JSON are exact", searchNumbers},
	{"JSON that a database may not like hides no job", searchOddJSON},
	{"conditions on statuses that differ in their place", searchPlaces},
	{"a condition that makes no sense is refused", searchRefuses},
	{"a filter survives JSON", searchEncoded},
	{"a search goes on where it stopped", searchGoesOn},
	{"a search finds what an index finds however old it is", searchIndexed},
	{"bulk verbs reach all that a condition selects", searchBulk},
}

// where is a filter of one condition.
func where(field store.Field, tests ...store.Test) store.Filter {
	return store.Filter{Match: []store.Condition{{Field: field, AnyOf: tests}}}
}

func within(field store.Field, path string, tests ...store.Test) store.Filter {
	f := where(field, tests...)
	f.Match[0].Path = []string{path}
	return f
}

func not(f store.Filter) store.Filter {
	f.Match[0].Not = true
	return f
}

func is(value string) store.Test              { return store.Test{Value: value} }
func op(op store.Op, value string) store.Test { return store.Test{Op: op, Value: value} }

// selects insists that a filter selects those jobs of all, and its negation the others.
func (t *trial) selects(all []int64, f store.Filter, which ...int) {
	t.Helper()
	want := pick(all, which...)
	slices.Sort(want)
	slices.Reverse(want)
	what := fmt.Sprintf("the jobs of %+v", f.Match)
	t.equal(what, t.list(f), want)
	f.Match = slices.Clone(f.Match)
	f.Match[0].Not = !f.Match[0].Not
	rest := slices.DeleteFunc(slices.Clone(all), func(id int64) bool { return slices.Contains(want, id) })
	slices.Reverse(rest)
	t.equal("not "+what, t.list(f), rest)
}

func searchConditions(t *trial) {
	tick := at(0)
	mail := store.NewJob{Type: "EmailJob", Queue: "mail", Args: []byte(`{"user_id":42,"order":{"id":"o-9"},"ok":true,"none":null}`), UserID: "ada", TargetID: "order/9", Tags: []string{"test", "eu"}, Priority: 10}
	report := store.NewJob{Type: "EmailReport", Queue: "mail-slow", Args: []byte(`{"user_id":"42","order":{"id":"o-10"},"list":[{"n":7},{"n":8}]}`), Metadata: []byte(`{"key":"value","n":1.50}`), UserID: "Ada"}
	bare := store.NewJob{Type: "Größe", Queue: "a%b", Args: []byte(`"Ärger 100%"`), Options: &store.Options{Schedule: "nightly", Tick: tick, Unique: &store.Unique{Key: "k-1", Scope: store.UniqueUntilDone}}}
	ids := t.enqueue(mail, report, bare)
	for _, test := range []struct {
		filter store.Filter
		which  []int
	}{
		{where(store.FieldType, is("EmailJob"), is("Größe")), []int{0, 2}},
		{where(store.FieldType, op(store.Prefix, "Email")), []int{0, 1}},
		{where(store.FieldType, op(store.Prefix, "email")), nil},
		{where(store.FieldType, op(store.Prefix, "EmailJ"), is("Größe"), is("x")), []int{0, 2}},
		{where(store.FieldQueue, op(store.Prefix, "mail")), []int{0, 1}},
		{where(store.FieldQueue, op(store.Prefix, "a%")), []int{2}},
		{where(store.FieldQueue, op(store.Prefix, "_")), nil},
		{where(store.FieldUser, is("ada")), []int{0}},
		{where(store.FieldUser, op(store.Prefix, "")), []int{0, 1}},
		{where(store.FieldTarget, op(store.Prefix, "order/")), []int{0}},
		{where(store.FieldTag, is("eu"), is("us")), []int{0}},
		{where(store.FieldTag, op(store.Prefix, "t")), []int{0}},
		{where(store.FieldTag, op(store.Prefix, "")), []int{0}},
		{where(store.FieldKey, is("k-1")), []int{2}},
		{where(store.FieldKey, op(store.Prefix, "")), []int{2}},
		{where(store.FieldSchedule, op(store.Prefix, "night")), []int{2}},
		{where(store.FieldPriority, op(store.AtLeast, "10")), []int{0}},
		{where(store.FieldPriority, op(store.Below, "1000000")), []int{0, 1, 2}},
		{where(store.FieldID, store.Test{Op: store.Between, Value: fmt.Sprint(ids[1]), To: fmt.Sprint(ids[2])}), []int{1, 2}},
		{where(store.FieldID, is(fmt.Sprint(ids[0])), op(store.Above, fmt.Sprint(ids[1]))), []int{0, 2}},
		{where(store.FieldText, op(store.Contain, "O-9")), []int{0}},
		{where(store.FieldWord, op(store.Contain, "email")), []int{0, 1}},
		{where(store.FieldWord, op(store.Contain, "100%")), []int{2}},
		{where(store.FieldText, op(store.Contain, "EmailJob")), nil},
		{where(store.FieldText, op(store.Prefix, "")), []int{0, 1, 2}},
		{within(store.FieldArgs, "user_id", is("42")), []int{0, 1}},
		{within(store.FieldArgs, "user_id", op(store.Above, "41")), []int{0}},
		{within(store.FieldArgs, "user_id", op(store.Prefix, "4")), []int{0, 1}},
		{within(store.FieldArgs, "ok", is("true")), []int{0}},
		{within(store.FieldArgs, "none", is("null")), []int{0}},
		{within(store.FieldArgs, "none", op(store.Prefix, "")), []int{0}},
		{within(store.FieldArgs, "order", op(store.Prefix, "")), []int{0, 1}},
		{within(store.FieldArgs, "order", is("o-9")), nil},
		{within(store.FieldMetadata, "key", is("value"), is("other")), []int{1}},
		{within(store.FieldMetadata, "n", is("1.5")), []int{1}},
		{within(store.FieldMetadata, "n", store.Test{Op: store.Between, Value: "1", To: "1.5"}), []int{1}},
		{where(store.FieldQueued, is(enqueuedAt.Format(time.RFC3339Nano))), []int{0, 1, 2}},
		{where(store.FieldQueued, op(store.Above, enqueuedAt.Format(time.RFC3339Nano))), nil},
		{where(store.FieldUser, is("a\x00b"), is("\xff")), nil},
		{where(store.FieldWord, op(store.Contain, "a\x00b")), nil},
		{within(store.FieldArgs, "a\x00b", is("a\x00b")), nil},
	} {
		t.selects(ids, test.filter, test.which...)
	}
	deep := within(store.FieldArgs, "order", is("o-9"))
	deep.Match[0].Path = []string{"order", "id"}
	t.selects(ids, deep, 0)
	deep.Match[0].Path, deep.Match[0].AnyOf = []string{"list", "n"}, []store.Test{is("8")}
	t.selects(ids, deep, 1)
	deep.Match[0].Path = []string{"list", "0", "n"}
	t.selects(ids, deep)
	both := where(store.FieldType, op(store.Prefix, "Email"))
	both.Match = append(both.Match, not(where(store.FieldTag, is("test"))).Match...)
	t.equal("jobs of two conditions", t.list(both), pick(ids, 1))
	twice := store.Filter{User: "ada"}
	twice.Match = where(store.FieldUser, is("Ada")).Match
	t.equal("jobs of two users at once", t.list(twice), []int64{})
}

func searchRedacted(t *trial) {
	pay := store.NewJob{Type: "PayJob", Queue: "default", Args: []byte(`{"card":"4242"}`)}
	mail := store.NewJob{Type: "EmailJob", Queue: "default", Args: []byte(`{"about":"4242"}`)}
	named := store.NewJob{Type: "Job4242", Queue: "default", Args: []byte(`{}`)}
	ids := t.enqueue(pay, mail, named)
	for _, types := range [][]string{{"PayJob"}, {"PayJob", "a\x00b", "Other"}, slices.Repeat([]string{"PayJob"}, 400)} {
		word, text := where(store.FieldWord, op(store.Contain, "4242")), where(store.FieldText, op(store.Contain, "4242"))
		word.Redacted, text.Redacted = types, types
		t.selects(ids, word, 1, 2)
		t.selects(ids, text, 1)
		t.equal("jobs with a text", t.list(store.Filter{Text: "4242", Redacted: types}), pick(ids, 1))
		held := within(store.FieldArgs, "card", is("4242"))
		held.Redacted = types
		t.selects(ids, held, 0) // whether that may be asked is not for the store to say
	}
	deleted, err := t.store.Delete(t.Context(), store.Filter{Text: "4242", Redacted: []string{"PayJob"}}, nil)
	t.must("Delete", err)
	t.equal("deleted", deleted, pick(ids, 1))
}

func searchNumbers(t *trial) {
	var jobs []store.NewJob
	numbers := []string{"9007199254740993", "9007199254740992", "18446744073709551617", "4.2e1", "42.0", "-0", "1e999999999", "0.1", "-7", "420e-1"}
	for _, n := range numbers {
		jobs = append(jobs, withArgs(`{"n":`+n+`}`))
	}
	ids := t.enqueue(jobs...)
	for value, which := range map[string][]int{
		"9007199254740993": {0}, "9007199254740992": {1}, "18446744073709551617": {2}, "18446744073709551616": nil, "42": {3, 4, 9}, "42.00": {3, 4, 9},
		"0": {5}, "1e999999999": {6}, "10e999999998": {6}, "0.10": {7}, "1e-1": {7}, "-7": {8},
	} {
		t.selects(ids, within(store.FieldArgs, "n", is(value)), which...)
	}
	t.selects(ids, within(store.FieldArgs, "n", op(store.Above, "9007199254740992")), 0, 2, 6)
	t.selects(ids, within(store.FieldArgs, "n", op(store.Below, "0")), 8)
	t.selects(ids, within(store.FieldArgs, "n", store.Test{Op: store.Between, Value: "0", To: "42"}), 3, 4, 5, 7, 9)
}

func searchOddJSON(t *trial) {
	ids := t.enqueue(withArgs(`{"a":"\ud800","b":1}`), withArgs(`{"a":"x\u0041","b":1}`), withArgs(`[1,2]`), withArgs(`7`), withArgs(`{"\u0062":1,"b\\":2}`))
	t.selects(ids, within(store.FieldArgs, "b", is("1")), 0, 1, 4)
	t.selects(ids, within(store.FieldArgs, "a", is("xA")), 1)
	t.selects(ids, within(store.FieldArgs, "0", is("1")), 2)
	t.selects(ids, within(store.FieldArgs, `b\`, is("2")), 4)
}

// searchPlaces: what a condition looks at stands in another table in each status.
func searchPlaces(t *trial) {
	of := t.oneOfEach()
	var all []int64
	for _, id := range of {
		all = append(all, id)
	}
	slices.Sort(all)
	jobs := map[int64]store.Job{}
	for _, id := range all {
		jobs[id] = t.get(id)
	}
	stamp := func(when time.Time) string { return when.UTC().Format(time.RFC3339Nano) }
	filters := []store.Filter{
		where(store.FieldAttempt, op(store.AtLeast, "1")), where(store.FieldAttempt, is("0")), where(store.FieldCrashes, op(store.Above, "0")),
		where(store.FieldProcess, op(store.AtLeast, "0")), where(store.FieldError, op(store.Prefix, "")), where(store.FieldError, op(store.Contain, "BROKEN")),
		where(store.FieldTook, op(store.AtLeast, "0s")), where(store.FieldTook, op(store.Above, "1s")), where(store.FieldTook, op(store.Below, "1h")),
		where(store.FieldTook, op(store.Between, "1ms")), where(store.FieldStarted, op(store.AtLeast, stamp(claimedAt))), where(store.FieldStarted, is(stamp(claimedAt))),
		where(store.FieldFinished, op(store.Above, stamp(enqueuedAt))), where(store.FieldFinished, op(store.Below, stamp(enqueuedAt))),
		where(store.FieldRuns, op(store.Above, stamp(enqueuedAt))), where(store.FieldScheduled, op(store.Above, stamp(enqueuedAt))),
		where(store.FieldPriority, is("0")), where(store.FieldKey, op(store.Prefix, "")),
	}
	for i := range filters {
		if filters[i].Match[0].AnyOf[0].Op == store.Between {
			filters[i].Match[0].AnyOf[0].To = "24h"
		}
		for _, statuses := range [][]store.JobStatus{nil, {store.Failed, store.Running}, {store.Scheduled, store.Completed, store.Pending}} {
			f := filters[i]
			f.Status = statuses
			want := []int64{}
			for _, id := range reversed(all) {
				if job := jobs[id]; f.Match[0].Holds(&job) && (statuses == nil || slices.Contains(statuses, job.Status)) {
					want = append(want, id)
				}
			}
			t.equal(fmt.Sprintf("the jobs of %+v", f), t.list(f), want)
		}
	}
}

func searchRefuses(t *trial) {
	t.enqueue(plain())
	for _, f := range []store.Filter{
		where("colour", is("red")), where(store.FieldType), where(store.FieldType, op("~", "x")), where(store.FieldAttempt, is("many")),
		where(store.FieldTook, is("5")), where(store.FieldQueued, is("today")), where(store.FieldArgs, is("x")), within(store.FieldType, "x", is("y")),
		within(store.FieldArgs, "n", op(store.Above, "x")), where(store.FieldError, op(store.Prefix, "x")), where(store.FieldText, is("x")),
		where(store.FieldText, op(store.Contain, "")), where(store.FieldUser, is("")), where(store.FieldAttempt, op(store.Between, "1")),
	} {
		_, listed := t.store.List(t.Context(), f)
		_, searched := t.store.Search(t.Context(), f, store.Reach{})
		_, deleted := t.store.Delete(t.Context(), f, nil)
		_, cancelled := t.store.Cancel(t.Context(), f, "", at(0), nil)
		for _, err := range []error{listed, searched, deleted, cancelled} {
			if !errors.Is(err, store.ErrInvalidFilter) {
				t.Errorf("%+v: %v, expected ErrInvalidFilter", f.Match, err)
			}
		}
	}
	t.equal("number of jobs left", len(t.list(store.Filter{})), 1)
}

func searchEncoded(t *trial) {
	ids := t.enqueue(many(3, plain())...)
	for _, f := range []store.Filter{{}, {IDs: []int64{}}, {IDs: ids[:1]}, not(where(store.FieldID, is(fmt.Sprint(ids[1])))), {QueuedBefore: at(time.Microsecond)}} {
		text, err := json.Marshal(f)
		t.must("Marshal", err)
		var read store.Filter
		t.must("Unmarshal", json.Unmarshal(text, &read))
		t.equal("the jobs of "+string(text), t.list(read), t.list(f))
	}
	t.equal("jobs of no ids", t.list(store.Filter{IDs: []int64{}}), []int64{})
}

func searchGoesOn(t *trial) {
	var ids, want []int64
	for n := range 60 {
		job := withArgs(fmt.Sprintf(`{"n":%d}`, n%7))
		ids = append(ids, t.enqueue(job)...)
		if n%7 == 3 {
			want = append(want, ids[n])
		}
	}
	slices.Reverse(want)
	for _, limit := range []int{1, 2, 3, 100} {
		f := within(store.FieldArgs, "n", is("3"))
		f.Limit = limit
		var all []int64
		looks := 0
		for {
			found, err := t.store.Search(t.Context(), f, store.Reach{Jobs: 10})
			t.must("Search", err)
			for _, job := range found.Jobs {
				all = append(all, job.ID)
			}
			if len(found.Jobs) > limit || found.Looked > 10 {
				t.Fatalf("Search found %d jobs of at most %d, and looked at %d of at most 10", len(found.Jobs), limit, found.Looked)
			}
			if looks++; found.Next == 0 || looks > len(ids) {
				break
			}
			f.Before = found.Next
		}
		t.equal("jobs", all, want)
		if looks < len(ids)/10 {
			t.Errorf("%d looks at no more than 10 jobs have seen %d", looks, len(ids))
		}
	}
	found, err := t.store.Search(t.Context(), store.Filter{}, store.Reach{})
	t.must("Search", err)
	t.equal("jobs of all", len(found.Jobs), len(ids))
	t.equal("next", found.Next, int64(0))
	found, err = t.store.Search(t.Context(), store.Filter{Limit: len(ids)}, store.Reach{})
	t.must("Search", err)
	t.equal("next of a page that is just full", found.Next, int64(0))
}

// searchIndexed: what an index answers is not looked for.
func searchIndexed(t *trial) {
	rare := plain()
	rare.Type, rare.UserID = "Rare", "ada"
	id := t.enqueue(rare)[0]
	t.enqueue(many(50, plain())...)
	for _, f := range []store.Filter{
		{Type: "Rare"}, {User: "ada"}, {IDs: []int64{id}}, {Type: "Rare", Status: []store.JobStatus{store.Pending}}, {User: "ada", Text: "{"},
		where(store.FieldType, is("Rare"), is("Rarer")), where(store.FieldID, op(store.AtMost, fmt.Sprint(id))),
	} {
		found, err := t.store.Search(t.Context(), f, store.Reach{Jobs: 5})
		t.must("Search", err)
		if len(found.Jobs) != 1 || found.Jobs[0].ID != id || found.Next != 0 {
			t.Errorf("%+v: found %d jobs, next %d; expected job %d alone", f, len(found.Jobs), found.Next, id)
		}
	}
}

func searchBulk(t *trial) {
	var jobs []store.NewJob
	for n := range 40 {
		jobs = append(jobs, withArgs(fmt.Sprintf(`{"n":%d}`, n%4)))
	}
	ids := t.enqueue(jobs...)
	var third []int
	for n := range ids {
		if n%4 == 2 {
			third = append(third, n)
		}
	}
	f := within(store.FieldArgs, "n", is("2"))
	t.equal("rescheduled jobs", t.reschedule(f, at(9*time.Hour)), pick(ids, third...))
	f.Limit = 3
	t.equal("cancelled jobs", t.cancelBy(f), pick(ids, third[len(third)-3:]...))
	f.Limit = 0
	t.equal("retried jobs", len(t.retry(f)), 3)
	t.equal("deleted jobs", t.delete(f), pick(ids, third...))
	t.equal("number of jobs left", len(t.list(store.Filter{Limit: 100})), len(ids)-len(third))
}
