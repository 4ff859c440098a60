package check

import (
	"strings"
	"testing"
	"time"

	"github.com/laterjobs/later/store"
)

const second = int64(time.Second)

func TestGoodHistory(t *testing.T) {
	results, figures := Everything(good())
	for _, r := range results {
		if r.Checked == 0 {
			t.Errorf("%s tests nothing", r.ID)
		}
		for _, violation := range r.Violations {
			t.Errorf("%s: %s", r.ID, violation)
		}
	}
	if figures.Doubled["killed"] != 2 || figures.Doubled["poison"] != 4 || len(figures.Recoveries) == 0 {
		t.Errorf("figures: %+v", figures)
	}
}

// TestFrozenWriter: on a store with one writer at a time a process can lose its lease
// because another was frozen while it wrote.
func TestFrozenWriter(t *testing.T) {
	for _, test := range []struct {
		oneWriter bool
		cause     string
		from      int64 // of the freeze
		blamed    bool
	}{
		{true, "lease lost", 9 * second, true},
		{false, "lease lost", 9 * second, false},
		{true, "stopping", 9 * second, false},
		{true, "lease lost", 5 * second, false},
	} {
		h := good()
		h.Params.OneWriter = test.oneWriter
		h.Lives[2].Died = 60 * second
		h.runAt(2, 201).Told, h.runAt(2, 201).Cause = 10*second, test.cause
		h.Faults = append(h.Faults, Fault{Kind: "freeze", Victims: []string{"worker-1.1"}, From: test.from, To: test.from + second})
		_, figures := Everything(h)
		if blamed := figures.Doubled["freeze of the writer"] == 1; blamed != test.blamed {
			t.Errorf("%+v: %+v", test, figures.Doubled)
		}
	}
}

