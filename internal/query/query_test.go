package query

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/laterjobs/later/store"
)

var now = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func TestParse(t *testing.T) {
	day := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	for text, want := range map[string]store.Filter{
		"":                            {},
		"  \t ":                       {},
		"status:failed,retrying":      {Status: []store.JobStatus{store.Failed, store.Retrying}},
		"status:FAILED status:failed": {Status: []store.JobStatus{store.Failed}},
		`type:EmailJob queue:"my queue" user:42 target:order/9 tag:vip`: {Type: "EmailJob", Queue: "my queue", User: "42", Target: "order/9", Tag: "vip"},
		`type:"a \"b\" \\c"`:            {Type: `a "b" \c`},
		"type:a:b":                      {Type: "a:b"},
		"cause:00ab00000000000f":        {Cause: 0xab00000000000f},
		"id:7,9":                        {IDs: []int64{7, 9}},
		`"connection refused" now`:      {Text: "connection refused now"},
		"http://x":                      {Text: "http://x"},
		"queued:<2h":                    {QueuedAfter: now.Add(-2 * time.Hour)},
		"finished:>1.5d":                {FinishedBefore: now.Add(-36 * time.Hour)},
		"queued:2026-11-20":             {QueuedAfter: day, QueuedBefore: day.AddDate(0, 0, 1)},
		"queued:2026-11-20..2026-11-21": {QueuedAfter: day, QueuedBefore: day.AddDate(0, 0, 2)},
		"queued:..2026-11-20T06:00:00Z": {QueuedBefore: day.Add(6 * time.Hour)},
	} {
		got, err := Parse(text, now)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"status:dead":           `"dead" is no status: choose of scheduled`,
		"colour:red":            `"colour" is no field: choose of status`,
		"type:":                 "type: has no value",
		"type:a type:b":         `it is both "a" and "b"`,
		"cause:x":               `"x" is no cause`,
		"cause:0":               `"0" is no cause`,
		"cause:1 cause:2":       "can be given once",
		"id:x":                  `"x" is no id`,
		"id:-1":                 `"-1" is no id`,
		`queue:"a b`:            "does not end",
		"queued:yesterday":      "is no time",
		"queued:<2":             "is no age",
		"queued:<":              "is no age",
		"queued:<NaNs":          "is no age",
		"queued:<1h queued:>2h": "can be given once",
	} {
		if _, err := Parse(text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

func TestWith(t *testing.T) {
	for _, test := range []struct{ query, field, value, want string }{
		{"", "status", "failed", "status:failed"},
		{"type:A status:failed x", "status", "pending", "status:pending type:A x"},
		{"status:failed type:A", "status", "", "type:A"},
		{"type:A", "queue", "my queue", `queue:"my queue" type:A`},
		{`"a:b"`, "queue", "", `"a:b"`},
	} {
		if got := With(test.query, test.field, test.value); got != test.want {
			t.Errorf("%q with %s:%s: %q, want %q", test.query, test.field, test.value, got, test.want)
		}
	}
}

// FuzzParse: no query panics, and one that is read is the same when written anew.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"status:failed type:A x", `queue:"a \" b" "c:d"`, "queued:2026-01-01..", "id:1,2 -x", "a:\"b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		first, err := Parse(text, now)
		if err != nil {
			return
		}
		again := With(text, "", "")
		words, _ := split(text)
		for _, w := range words {
			if w.field == "" {
				again += " " + Term("", w.value)
			}
		}
		second, err := Parse(again, now)
		if diff := cmp.Diff(first, second); err != nil || diff != "" {
			t.Errorf("%q, written as %q: %v\n%s", text, again, err, diff)
		}
	})
}
