package storetest

import (
	"errors"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/laterjobs/later/store"
)

var stepChecks = []check{
	{"saved steps are read oldest first", stepsSaved},
	{"a step of the same name is replaced", stepsReplaced},
	{"a name given twice is saved once, the last", stepsTwiceAtOnce},
	{"names and results come back byte for byte", stepsFidelity},
	{"a result of a MiB", stepsLarge},
	{"the zero time is the database's clock", stepsByDatabaseClock},
	{"steps outlive every outcome, a crash and a release", stepsOutlive},
	{"a stale token saves nothing", stepsStale},
	{"a job that does not run saves nothing", stepsNotRunning},
	{"the claim goes on", stepsChangeNothingElse},
	{"nothing to save", stepsNothing},
	{"a failed or cancelled job that is retried keeps its steps", stepsKeptByRetry},
	{"a completed job that is retried starts without steps", stepsLostByRetry},
	{"steps go with their job", stepsDeleted},
	{"steps are pruned with their job", stepsPruned},
	{"large steps travel", stepsTravel},
	{"a retry after progress does not count", stepsProgressed},
	{"a repeated retry after progress is told so", stepsProgressedRepeated},
	{"only a retry can have progressed", stepsProgressedOthers},
	{"a cancel request wins over progress", stepsProgressedCancelled},
}

func done(name, result string) store.Step {
	return store.Step{Name: name, Kind: store.StepDone, Result: []byte(result), At: at(65 * time.Second), Attempt: 1}
}

func cursor(name, result string) store.Step {
	step := done(name, result)
	step.Kind, step.At = store.StepCursor, at(64*time.Second)
	return step
}

// aStep draws from few names, so that they meet.
func aStep(rt *rapid.T) store.Step {
	return store.Step{
		Name:   rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "name"),
		Kind:   rapid.SampledFrom([]store.StepKind{store.StepDone, store.StepCursor, store.StepSleep}).Draw(rt, "kind"),
		Result: []byte(rapid.SampledFrom([]string{"", "1", `"x"`}).Draw(rt, "result")),
		At:     at(time.Duration(rapid.IntRange(0, 3).Draw(rt, "at")) * time.Second), Attempt: rapid.IntRange(1, 3).Draw(rt, "attempt"),
	}
}

func (t *trial) saveSteps(job store.Job, steps ...store.Step) {
	t.Helper()
	t.must("SaveSteps", t.store.SaveSteps(t.Context(), job.ID, job.Token, steps, at(70*time.Second)))
}

// refuseSteps insists that a step is not saved, and that nothing changes.
func (t *trial) refuseSteps(id, token int64, exists bool) {
	t.Helper()
	var before whole
	if exists {
		before = t.whole(id)
	}
	for _, steps := range [][]store.Step{{done("ghost", "1")}, nil} {
		err := t.store.SaveSteps(t.Context(), id, token, steps, at(70*time.Second))
		if !errors.Is(err, store.ErrConflict) {
			t.Fatalf("SaveSteps under a stale token: %v, expected ErrConflict", err)
		}
	}
	if exists {
		t.equal("job after SaveSteps under a stale token", t.whole(id), before)
	}
}

// of is a step of a job.
func of(job store.Job, step store.Step) store.Step {
	step.JobID = job.ID
	return step
}

func stepsSaved(t *trial) {
	job, other := t.running(inQueue("a")), t.running(inQueue("b"))
	first, second, third := done("z", `{"n":1}`), done("a", ""), cursor("rows", "7")
	first.At = at(63 * time.Second)
	third.Attempt = 4
	t.saveSteps(job, second)
	t.saveSteps(other, done("z", "5"))
	t.saveSteps(job, first, third)
	t.equal("steps", t.steps(job.ID), []store.Step{of(job, first), of(job, third), of(job, second)})
	same := done("B", "")
	t.saveSteps(job, same)
	t.equal("steps of one time, by name", t.steps(job.ID)[2:], []store.Step{of(job, same), of(job, second)})
	t.equal("steps of the other job", t.steps(other.ID), []store.Step{of(other, done("z", "5"))})
	t.equal("steps of a job that does not exist", len(t.steps(404)), 0)
}

func stepsReplaced(t *trial) {
	job := t.running(plain())
	t.saveSteps(job, cursor("rows", "7"))
	moved := store.Step{Name: "rows", Kind: store.StepSleep, Result: []byte(`8`), At: at(66 * time.Second), Attempt: 2}
	t.saveSteps(job, moved)
	t.equal("steps", t.steps(job.ID), []store.Step{of(job, moved)})
}

func stepsTwiceAtOnce(t *trial) {
	job := t.running(plain())
	t.saveSteps(job, cursor("rows", "7"), done("mail", ""), cursor("rows", "8"))
	t.equal("steps", t.steps(job.ID), []store.Step{of(job, cursor("rows", "8")), of(job, done("mail", ""))})
}