// TestBadHistories: each check fails on a history in which its promise is broken. A
// checker that finds nothing is worth no more than this test.
func TestBadHistories(t *testing.T) {
	for _, test := range []struct {
		name, id, says string
		spoil          func(h *History)
	}{
		{"a job is lost", "I1", "does not exist", func(h *History) { delete(h.Jobs, 1) }},
		{"another job has its id", "I1", "which is", func(h *History) { h.change(1, func(j *Job) { j.Op = "tx 3" }) }},
		{"nobody asked for it", "I2", "never asked for", func(h *History) { h.change(1, func(j *Job) { j.Op = "?" }) }},
		{"rolled back, and there", "I2", "did not happen", func(h *History) { h.change(1, func(j *Job) { j.Op = "rolled back" }) }},
		{"one operation, two jobs", "I2", "and job", func(h *History) { h.Jobs[9] = h.Jobs[1] }},
		{"a token returns", "I3", "twice under token", func(h *History) { h.at(2, 3).Token = 201 }},
		{"two owners", "I3", "while process", func(h *History) { *h.at(2, 2) = Move{Job: 2, Place: Claimed, Token: 5, Process: 11, At: 11 * second} }},
		{"a handler without a claim", "I3", "never claimed", func(h *History) { h.runAt(1, 101).Token = 9 }},
		{"a handler without a claim, long after the server was killed", "I3", "never claimed", func(h *History) {
			h.runAt(1, 101).Token = 9
			h.Faults = append(h.Faults, Fault{Kind: "server killed", From: -60 * second, To: -50 * second})
		}},
		{"an outcome without a claim", "I4", "never claimed it", func(h *History) {
			h.Verdicts = append(h.Verdicts, Verdict{Claim: Claim{2, 999}, Verdict: store.Accepted, Life: h.Lives[2]})
		}},
		{"a handler is called twice", "I3", "twice under token", func(h *History) { h.Runs = append(h.Runs, h.runAt(1, 101)) }},
		{"another token ends it", "I4", "while it was claimed", func(h *History) { h.at(1, 2).Token = 102 }},
		{"two outcomes", "I4", "two outcomes", func(h *History) { h.Verdicts = append(h.Verdicts, h.Verdicts[0]) }},
		{"two attempts of a token", "I4", "2 attempts", func(h *History) { h.record(4, 401, store.AttemptRetried) }},
		{"a stale outcome counts", "I4", "its outcome was accepted", func(h *History) {
			h.Verdicts = append(h.Verdicts, Verdict{Claim: Claim{2, 201}, Verdict: store.Accepted, Life: h.Lives[2]})
		}},
		{"no fence", "I5", "went on with job 1", func(h *History) {
			h.Lives[0].silence(3*second/2, 8*second)
			h.runAt(1, 101).End = 6 * second
		}},
		{"begun behind the fence", "I5", "began job 1", func(h *History) { h.Lives[0].silence(1, 8*second) }},
		{"unaware overlap", "I5b", "at once", func(h *History) {
			h.Lives[2].Died = 15 * second
			h.runAt(2, 201).End = 14 * second
		}},
		{"an outage reaps", "I8b", "everyone suffered from: server killed", func(h *History) {
			h.Lives[2].Died = 60 * second
			h.Faults = append(h.Faults, Fault{Kind: "server killed", From: 8 * second, To: 10 * second})
		}},
		{"reaped for nothing", "I8b", "nothing was wrong", func(h *History) { h.Lives[2].Died = 60 * second }},
		{"it joins again", "I8b", "nothing was wrong with it alone", func(h *History) { h.Lives[0].Joined = append(h.Lives[0].Joined, 30*second) }},
		{"reaped, and unknown", "I8b", "never said that it joined", func(h *History) { h.Lives[2].Processes = nil }},
		{"it does not end", "I6", "is still running", func(h *History) { h.change(1, func(j *Job) { j.Status = store.Running }) }},
		{"slow recovery", "I7", "at most 2.5s", func(h *History) { h.at(2, 2).At = 12*second + 6*second/10 }},
		{"slow recovery elsewhere", "I7", "at most 5s", func(h *History) {
			h.Lives[2].Host = "elsewhere"
			h.at(2, 2).At = 15*second + second/10
		}},
		{"a crash burns an attempt", "I8", "given back", func(h *History) { h.at(2, 2).Attempt = 1 }},
		{"an attempt without a failure", "I8", "says \"completed\"", func(h *History) { h.runAt(4, 401).Returns = "completed" }},
		{"an attempt without a handler", "I8", "no handler", func(h *History) { h.runAt(4, 401).Token = 1 }},
		{"two attempts for one", "I8", "from 0 to 2", func(h *History) { h.at(4, 2).Attempt = 2 }},
		{"too many attempts", "I8", "5 attempts of 4", func(h *History) { h.change(4, func(j *Job) { j.Attempt = 5 }) }},
		{"it starts over with attempts", "I8", "starts over", func(h *History) { h.at(6, 3).Attempt = 1 }},
		{"too many killed", "I9", "has killed 6", func(h *History) { h.change(7, func(j *Job) { j.Crashes = 6 }) }},
		{"poison completes", "I9", "is completed", func(h *History) { h.change(7, func(j *Job) { j.Status, j.Error = store.Completed, "" }) }},
		{"a bystander is blamed", "I9", "blamed after 1", func(h *History) {
			h.change(2, func(j *Job) { j.Status, j.Error = store.Failed, store.CrashedReason })
		}},
		{"a suspect in company", "I9", "ran beside job 1", func(h *History) {
			beside := *h.runAt(1, 101)
			suspect := h.runAt(7, 704)
			beside.Life, beside.Start, beside.End = suspect.Life, suspect.Start, suspect.Life.Died
			h.Runs = append(h.Runs, &beside)
		}},
		{"early", "I10", "before its time", func(h *History) { h.at(4, 3).At = 5*second + second/2 }},
		{"it fails by itself", "I17", "has failed", func(h *History) { h.change(1, func(j *Job) { j.Status = store.Failed }) }},
		{"a cancel is forgotten", "I18", "is completed", func(h *History) { h.change(5, func(j *Job) { j.Status = store.Completed }) }},
		{"claimed after a cancel", "I18", "claimed at", func(h *History) { h.at(5, 1).At = 21*second + second/2 }},
		{"a handler is not told", "I18", "was told", func(h *History) {
			run := h.runAt(5, 501)
			run.Told, run.End = 23*second, 23*second
		}},
		{"claimed while paused", "I19", "while that was paused", func(h *History) { h.at(6, 4).At = 34*second + second*6/10 }},
		{"claimed before it was resumed", "I19", "while that was paused", func(h *History) { h.Controls[3].Invoked, h.Controls[3].Ended = 36*second, 37*second }},
		{"two jobs with one key", "I11", "which job 10 held", func(h *History) { h.at(11, 0).At = 2*second + second/2 }},
		{"the holder does not end", "I11", "which job 10 held", func(h *History) { h.at(10, 2).Place = Ready }},
		{"a tick twice", "I12", "are both of", func(h *History) { h.change(13, func(j *Job) { j.Tick = time.Unix(0, 0) }) }},
		{"a tick is left out", "I12", "are 4s", func(h *History) { h.change(13, func(j *Job) { j.Tick = time.Unix(4, 0) }) }},
		{"a step is done again", "I21", "done again", func(h *History) {
			h.StepEffects = append(h.StepEffects, Step{Claim{8, 802}, "step 1", 12*second + second/5, 0})
		}},
		{"a step has another result", "I21", "and then 802", func(h *History) { h.Steps[1].Result = 802 }},
		{"a repetition counts", "I22", "accepted again", func(h *History) { h.Verdicts[len(h.Verdicts)-1].Verdict = store.Accepted }},
		{"it begins as running", "I23", "began as", func(h *History) { h.Moves = h.Moves[1:] }},
		{"an illegal transition", "I23", "from pending to completed", func(h *History) { *h.at(1, 1) = *h.at(1, 2) }},
		{"it rises from the dead", "I23", "nobody has asked", func(h *History) { h.Controls = h.Controls[:1] }},
		{"other arguments", "I24", "arguments", func(h *History) { h.change(1, func(j *Job) { j.ArgsOK = false }) }},
		{"another result", "I24", "result", func(h *History) { h.change(1, func(j *Job) { j.ResultOK = false }) }},
		{"a wrong counter", "I25", "Stats says", func(h *History) { h.Audit.Counts[store.Completed]++ }},
		{"a job in two places", "I25", "in none or in two", func(h *History) { h.Audit.Lost = 1 }},
		{"a job that List does not show", "I25", "List shows", func(h *History) { h.Audit.Rows, h.Audit.Placed = 13, 13 }},
		{"Stop takes long", "I27", "took 3.200 s", func(h *History) { h.Lives[1].StopReturned = 61*second + second/5 }},
		{"Stop does not return", "I27", "was asked to stop", func(h *History) { h.Lives[1].StopReturned = 0 }},
		{"a process panics", "process", "exit status 2", func(h *History) { h.Lives[0].How = "exit status 2" }},
		{"an effect twice", "CompleteTx", "2 times", func(h *History) { h.Rows[3] = 2 }},
		{"completed without effect", "CompleteTx", "0 times", func(h *History) { delete(h.Rows, 3) }},
		{"an effect of nothing", "CompleteTx", "does not exist", func(h *History) { h.Rows[99] = 1 }},
		{"completed, not performed", "ledger", "its effect was not", func(h *History) { delete(h.Effects, Claim{1, 101}) }},
		{"doubled for nothing", "doubled", "without a fault", func(h *History) { h.Lives[2].Died = 60 * second }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := good()
			test.spoil(h)
			results, _ := Everything(h)
			for _, r := range results {
				if r.ID == test.id && strings.Contains(strings.Join(r.Violations, "\n"), test.says) {
					return
				}
			}
			t.Errorf("%s does not say %q: %+v", test.id, test.says, results)
		})
	}
}

