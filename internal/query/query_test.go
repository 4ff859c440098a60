package query

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/laterjobs/later/store"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

// match is a filter of one condition.
func match(field store.Field, tests ...store.Test) store.Filter {
	return store.Filter{Match: []store.Condition{{Field: field, AnyOf: tests}}}
}

func not(f store.Filter) store.Filter {
	f.Match[0].Not = true
	return f
}

func at(f store.Filter, path ...string) store.Filter {
	f.Match[0].Path = path
	return f
}

func is(v string) store.Test              { return store.Test{Value: v} }
func op(op store.Op, v string) store.Test { return store.Test{Op: op, Value: v} }

func TestParse(t *testing.T) {
	word := func(text string) store.Condition {
		return store.Condition{Field: store.FieldWord, AnyOf: []store.Test{{Op: store.Contain, Value: text}}}
	}
	between := func(a, b string) store.Test { return store.Test{Op: store.Between, Value: a, To: b} }
	for text, want := range map[string]store.Filter{
		"":                                      {},
		"  \t ":                                 {},
		"status:failed,retrying":                {Status: []store.JobStatus{store.Failed, store.Retrying}},
		`status:"failed,retrying"`:              {Status: []store.JobStatus{store.Failed, store.Retrying}},
		"status:FAILED status:failed":           {Status: []store.JobStatus{store.Failed}},
		"status:failed,running -status:running": {Status: []store.JobStatus{store.Failed}},
		"-status:completed,failed,cancelled,blocked,scheduled":          {Status: []store.JobStatus{store.Pending, store.Running, store.Retrying}},
		`type:EmailJob queue:"my queue" user:42 target:order/9 tag:vip`: {Type: "EmailJob", Queue: "my queue", User: "42", Target: "order/9", Tag: "vip"},
		`type:"a \"b\" \\c"`:                 {Type: `a "b" \c`},
		"type:a:b":                           {Type: "a:b"},
		"cause:00ab00000000000f":             {Cause: 0xab00000000000f},
		"op:31 status:failed op:31":          {Operation: 31, Status: []store.JobStatus{store.Failed}},
		`type:"Email*"`:                      {Type: "Email*"},
		`type:"a,b",c`:                       match(store.FieldType, is("a,b"), is("c")),
		"type:Email*":                        match(store.FieldType, op(store.Prefix, "Email")),
		"-type:Email*,Report":                not(match(store.FieldType, op(store.Prefix, "Email"), is("Report"))),
		"queue:a,b":                          match(store.FieldQueue, is("a"), is("b")),
		"-tag:test":                          not(match(store.FieldTag, is("test"))),
		"user:*":                             match(store.FieldUser, op(store.Prefix, "")),
		"tag:a tag:b":                        {Tag: "a", Match: match(store.FieldTag, is("b")).Match},
		"id:7,9":                             {IDs: []int64{7, 9}},
		"id:1..500,700":                      match(store.FieldID, between("1", "500"), is("700")),
		"attempt:>=3":                        match(store.FieldAttempt, op(store.AtLeast, "3")),
		"crashes:>0":                         match(store.FieldCrashes, op(store.Above, "0")),
		"priority:-5..":                      match(store.FieldPriority, op(store.AtLeast, "-5")),
		"process:77":                         match(store.FieldProcess, is("77")),
		"took:>30s":                          match(store.FieldTook, op(store.Above, "30s")),
		"took:1m30s..2d":                     match(store.FieldTook, between("1m30s", "48h0m0s")),
		"schedule:nightly key:k-1":           {Match: append(match(store.FieldSchedule, is("nightly")).Match, match(store.FieldKey, is("k-1")).Match...)},
		"args.user_id:42":                    at(match(store.FieldArgs, is("42")), "user_id"),
		"args.Order.items.0.id:o-9":          at(match(store.FieldArgs, is("o-9")), "Order", "items", "0", "id"),
		"ARGS.n:>5":                          at(match(store.FieldArgs, op(store.Above, "5")), "n"),
		"args.n:5..9":                        at(match(store.FieldArgs, between("5", "9")), "n"),
		`args.n:">5"`:                        at(match(store.FieldArgs, is(">5")), "n"),
		"args.n:a..b":                        at(match(store.FieldArgs, is("a..b")), "n"),
		`args.n:"",null`:                     at(match(store.FieldArgs, is(""), is("null")), "n"),
		"metadata.trace-id:ab*":              at(match(store.FieldMetadata, op(store.Prefix, "ab")), "trace-id"),
		`error:"connection refused",timeout`: match(store.FieldError, op(store.Contain, "connection refused"), op(store.Contain, "timeout")),
		"error:*":                            match(store.FieldError, op(store.Prefix, "")),
		`"connection refused" now`:           {Match: []store.Condition{word("connection refused"), word("now")}},
		"-now":                               not(match(store.FieldWord, op(store.Contain, "now"))),
		"a,b":                                match(store.FieldWord, op(store.Contain, "a,b")),
		"- 12:30":                            {Match: []store.Condition{word("-"), word("12:30")}},
		"http://x":                           match(store.FieldWord, op(store.Contain, "http://x")),
		"queued:<2h":                         match(store.FieldQueued, op(store.AtLeast, "2026-11-27T10:00:00Z")),
		"runs:<2h":                           match(store.FieldRuns, op(store.AtMost, "2026-11-27T14:00:00Z")),
		"finished:>1.5d":                     match(store.FieldFinished, op(store.Below, "2026-11-26T00:00:00Z")),
		"queued:2026-11-20":                  match(store.FieldQueued, between("2026-11-20T00:00:00Z", "2026-11-20T23:59:59.999999Z")),
		"queued:2026-11-20..2026-11-21":      match(store.FieldQueued, between("2026-11-20T00:00:00Z", "2026-11-21T23:59:59.999999Z")),
		"queued:..2026-11-20T06:00:00Z":      match(store.FieldQueued, op(store.Below, "2026-11-20T06:00:00Z")),
		"started:2026-11-20T06:00..":         match(store.FieldStarted, op(store.AtLeast, "2026-11-20T06:00:00Z")),
		"scheduled:2026-11-20T06:00":         match(store.FieldScheduled, between("2026-11-20T06:00:00Z", "2026-11-20T06:00:59.999999Z")),
	} {
		got, err := Parse(text, now)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
		again, rest := Written(got)
		if back, err := Parse(again, now); err != nil || cmp.Diff(store.Filter{}, rest) != "" || text != "runs:<2h" && cmp.Diff(got, back) != "" {
			t.Errorf("%q is written as %q: %v\n%s, left %+v", text, again, err, cmp.Diff(got, back), rest)
		}
	}
}