func stepsFidelity(t *trial) {
	job := t.running(plain())
	var want []store.Step
	for i, result := range []string{` {"n" : 9007199254740993,"a":"<é\ud83d"} `, `null`, `""`} {
		step := done(strings.Repeat("ü\" \\\n'", 1+10*i), result)
		step.At = at(time.Second + time.Duration(i)*time.Microsecond)
		want = append(want, of(job, step))
	}
	t.saveSteps(job, want...)
	t.equal("steps", t.steps(job.ID), want)
}

func stepsLarge(t *trial) {
	job := t.running(plain())
	text := `"` + strings.Repeat("x", 1<<20) + `"`
	t.saveSteps(job, done("charge", text))
	if got := string(t.steps(job.ID)[0].Result); got != text {
		t.Fatalf("a result of %d bytes came back as %d", len(text), len(got))
	}
}

func stepsByDatabaseClock(t *trial) {
	job := t.running(plain())
	step := done("mail", "")
	step.At = time.Time{}
	t.saveSteps(job, step)
	t.equal("saved at", t.steps(job.ID)[0].At, at(70*time.Second))
	step.Name = "print"
	t.must("SaveSteps", t.store.SaveSteps(t.Context(), job.ID, job.Token, []store.Step{step}, time.Time{}))
	if now := t.steps(job.ID)[1].At; now.IsZero() {
		t.Fatal("a step was saved without a time")
	}
}

func stepsOutlive(t *trial) {
	for _, each := range kinds {
		job := t.running(inQueue(each.name))
		t.saveSteps(job, done("charge", `{"receipt":1}`))
		t.accept(outcome(job, each.kind))
		t.equal("steps after "+each.name, t.steps(job.ID), []store.Step{of(job, done("charge", `{"receipt":1}`))})
	}
	job := t.running(inQueue("crashed"))
	t.saveSteps(job, done("charge", ""))
	t.recover(silent(worker, 0))
	t.equal("steps after a crash", len(t.steps(job.ID)), 1)
}

func stepsStale(t *trial) {
	job, other := t.running(inQueue("a")), t.running(inQueue("b"))
	t.saveSteps(job, done("charge", "1"))
	for _, token := range []int64{0, -1, -job.Token, job.Token + 1, other.Token} {
		t.refuseSteps(job.ID, token, true)
	}
	t.accept(outcome(job, store.Release))
	t.refuseSteps(job.ID, job.Token, true)
	again := t.claimOf(job.ID, inQueue("a"))
	t.refuseSteps(job.ID, job.Token, true)
	t.saveSteps(again, done("mail", ""))
	t.recover(silent(worker, 0))
	t.refuseSteps(job.ID, again.Token, true)
	t.equal("steps", len(t.steps(job.ID)), 2)
}

func stepsNotRunning(t *trial) {
	for _, each := range kinds {
		job := t.running(inQueue(each.name))
		t.accept(outcome(job, each.kind))
		t.refuseSteps(job.ID, job.Token, true)
	}
	for _, status := range []store.JobStatus{store.Scheduled, store.Pending} {
		t.refuseSteps(t.jobIn(status, plain()), 0, true)
	}
	t.refuseSteps(404, 5, false)
	t.equal("steps of a job that does not exist", len(t.steps(404)), 0)
}

func stepsChangeNothingElse(t *trial) {
	job := t.running(plain())
	before := t.whole(job.ID)
	t.saveSteps(job, done("charge", ""))
	after := t.whole(job.ID)
	after.Steps = nil
	t.equal("job", after, before)
	t.cancel(job.ID)
	t.saveSteps(job, done("mail", ""))
	t.accept(outcome(job, store.Complete))
	t.status(job.ID, store.Cancelled)
}

func stepsNothing(t *trial) {
	job := t.running(plain())
	t.saveSteps(job)
	t.equal("steps", len(t.steps(job.ID)), 0)
}

func stepsKeptByRetry(t *trial) {
	for _, kind := range []store.OutcomeKind{store.Fail, store.Cancel, store.Retry} {
		job := t.running(inQueue(string(leadsTo[kind])))
		t.saveSteps(job, done("charge", ""))
		t.accept(outcome(job, kind))
		t.retry(one(job.ID))
		t.equal("steps of a job that was "+string(leadsTo[kind]), len(t.steps(job.ID)), 1)
	}
}

func stepsLostByRetry(t *trial) {
	job, other := t.running(inQueue("a")), t.running(inQueue("b"))
	t.saveSteps(job, done("charge", ""))
	t.saveSteps(other, done("charge", ""))
	t.accept(outcome(job, store.Complete))
	t.accept(outcome(other, store.Complete))
	t.retry(one(job.ID))
	t.equal("steps", len(t.steps(job.ID)), 0)
	t.equal("steps of the other job", len(t.steps(other.ID)), 1)
}

