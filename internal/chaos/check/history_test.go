package check

import (
	"time"

	"github.com/laterjobs/later/store"
)

// good is a history in which every promise holds: a job that completes, one whose
// process is killed, one in a transaction, one that is retried, one that is cancelled
// while it runs, and one that kills its processes. Every check has something to test.
func good() *History {
	h := &History{
		Params: Params{
			Beat: 300 * time.Millisecond, TimeToDie: 2 * time.Second, SoftStop: time.Second, HardStop: time.Second,
			Kinds: map[string]Trait{
				"quick": {Ends: []store.JobStatus{store.Completed}}, "long": {Ends: []store.JobStatus{store.Completed}},
				"flaky": {Ends: []store.JobStatus{store.Completed}}, "broken": {Ends: []store.JobStatus{store.Failed}},
				"tx":     {Ends: []store.JobStatus{store.Completed}, Transactional: true},
				"poison": {Ends: []store.JobStatus{store.Failed}, Poison: true},
			},
		},
		Ops: map[string]*Op{}, Jobs: map[int64]Job{}, Effects: map[Claim]*Effect{}, Rows: map[int64]int{3: 1},
	}
	one := life("worker-1.1", 11, 0, 60*second)
	two := life("worker-2.1", 22, 0, 60*second)
	victim := life("worker-3.1", 33, 0, 10*second)
	victim.How = "killed"
	two.StopAsked, two.StopReturned = 58*second, 59*second
	h.Lives = []*Life{one, two, victim}

	h.completes(one)
	h.losesItsProcess(victim, one)
	h.completesInTx(two)
	h.isRetried(one)
	h.isCancelled(one)
	h.startsOver(one)
	h.killsItsProcesses()
	h.doesNoStepAgain(two)
	h.keysAndTicks(one)

	h.Ops["rolled back"] = &Op{ID: "rolled back", Kind: "quick", Answer: Refused}
	h.Verdicts = append(h.Verdicts, Verdict{Claim: Claim{1, 101}, Verdict: store.Repeated, Again: true, Life: one})
	h.Audit = Audit{
		Counts:  map[store.JobStatus]int64{store.Completed: 9, store.Failed: 2, store.Cancelled: 1},
		Counted: map[store.JobStatus]int64{store.Completed: 9, store.Failed: 2, store.Cancelled: 1}, Rows: 12, Placed: 12,
	}
	return h
}

// completes: job 1 completes.
func (h *History) completes(one *Life) {
	h.enqueue(1, "quick", 1)
	h.run(1, 101, one, 2*second, "completed")
	h.finish(1, 101, one, 1, 3*second)
}

// losesItsProcess: the process of job 2 is killed.
func (h *History) losesItsProcess(victim, one *Life) {
	h.enqueue(2, "long", 1)
	h.run(2, 201, victim, 9*second, "")
	h.back(2, 11*second, 0, 1)
	h.run(2, 202, one, 12*second, "completed")
	h.finish(2, 202, one, 1, 13*second)
}

// completesInTx: job 3 completes in a transaction of its own.
func (h *History) completesInTx(two *Life) {
	h.enqueue(3, "tx", 1)
	h.run(3, 301, two, 2*second, "completed")
	h.finish(3, 301, two, 1, 3*second)
}

// isRetried: job 4 fails once.
func (h *History) isRetried(one *Life) {
	h.enqueue(4, "flaky", 1)
	h.run(4, 401, one, 4*second, "failed")
	h.record(4, 401, store.AttemptRetried)
	h.move(Move{Job: 4, Place: Waiting, Kind: 3, Attempt: 1, RunAt: 6 * second, At: 5 * second})
	h.move(Move{Job: 4, Place: Ready, Attempt: 1, At: 6 * second})
	h.run(4, 402, one, 7*second, "completed")
	h.finish(4, 402, one, 1, 8*second)
}