// TestWritten: what no words say is left.
func TestWritten(t *testing.T) {
	for want, f := range map[string]store.Filter{
		"runs:..2026-11-27T14:00:00.000001Z":                  match(store.FieldRuns, op(store.AtMost, "2026-11-27T14:00:00Z")),
		"queued:2026-11-20T06:00:00Z..2026-11-20T06:00:01.5Z": {QueuedAfter: moment("2026-11-20T06:00:00Z"), QueuedBefore: moment("2026-11-20T06:00:01.5Z")},
		"type:A text:\"a b\"":                                 {Type: "A", Text: "a b"},
	} {
		if got, rest := Written(f); got != want || cmp.Diff(store.Filter{}, rest) != "" {
			t.Errorf("%+v is %q, left %+v", f, got, rest)
		}
	}
	for _, f := range []store.Filter{
		{IDs: []int64{}}, {Before: 7}, match(store.FieldType, op(store.Prefix, "a b")), match(store.FieldWord, op(store.Contain, "a"), op(store.Contain, "b")),
		at(match(store.FieldArgs, is("x")), "a b"), at(match(store.FieldArgs, is("x")), "a:b"), at(match(store.FieldArgs, is("x")), "a.b"),
	} {
		if got, rest := Written(f); cmp.Diff(f, rest) != "" {
			t.Errorf("%+v is %q, left %+v", f, got, rest)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"status:faild":                 `status:faild: there is no status "faild": did you mean failed? Choose one of scheduled`,
		"status:dead":                  "did you mean failed?",
		"status:xyzzy":                 `there is no status "xyzzy": choose one of scheduled`,
		"status:a status:b":            `no status "a"`,
		"status:failed -status:failed": "leaves no status",
		"colour:red":                   `there is no field "colour": choose one of status, type`,
		"tpye:x":                       `there is no field "tpye": did you mean type?`,
		"state:failed":                 "did you mean status?",
		"word:x":                       `there is no field "word"`,
		"type.x:y":                     `there is no field "type.x"`,
		"args:x":                       "args:x: say what of them, as in args.user_id:42",
		"args.:x":                      "say what of them",
		"args.a..b:x":                  "say what of them",
		"type:":                        "type:: a value is missing",
		"type:a,":                      "a value is missing",
		"type:a type:b":                `no job is both "a" and "b": for either write type:a,b`,
		"cause:x":                      `"x" is no cause`, "cause:0": `"0" is no cause`, "cause:1 cause:2": "can be given once", "-cause:1": "not be excluded",
		"op:x": `"x" is no operation: write its number`, "op:0": `"0" is no operation`, "op:1 op:2": "can be given once", "op:1,2": "can be given once", "-op:1": "not be excluded",
		"operation:1":                            "did you mean op?",
		"id:x":                                   `"x" is no number`,
		"id:-1":                                  `"-1" is no number`,
		"attempt:many":                           `"many" is no number; write as in attempt:3`,
		"attempt:..":                             "is no number",
		"took:>5":                                `"5" is no time`,
		"args.n:>abc":                            "only numbers can be compared",
		`queue:"a b`:                             "does not end",
		"queued:yesterday":                       `"yesterday" is no time; write an age`,
		"queued:..":                              "a range needs an end",
		"queued:<2":                              "is no time",
		"queued:<":                               "is no time",
		"queued:<NaNd":                           "is no time",
		"x\xff":                                  "not valid UTF-8",
		"tag:" + strings.Repeat("a,", 600) + "a": "601 tests: at most 500",
	} {
		if _, err := Parse(text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", text, err, want)
		}
	}
}

// TestDays: a day is as long as it is where somebody asks.
func TestDays(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Skip(err)
	}
	f, err := Parse("queued:2026-03-29", now.In(berlin)) // of 23 hours
	want := match(store.FieldQueued, store.Test{Op: store.Between, Value: "2026-03-28T23:00:00Z", To: "2026-03-29T21:59:59.999999Z"})
	if diff := cmp.Diff(want, f); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestWith(t *testing.T) {
	for _, test := range []struct{ query, field, value, want string }{
		{"", "status", "failed", "status:failed"},
		{"type:A status:failed x", "status", "pending", "status:pending type:A x"},
		{"status:failed type:A -status:b", "status", "", "type:A"},
		{"type:A", "queue", "my queue", `queue:"my queue" type:A`},
		{`"a:b"  type:"x y",z*`, "queue", "", `"a:b" type:"x y",z*`},
	} {
		if got := With(test.query, test.field, test.value); got != test.want {
			t.Errorf("%q with %s:%s: %q, want %q", test.query, test.field, test.value, got, test.want)
		}
	}
}

// TestTerm: a value means what it says once Term has written it.
func TestTerm(t *testing.T) {
	for _, value := range []string{"", "a b", "a,b", "a*", "-a", ">5", "<1", "1..2", `"`, `a\`, "a:b", "ä"} {
		for _, field := range []string{"type", "args.x"} {
			if value == "" && field == "type" {
				continue
			}
			f, err := Parse(Term(field, value), now)
			want := store.Filter{Type: value}
			if field != "type" {
				want = at(match(store.FieldArgs, store.Test{Value: value}), "x")
			}
			if diff := cmp.Diff(want, f); err != nil || diff != "" {
				t.Errorf("%s: %v\n%s", Term(field, value), err, diff)
			}
		}
	}
}

// FuzzParse: no query panics; one that is read makes sense to a store, is the same when
// written anew, and survives JSON.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"status:failed type:A x", `queue:"a \" b" "c:d"`, "queued:2026-01-01..", "id:1,2 -x", "a:\"b", "-type:a*,\"b,c\" args.a.0:>=1e9 took:1h..2d",
		"id:1..5,9 attempt:<=3 priority:-9..", "metadata.x-y:\"\" error:* runs:<1w", "queued:>1ms,2026-01-01T00:00", "--a -- -",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := Parse(text, now)
		if err != nil {
			return
		}
		if err := first.Check(); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		again := strings.Join(Terms(text), " ")
		second, err := Parse(again, now)
		if diff := cmp.Diff(first, second); err != nil || diff != "" {
			t.Errorf("%q, written as %q: %v\n%s", text, again, err, diff)
		}
		encoded, err := json.Marshal(first)
		var read store.Filter
		if err == nil {
			err = json.Unmarshal(encoded, &read)
		}
		if diff := cmp.Diff(first, read); err != nil || diff != "" {
			t.Errorf("%q as JSON: %v\n%s", text, err, diff)
		}
	})
}

func moment(text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	return t
}
