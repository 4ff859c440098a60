//go:build linux

package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/laterjobs/later"
	"github.com/laterjobs/later/internal/chaos/check"
	"github.com/laterjobs/later/store"
)

// work is the arguments of every job. The operation that enqueued it decides them.
type work struct {
	Op      string `json:"op"`
	Kind    string `json:"kind"`
	Payload string `json:"payload"`
	Millis  int    `json:"millis"` // how long it takes
}

// answer is the result of every job that has one.
type answer struct {
	Op  string `json:"op"`
	Sum string `json:"sum"`
}

// kind is a kind of job: how often it comes in a thousand, and how it behaves.
type kind struct {
	name     string
	share    int
	least    int // milliseconds
	most     int
	delayed  bool // scheduled for a moment later
	cancels  bool // people cancel some of them
	behaves  behaviour
	options  []later.DefineOption
	trait    check.Trait
	hasValue bool
}

type behaviour int

const (
	succeeds  behaviour = iota
	failsOnce           // at its first attempt
	failsEver
	panics // at its first attempt
	runsOut
	postpones
	commits // completes itself in a transaction
	kills
	hogs     // takes the user's connections
	advances // by durable steps
)

var (
	completes = check.Trait{Ends: []store.JobStatus{store.Completed}}
	quickly   = later.Fixed(300 * time.Millisecond)
)

var kinds = []kind{
	{name: "quick", share: 770, most: 4, trait: completes, cancels: true, hasValue: true},
	{name: "soon", share: 50, most: 4, delayed: true, trait: completes, cancels: true, hasValue: true},
	{name: "tx", share: 50, most: 10, behaves: commits, trait: check.Trait{Ends: completes.Ends, Transactional: true},
		options: []later.DefineOption{later.MaxRetries(100), quickly}, hasValue: true},
	{name: "long", share: 10, least: 300, most: 4000, trait: completes, cancels: true},
	{name: "stubborn", share: 3, least: 500, most: 2500, cancels: true, trait: check.Trait{Ends: completes.Ends, Stubborn: true}},
	{name: "flaky", share: 40, most: 4, behaves: failsOnce, options: []later.DefineOption{quickly}, trait: completes},
	{name: "broken", share: 10, most: 4, behaves: failsEver, options: []later.DefineOption{later.MaxRetries(1), quickly},
		trait: check.Trait{Ends: []store.JobStatus{store.Failed}}},
	{name: "panicking", share: 15, most: 4, behaves: panics, options: []later.DefineOption{quickly}, trait: completes},
	{name: "endless", share: 4, least: 60_000, most: 60_000, behaves: runsOut, trait: completes,
		options: []later.DefineOption{later.Timeout(150 * time.Millisecond), quickly}},
	{name: "postponed", share: 18, most: 4, behaves: postpones, trait: completes},
	{name: "stepped", share: 30, least: 30, most: 900, behaves: advances, trait: completes, cancels: true},
	// These come by calls of their own, and of a schedule.
	{name: "unique", most: 300, trait: completes, cancels: true},
	{name: scheduled, most: 4, trait: completes},
	// These come when the nemesis wants them.
	{name: "poison", behaves: kills, trait: check.Trait{Ends: []store.JobStatus{store.Failed}, Poison: true}},
	{name: "hog", least: 1000, most: 4000, behaves: hogs, trait: completes,
		options: []later.DefineOption{later.MaxRetries(100), quickly}},
}

// definitions are the types of jobs, by kind.
var definitions = func() map[string]*later.ResultDefinition[work, *answer] {
	all := map[string]*later.ResultDefinition[work, *answer]{}
	for _, k := range kinds {
		all[k.name] = later.DefineResult[work, *answer](k.name, k.options...)
	}
	return all
}()

func kindOf(name string) kind {
	for _, k := range kinds {
		if k.name == name {
			return k
		}
	}
	panic("no kind of job " + name)
}

func traits() map[string]check.Trait {
	all := map[string]check.Trait{}
	for _, k := range kinds {
		all[k.name] = k.trait
	}
	return all
}

// draw chooses a kind by its share.
func draw(random *rand.Rand) kind {
	n := random.IntN(1000)
	for _, k := range kinds {
		if n -= k.share; n < 0 {
			return k
		}
	}
	panic("the shares do not add up to 1000")
}

// workFor is the arguments of an operation's job. They are a function of its id, so
// that they can be compared at the end with what came back.
func workFor(op, kindName string) work {
	k, random := kindOf(kindName), rand.New(rand.NewPCG(sum(op), 0))
	return work{Op: op, Kind: k.name, Payload: payload(random), Millis: k.least + random.IntN(k.most-k.least+1)}
}

// alphabet has what encoders get wrong.
var alphabet = []rune("abc \"\\/<>&'\u2028\u00e9\u20ac\U0001F600\t\n\u200b\u0001%")

func payload(random *rand.Rand) string {
	var text strings.Builder
	for range random.IntN(60) {
		text.WriteRune(alphabet[random.IntN(len(alphabet))])
	}
	return text.String()
}

// queueNames are the queues that jobs go to, and people pause.
var queueNames = []string{"default", "mails", "reports"}

// uniqueKeys is how many keys the unique jobs share.
const uniqueKeys = 6

// keyFor is the unique key of an operation's job.
func keyFor(op string) string { return fmt.Sprint("key ", sum(op+" key")%uniqueKeys) }

// scheduled is the name of the schedule, of its jobs and of their operation.
const (
	scheduled      = "scheduled"
	scheduledEvery = 2 * time.Second
)

// queueFor is the queue of an operation's job.
func queueFor(op string) string { return queueNames[sum(op+" queue")%uint64(len(queueNames))] }

// answerFor is the result of a job with these arguments.
func answerFor(w work) *answer {
	if !kindOf(w.Kind).hasValue {
		return nil
	}
	return &answer{Op: w.Op, Sum: fmt.Sprintf("%x", sum(w.Op+"\x00"+w.Payload))}
}

func sum(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}