// TestClaimLostWithTheServer: a server that is killed may forget a claim of its last
// moment, and only such a one.
func TestClaimLostWithTheServer(t *testing.T) {
	for _, test := range []struct {
		killed, back int64
		excused      int
	}{
		{-8 * second, -7 * second, 0},
		{second, 2 * second, 1},
		{4 * second, 5 * second, 0},
	} {
		h := good()
		run := h.runAt(1, 101)
		at := run.Start
		run.Token = 9
		h.Faults = append(h.Faults, Fault{Kind: "server killed", From: at - 2*second + test.killed, To: at - 2*second + test.back})
		h.Params.TimeToDie = time.Second
		h.index()
		if r := claimsAreExclusive(h); r.Excused != test.excused {
			t.Errorf("killed %v after: excused %d, want %d, %v", test, r.Excused, test.excused, r.Violations)
		}
	}
}

// TestSlowServer: a process whose heartbeat was answered late enough has lost its lease
// without any fault of the run, one that was answered in time has not.
func TestSlowServer(t *testing.T) {
	for _, took := range []int64{second / 10, second * 8} {
		h := good()
		h.Params.TimeToDie = 15 * time.Second
		h.Lives[2].Died = 60 * second
		run := h.runAt(2, 201)
		h.Lives[2].Beats = append(h.Lives[2].Beats, Span{run.Start, run.Start + took})
		_, figures := Everything(h)
		if blamed := figures.Doubled["slow answer to a heartbeat"] == 1; blamed != (took > second) {
			t.Errorf("answered after %v: %+v", time.Duration(took), figures.Doubled)
		}
	}
}

// TestToldLate: a process that was declared dead for a fault of its own may be told only
// when an outage that has come since is over; an outage alone is no reason to die.
func TestToldLate(t *testing.T) {
	for _, own := range []bool{true, false} {
		h := good()
		h.Params.TimeToDie = 2 * time.Second
		h.Lives[0].Joined = append(h.Lives[0].Joined, 30*second)
		h.Faults = append(h.Faults, Fault{Kind: "server killed", From: 24 * second, To: 29 * second})
		if own {
			h.Faults = append(h.Faults, Fault{Kind: "answers lost", Victims: []string{h.Lives[0].Name}, From: 20 * second, To: 24*second + second/2})
		}
		h.index()
		r := Result{}
		h.joins(&r)
		if blamed := len(r.Violations) == 0; blamed != own {
			t.Errorf("with a fault of its own %v: %v", own, r.Violations)
		}
	}
}