// isCancelled: job 5 is cancelled while it runs.
func (h *History) isCancelled(one *Life) {
	h.enqueue(5, "long", 20)
	h.run(5, 501, one, 21*second, "cancelled")
	h.Runs[len(h.Runs)-1].Told, h.Runs[len(h.Runs)-1].Cause = 21*second+second/2, "cancelled"
	h.Controls = append(h.Controls, Control{Verb: "cancel", Asked: []int64{5}, Changed: []int64{5}, Answer: OK,
		Invoked: 21*second + second/10, Ended: 21*second + second/5})
	h.record(5, 501, store.AttemptCancelled)
	h.finish(5, 501, one, 3, 22*second)
}

// startsOver: somebody retries job 6, which has failed, and its queue is paused.
func (h *History) startsOver(one *Life) {
	h.enqueue(6, "broken", 30)
	h.run(6, 601, one, 31*second, "failed")
	h.record(6, 601, store.AttemptFailed)
	h.finish(6, 601, one, 2, 32*second)
	h.Controls = append(h.Controls, Control{Verb: "retry", Asked: []int64{6}, Changed: []int64{6}, Answer: OK, Invoked: 33 * second, Ended: 34 * second})
	h.move(Move{Job: 6, Place: Ready, At: 33 * second})
	h.change(6, func(j *Job) { j.Queue = "reports" })
	h.Controls = append(h.Controls,
		Control{Verb: "pause", Queue: "reports", Answer: OK, Invoked: 33 * second, Ended: 33*second + second/10},
		Control{Verb: "resume", Queue: "reports", Answer: OK, Invoked: 34*second + second*8/10, Ended: 34*second + second*9/10})
	h.run(6, 602, one, 35*second, "failed")
	h.record(6, 602, store.AttemptFailed)
	h.finish(6, 602, one, 2, 36*second)
}

// killsItsProcesses: job 7 does, and is failed for it.
func (h *History) killsItsProcesses() {
	h.enqueue(7, "poison", 40)
	h.change(7, func(j *Job) { j.Status, j.Attempt, j.Crashes, j.Error = store.Failed, 0, 5, store.CrashedReason })
	for n := range int64(5) {
		at := (41 + n) * second
		l := life("worker-4."+string(rune('1'+n)), 70+n, 40*second, at+second/10)
		l.How = "poison"
		h.Lives = append(h.Lives, l)
		h.run(7, 701+n, l, at, "")
		if n < 4 {
			h.back(7, at+second/2, 0, n+1)
		}
	}
	h.move(Move{Job: 7, Place: Finished, Kind: 2, Crashes: 5, At: 46 * second})
}

// doesNoStepAgain: job 8 does not, when it comes to another process.
func (h *History) doesNoStepAgain(two *Life) {
	h.enqueue(8, "long", 8)
	another := life("worker-5.1", 55, 0, 10*second)
	another.How = "killed"
	h.Lives = append(h.Lives, another)
	h.run(8, 801, another, 9*second, "")
	h.back(8, 11*second, 0, 1)
	h.run(8, 802, two, 12*second, "completed")
	h.finish(8, 802, two, 1, 13*second)
	h.Steps = []Step{{Claim{8, 801}, "step 1", 9*second + second/4, 801}, {Claim{8, 802}, "step 1", 12*second + second/4, 801}}
	h.StepEffects = []Step{{Claim{8, 801}, "step 1", 9*second + second/5, 0}}
}

// keysAndTicks: jobs 10 and 11 have a key, one after the other; 12 and 13 are of a schedule.
func (h *History) keysAndTicks(one *Life) {
	for n := range int64(2) {
		id := 10 + n // with a key, one after the other
		h.enqueue(id, "quick", 2+2*n)
		h.run(id, 100*id, one, (2+2*n)*second, "completed")
		h.finish(id, 100*id, one, 1, (3+2*n)*second)
		h.change(id, func(j *Job) { j.Key = "key" })

		id = 12 + n // of a schedule
		h.enqueue(id, "quick", 2)
		h.run(id, 100*id, one, 2*second, "completed")
		h.finish(id, 100*id, one, 1, 3*second)
		delete(h.Ops, h.Jobs[id].Op)
		h.change(id, func(j *Job) { j.Schedule, j.Tick = "schedule", time.Unix(2*n, 0) })
	}
	h.Params.Every = 2 * time.Second
}

