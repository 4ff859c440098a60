package storetest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/laterjobs/later/store"
)

var fidelityChecks = []check{
	{"arguments come back byte for byte", fidelityOfArgs},
	{"so do metadata and results", fidelityOfTheRest},
	{"so do options", fidelityOfOptions},
	{"so do names, tags and errors", fidelityOfText},
	{"large arguments", fidelityOfLargeArgs},
	{"the ends of the number ranges", fidelityOfNumbers},
	{"times to the microsecond", fidelityOfTimes},
}

// texts are JSON values that a careless store changes.
var texts = []string{
	`9007199254740993`, // 2^53+1
	`{"n":9007199254740993,"f":1.0,"e":1e400}`,
	`{"b":1,"a":2,"b":3}`,
	` { "spaced" : [ 1 , 2 ] } `,
	`"\u00e9 é \ud83d\ude00 😀 \/ \" \\ \n"`,
	`"'; DROP TABLE later_job; --"`,
	`null`, `true`, `[]`, `""`,
}

func fidelityOfArgs(t *trial) {
	for _, text := range texts {
		id := t.enqueue(withArgs(text))[0]
		t.equal("stored arguments", string(t.get(id).Args), text)
		claimed := t.claimOf(id, plain())
		t.equal("claimed arguments", string(claimed.Args), text)
		t.accept(outcome(claimed, store.Complete))
		t.equal("arguments of a completed job", string(t.get(id).Args), text)
	}
}

func fidelityOfTheRest(t *trial) {
	for _, text := range texts {
		job := plain()
		job.Metadata = json.RawMessage(`{"value":` + text + `}`)
		claimed := t.running(job)
		t.equal("claimed metadata", string(claimed.Metadata), string(job.Metadata))
		done := outcome(claimed, store.Complete)
		done.Result = json.RawMessage(text)
		t.accept(done)
		got := t.get(claimed.ID)
		t.equal("metadata", string(got.Metadata), string(job.Metadata))
		t.equal("result", string(got.Result), text)
	}
}

func fidelityOfOptions(t *trial) {
	for i, text := range texts {
		given := &store.Options{Carried: map[string]json.RawMessage{words[i%len(words)]: json.RawMessage(text)}}
		if i%2 == 0 {
			given.StartBy, given.FinishBy = at(time.Hour), at(2*time.Hour+time.Microsecond)
		}
		job := plain()
		job.Options = given
		claimed := t.running(job)
		t.equal("claimed options", claimed.Options.Text(), given.Text())
		t.accept(outcome(claimed, store.Complete))
		t.equal("options", t.get(claimed.ID).Options.Text(), given.Text())
	}
	job := plain()
	job.Options = &store.Options{}
	t.equal("options that say nothing", t.get(t.enqueue(job)[0]).Options, (*store.Options)(nil))
}

// words are texts that a careless store, or a careless query, trips over.
var words = []string{
	"plain", "it's", `"quoted"`, `back\slash`, "100%_done", "a,b;c", "žluťoučký 😀 مرحبا", "line\nbreak\ttab",
	"\u202eright to left", "$1 ?1 :name @x", "[1]", "{}", "NULL", "<script>alert(1)</script>",
}

func fidelityOfText(t *trial) {
	for _, word := range words {
		job := store.NewJob{
			Type: word, Queue: word, Args: []byte(`{}`), UserID: word, TargetID: word, Tags: []string{word, "other"},
		}
		claimed := t.running(job)
		t.accept(store.Outcome{JobID: claimed.ID, Token: claimed.Token, Kind: store.Fail, Error: word, Stack: word})
		got := t.get(claimed.ID)
		t.equal("texts", []string{got.Type, got.Queue, got.UserID, got.TargetID, got.Error}, []string{word, word, word, word, word})
		t.equal("tags", got.Tags, job.Tags)
		t.equal("stack", t.attempts(claimed.ID)[0].Stack, word)
		for _, f := range []store.Filter{{Type: word}, {Queue: word}, {User: word}, {Target: word}, {Tag: word}} {
			t.equal("found by its texts", t.list(f), []int64{claimed.ID})
		}
		t.equal("newest found by its error", t.list(store.Filter{Text: word})[0], claimed.ID)
	}
}

func fidelityOfLargeArgs(t *trial) {
	text := `"` + strings.Repeat("x", 1<<20) + `"`
	claimed := t.running(withArgs(text))
	if string(claimed.Args) != text {
		t.Fatalf("1 MiB of arguments came back as %d bytes", len(claimed.Args))
	}
	done := outcome(claimed, store.Complete)
	done.Result = json.RawMessage(text)
	t.accept(done)
	if got := t.get(claimed.ID); string(got.Result) != text {
		t.Fatalf("1 MiB of result came back as %d bytes", len(got.Result))
	}
}

func fidelityOfNumbers(t *trial) {
	for _, priority := range []int{-32768, -1, 0, 1, 32767} {
		job := withPriority(priority)
		job.MaxRetries, job.Timeout = 1_000_000, 1000*time.Hour+time.Microsecond
		got := t.get(t.enqueue(job)[0])
		t.equal("priority", got.Priority, priority)
		t.equal("max retries", got.MaxRetries, 1_000_000)
		t.equal("timeout", got.Timeout, job.Timeout)
	}
}

func fidelityOfTimes(t *trial) {
	for _, moment := range []time.Time{
		at(123_456 * time.Microsecond), time.Date(9999, time.December, 31, 23, 59, 59, 999_999_000, time.UTC),
	} {
		job := plain()
		job.RunAt = moment
		got := t.get(t.enqueue(job)[0])
		t.equal("scheduled at", got.ScheduledAt, moment)
		t.equal("next run at", got.NextRunAt, moment)
	}
}