func stepsDeleted(t *trial) {
	for _, each := range kinds {
		job := t.running(inQueue(each.name))
		t.saveSteps(job, done("charge", ""), done("mail", ""))
		t.accept(outcome(job, each.kind))
		t.delete(one(job.ID))
		t.equal("steps", len(t.steps(job.ID)), 0)
	}
}

func stepsPruned(t *trial) {
	for _, kind := range []store.OutcomeKind{store.Complete, store.Fail, store.Cancel} {
		job := t.running(plain())
		t.saveSteps(job, done("charge", ""))
		t.accept(outcome(job, kind))
		_, _, err := t.store.Prune(t.Context(), keepAll(time.Hour), 0, 100, at(day))
		t.must("Prune", err)
		t.equal("steps", len(t.steps(job.ID)), 0)
	}
}

// stepsTravel: what a store exports fits into memory, however large its steps are.
func stepsTravel(t *trial) {
	other := t.elsewhere()
	for range 7 {
		job := other.running(plain())
		for _, name := range []string{"a", "b", "c"} {
			other.saveSteps(job, done(name, `"`+strings.Repeat(name, 1<<20)+`"`))
		}
		other.accept(outcome(job, store.Complete))
	}
	records := other.exportAll(100)
	t.importAll(records...)
	for i, record := range t.exportAll(100) {
		t.equal("job", record.Job.ID, records[i].Job.ID)
		t.equal("number of steps", len(record.Steps), 3)
		for n, step := range record.Steps {
			if want := records[i].Steps[n]; step.Name != want.Name || string(step.Result) != string(want.Result) {
				t.Fatalf("step %s of job %d did not come through", step.Name, record.Job.ID)
			}
		}
	}
}

func afterProgress(job store.Job) store.Outcome {
	o := outcome(job, store.Retry)
	o.Progressed, o.Error, o.Stack = true, "not today", "main.go:3"
	o.RuleRetries = map[string]int{"busy": 1} // such a retry counts for no rule either
	return o
}

func stepsProgressed(t *trial) {
	id := t.enqueue(plain())[0]
	for range 3 {
		job := t.claimOf(id, plain())
		t.equal("attempt while running", job.Attempt, 1)
		t.accept(afterProgress(job))
		got := t.get(id)
		t.equal("status", got.Status, store.Retrying)
		t.equal("attempt", got.Attempt, 0)
		t.equal("error", got.Error, "not today")
		t.equal("time of the next run", got.NextRunAt, dueAt)
		t.promoteAll()
		t.equal("error of a pending job", t.get(id).Error, "not today")
	}
	t.equal("attempts", t.attempts(id)[2], store.Attempt{
		JobID: id, Number: 1, Outcome: store.AttemptProgressed, ProcessID: worker,
		StartedAt: startedAt, FinishedAt: finishedAt, Error: "not today", Stack: "main.go:3",
	})
	job := t.claimOf(id, plain())
	t.equal("error of a claimed job", job.Error, "not today")
	t.accept(outcome(job, store.Retry))
	t.equal("attempt after a retry that counts", t.get(id).Attempt, 1)
	t.equal("number of attempts", len(t.attempts(id)), 4)
}

func stepsProgressedRepeated(t *trial) {
	job := t.running(plain())
	o := afterProgress(job)
	t.equal("verdicts", t.finish(o, o), []store.Verdict{store.Accepted, store.Repeated})
	t.equal("verdict", t.finish(o)[0], store.Repeated)
	t.equal("number of attempts", len(t.attempts(job.ID)), 1)
}

func stepsProgressedOthers(t *trial) {
	for _, each := range kinds {
		if each.kind == store.Retry {
			continue
		}
		var results []whole
		for _, progressed := range []bool{false, true} {
			job := t.running(inQueue(each.name))
			o := outcome(job, each.kind)
			o.Progressed = progressed
			t.accept(o)
			result := t.whole(job.ID)
			result.Job.ID, result.Job.Token = 0, 0
			for i := range result.Attempts {
				result.Attempts[i].JobID = 0
			}
			results = append(results, result)
			t.delete(one(job.ID))
		}
		t.equal(each.name+" with progress", results[1], results[0])
	}
}

func stepsProgressedCancelled(t *trial) {
	job := t.running(plain())
	t.cancel(job.ID)
	t.accept(afterProgress(job))
	t.status(job.ID, store.Cancelled)
	t.equal("attempt", t.get(job.ID).Attempt, 0)
	t.equal("outcome", t.attempts(job.ID)[0].Outcome, store.AttemptCancelled)
}