// life is a process that beats until it dies.
func life(name string, process, born, died int64) *Life {
	l := &Life{Name: name, Role: "worker", Born: born, Died: died, How: "stopped", Joined: []int64{born}, Processes: []int64{process}}
	for at := born; at < died; at += second / 3 {
		l.Beats = append(l.Beats, Span{at, at + second/100})
	}
	return l
}

func (h *History) move(m Move) { h.Moves = append(h.Moves, m) }

// last is the last move of a job.
func (h *History) last(job int64) (last Move) {
	for _, m := range h.Moves {
		if m.Job == job {
			last = m
		}
	}
	return last
}

func (h *History) enqueue(id int64, kind string, at int64) {
	op := kind + " " + string(rune('0'+id))
	h.Ops[op] = &Op{ID: op, Kind: kind, Answer: OK, Job: id, Invoked: at * second}
	h.Jobs[id] = Job{ID: id, Op: op, Kind: kind, MaxRetries: 3, ArgsOK: true, ResultOK: true}
	h.move(Move{Job: id, Place: Ready, At: at * second})
}

// run is a claim and a handler of half a second, which has its effect.
func (h *History) run(id, token int64, l *Life, at int64, returns string) {
	before := h.last(id)
	h.move(Move{Job: id, Place: Claimed, Token: token, Process: l.Processes[0], Attempt: before.Attempt, Crashes: before.Crashes, At: at - second/100})
	r := &Run{Claim: Claim{id, token}, Life: l, Kind: h.Jobs[id].Kind, Start: at, Returns: returns}
	effect := &Effect{Began: at, Begins: 1}
	if returns != "" {
		r.End = at + second/2
		effect.Ended, effect.Finals = r.End, 1
		h.Verdicts = append(h.Verdicts, Verdict{Claim: r.Claim, Verdict: store.Accepted, Life: l})
	}
	h.Runs, h.Effects[r.Claim] = append(h.Runs, r), effect
}

func (h *History) back(id, at, attempt, crashes int64) {
	h.record(id, h.last(id).Token, store.AttemptCrashed)
	h.move(Move{Job: id, Place: Ready, Attempt: attempt, Crashes: crashes, At: at})
}

func (h *History) record(id, token int64, outcome store.AttemptOutcome) {
	h.Attempts = append(h.Attempts, Attempt{Claim{id, token}, outcome})
}

// finish ends a job: 1 completed, 2 failed, 3 cancelled.
func (h *History) finish(id, token int64, l *Life, kind, at int64) {
	before := h.last(id)
	m := Move{Job: id, Place: Finished, Kind: kind, Token: token, Process: l.Processes[0], Attempt: before.Attempt + 1, Crashes: before.Crashes, At: at}
	h.move(m)
	job := h.Jobs[id]
	job.Status, job.Attempt, job.Crashes = m.status(), int(m.Attempt), int(m.Crashes)
	h.Jobs[id] = job
}

// change changes one job.
func (h *History) change(id int64, how func(*Job)) {
	job := h.Jobs[id]
	how(&job)
	h.Jobs[id] = job
}

// at returns the n-th move of a job, to be changed.
func (h *History) at(id int64, n int) *Move {
	for i := range h.Moves {
		if h.Moves[i].Job == id {
			if n--; n < 0 {
				return &h.Moves[i]
			}
		}
	}
	panic("no such move")
}

// runAt returns a run, to be changed.
func (h *History) runAt(id, token int64) *Run {
	for _, r := range h.Runs {
		if r.Claim == (Claim{id, token}) {
			return r
		}
	}
	panic("no such run")
}

// silence takes the beats of a process away between two times.
func (l *Life) silence(from, to int64) {
	var left []Span
	for _, beat := range l.Beats {
		if beat.From < from || beat.From > to {
			left = append(left, beat)
		}
	}
	l.Beats = left
}
