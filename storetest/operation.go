package storetest

import (
	"errors"
	"sync"
	"time"

	"github.com/laterjobs/later/store"
)

var operationChecks = []check{
	{"each action does what its verb does, to all that match", operationActions},
	{"undo brings back what nobody has touched", operationUndo},
	{"what has been deleted comes back byte for byte", operationUndelete},
	{"jobs that come later are not caught", operationBound},
	{"it takes several steps, and each job is changed once", operationSteps},
	{"many processes may be at it", operationTogether},
	{"it can be cancelled between two steps, and what was done be undone", operationCancelled},
	{"states that do not allow it", operationTurns},
	{"a job that was running is asked to stop, and not restored", operationRunning},
	{"a job that has moved on is not restored", operationMovedOn},
	{"a job whose key another one has taken is not restored", operationKeyTaken},
	{"a retry leaves alone what cannot have its key", operationLeft},
	{"it comes back as it was made, and is listed", operationFidelity},
	{"it has one entry in the audit, which counts on", operationAudited},
	{"its jobs can be asked for, also after the undo and as long as it is kept", operationJobs},
	{"its jobs are those of another one", operationOfJobs},
	{"the list of its jobs goes page by page, whoever has gone", operationPages},
	{"old operations and what undoing needed are pruned", operationPruned},
}

func (t *trial) operate(o store.Operation) store.Operation {
	t.Helper()
	added, err := t.store.AddOperation(t.Context(), o, nil, at(5*time.Minute))
	t.must("AddOperation", err)
	return t.stepAll(added.ID)
}

// stepAll takes steps until there are none.
func (t *trial) stepAll(id int64) store.Operation {
	t.Helper()
	for range 1000 {
		o, err := t.store.StepOperation(t.Context(), id, at(6*time.Minute))
		t.must("StepOperation", err)
		if !o.State.Working() {
			return o
		}
	}
	t.Fatalf("operation %d does not end", id)
	panic("unreachable")
}

func (t *trial) undo(id int64) store.Operation {
	t.Helper()
	_, err := t.store.TurnOperation(t.Context(), id, store.OperationUndoing, nil, at(7*time.Minute))
	t.must("TurnOperation", err)
	return t.stepAll(id)
}

// records are all jobs with everything, their places in line by rank.
func (t *trial) records() []store.Record {
	t.Helper()
	records, err := t.store.Export(t.Context(), 0, 10_000)
	t.must("Export", err)
	return ranked(records)
}

var operationsOfAll = []store.Operation{
	{Action: store.OperationCancel, Reason: "no longer needed"}, {Action: store.OperationRetry},
	{Action: store.OperationReschedule, At: dueAt.Add(time.Hour)}, {Action: store.OperationReschedule, At: enqueuedAt},
	{Action: store.OperationDelete},
}

func operationActions(t *trial) {
	for _, want := range []struct {
		store.Operation
		status map[store.JobStatus]store.JobStatus // empty: it is gone
	}{
		{operationsOfAll[1], map[store.JobStatus]store.JobStatus{store.Retrying: store.Pending, store.Completed: store.Pending, store.Failed: store.Pending, store.Cancelled: store.Pending}},
		{operationsOfAll[2], map[store.JobStatus]store.JobStatus{store.Scheduled: store.Scheduled, store.Pending: store.Scheduled}},
		{operationsOfAll[0], map[store.JobStatus]store.JobStatus{store.Scheduled: store.Cancelled, store.Running: store.Running}},
		{operationsOfAll[4], map[store.JobStatus]store.JobStatus{store.Cancelled: "", store.Pending: ""}},
	} {
		tag := string(want.Action)
		ids := map[store.JobStatus]int64{}
		for status := range want.status {
			job := plain()
			job.Queue, job.Tags = tag+string(status), []string{tag}
			ids[status] = t.jobIn(status, job)
		}
		other := t.jobIn(store.Scheduled, inQueue("other"))
		want.Filter = store.Filter{Tag: tag}
		o := t.operate(want.Operation)
		t.equal(tag, []any{o.State, o.Matched, o.Changed, o.Left}, []any{store.OperationDone, int64(len(ids)), int64(len(ids)), int64(0)})
		for status, id := range ids {
			if becomes := want.status[status]; becomes != "" {
				t.status(id, becomes)
			} else if _, err := t.store.Get(t.Context(), id); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("the %s job %d is still there: %v", status, id, err)
			}
		}
		t.status(other, store.Scheduled)
	}
}

func operationUndo(t *trial) {
	for _, o := range operationsOfAll {
		ids := t.oneOfEach()
		t.must("finish the running one", errorOf(t.store.Finish(t.Context(), []store.Outcome{outcome(t.runningJob(ids[store.Running]), store.Release)}, claimedAt)))
		before := t.records()
		done := t.operate(o)
		if done.Changed == 0 {
			t.Fatalf("%s has changed nothing", o.Action)
		}
		undone := t.undo(done.ID)
		t.equal("state", undone.State, store.OperationUndone)
		t.equal("restored", []any{undone.Restored, len(undone.NotUndone)}, []any{done.Changed, 0})
		t.equal("jobs after "+string(o.Action)+" and its undo", t.records(), before)
		_, err := t.store.Delete(t.Context(), store.Filter{}, nil)
		t.must("Delete", err)
	}
}

// runningJob is the job with its token.
func (t *trial) runningJob(id int64) store.Job { t.Helper(); return t.get(id) }

func operationUndelete(t *trial) {
	job := withArgs("{ \"a\" : \"<b>\\u0041\", \"n\": 9007199254740993.0 }")
	job.Metadata, job.Tags, job.UserID = []byte(`{ "m":  1 }`), []string{"a", `"<`}, "ada"
	id := t.jobIn(store.Failed, job)
	before := t.whole(id)
	done := t.operate(store.Operation{Action: store.OperationDelete, Filter: one(id)})
	t.undo(done.ID)
	t.equal("job", t.whole(id), before)
	t.equal("arguments", string(t.get(id).Args), string(job.Args))
	t.equal("retried", t.retry(one(id)), []int64{id})
}

func operationBound(t *trial) {
	first := t.enqueue(many(3, plain())...)
	added, err := t.store.AddOperation(t.Context(), store.Operation{Action: store.OperationCancel}, nil, claimedAt)
	t.must("AddOperation", err)
	late := t.enqueue(plain())[0]
	o := t.stepAll(added.ID)
	t.equal("changed", o.Changed, int64(3))
	t.status(late, store.Pending)
	t.status(first[2], store.Cancelled)
}

func operationSteps(t *trial) {
	const jobs = store.OperationStep*2 + 10
	t.enqueue(many(jobs, plain())...)
	added, err := t.store.AddOperation(t.Context(), store.Operation{Action: store.OperationCancel}, nil, claimedAt)
	t.must("AddOperation", err)
	t.equal("matched", added.Matched, int64(jobs))
	first, err := t.store.StepOperation(t.Context(), added.ID, claimedAt)
	t.must("StepOperation", err)
	t.equal("after a step", []any{first.State, first.Changed}, []any{store.OperationRunning, int64(store.OperationStep)})
	done := t.stepAll(added.ID)
	t.equal("in the end", []any{done.State, done.Changed}, []any{store.OperationDone, int64(jobs)})
	t.equal("undone", t.undo(done.ID).Restored, int64(jobs))
	t.equal("pending", t.stats().Counts[store.Pending], int64(jobs))
	t.equal("claimed first", idsOf(t.claim(store.Demand{Limit: 2})), []int64{t.records()[0].Job.ID, t.records()[1].Job.ID})
}

func operationTogether(t *trial) {
	const jobs = store.OperationStep*3 + 1
	t.enqueue(many(jobs, plain())...)
	added, err := t.store.AddOperation(t.Context(), store.Operation{Action: store.OperationCancel}, nil, claimedAt)
	t.must("AddOperation", err)
	t.together(added.ID)
	t.equal("changed", t.operation(added.ID).Changed, int64(jobs))
	_, err = t.store.TurnOperation(t.Context(), added.ID, store.OperationUndoing, nil, at(7*time.Minute))
	t.must("TurnOperation", err)
	t.together(added.ID)
	t.equal("restored", t.operation(added.ID).Restored, int64(jobs))
	t.equal("pending", t.stats().Counts[store.Pending], int64(jobs))
}

// together lets several callers take the steps.
func (t *trial) together(id int64) {
	t.Helper()
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for working := true; working; {
				o, err := t.store.StepOperation(t.Context(), id, at(6*time.Minute))
				if err != nil {
					t.Errorf("StepOperation: %v", err)
					return
				}
				working = o.State.Working()
			}
		})
	}
	all.Wait()
}

func (t *trial) operation(id int64) store.Operation {
	t.Helper()
	found, err := t.store.Operations(t.Context(), store.OperationFilter{ID: id})
	t.must("Operations", err)
	if len(found) != 1 {
		t.Fatalf("there are %d operations with the id %d", len(found), id)
	}
	return found[0]
}

func operationCancelled(t *trial) {
	const jobs = store.OperationStep + 10
	t.enqueue(many(jobs, plain())...)
	added, err := t.store.AddOperation(t.Context(), store.Operation{Action: store.OperationDelete}, nil, claimedAt)
	t.must("AddOperation", err)
	_, err = t.store.StepOperation(t.Context(), added.ID, claimedAt)
	t.must("StepOperation", err)
	_, err = t.store.TurnOperation(t.Context(), added.ID, store.OperationCancelled, nil, at(6*time.Minute))
	t.must("TurnOperation", err)
	o, err := t.store.StepOperation(t.Context(), added.ID, at(6*time.Minute))
	t.must("StepOperation", err)
	t.equal("cancelled", []any{o.State, o.Changed, o.FinishedAt}, []any{store.OperationCancelled, int64(store.OperationStep), at(6 * time.Minute)})
	t.equal("restored", t.undo(added.ID).Restored, int64(store.OperationStep))
	t.equal("pending", t.stats().Counts[store.Pending], int64(jobs))
}

func operationTurns(t *trial) {
	t.enqueue(plain())
	turn := func(id int64, to store.OperationState, now time.Time, want error) {
		t.Helper()
		if _, err := t.store.TurnOperation(t.Context(), id, to, by(string(to), "operation", ""), now); !errors.Is(err, want) {
			t.Errorf("to %s: %v, want %v", to, err, want)
		}
	}
	turn(404, store.OperationCancelled, claimedAt, store.ErrNotFound)
	if _, err := t.store.StepOperation(t.Context(), 404, claimedAt); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a step of none: %v", err)
	}
	added, err := t.store.AddOperation(t.Context(), store.Operation{Action: store.OperationCancel}, nil, claimedAt)
	t.must("AddOperation", err)
	turn(added.ID, store.OperationUndoing, claimedAt, store.ErrConflict)
	turn(added.ID, store.OperationDone, claimedAt, store.ErrConflict)
	done := t.stepAll(added.ID)
	turn(added.ID, store.OperationCancelled, claimedAt, store.ErrConflict)
	turn(added.ID, store.OperationUndoing, done.FinishedAt.Add(store.OperationUndoable+time.Second), store.ErrConflict)
	turn(added.ID, store.OperationUndoing, done.FinishedAt.Add(store.OperationUndoable), nil)
	turn(added.ID, store.OperationUndoing, done.FinishedAt, store.ErrConflict) // two undos
	t.stepAll(added.ID)
	turn(added.ID, store.OperationUndoing, done.FinishedAt, store.ErrConflict)
	t.equal("audit", actions(t.audit(store.AuditFilter{})), []any{"undoing", 0})
}

func operationRunning(t *trial) {
	job := t.running(plain())
	done := t.operate(store.Operation{Action: store.OperationCancel, Reason: "enough"})
	t.equal("changed", done.Changed, int64(1))
	t.equal("asked to stop", t.get(job.ID).CancelRequested, true)
	undone := t.undo(done.ID)
	t.equal("not undone", undone.NotUndone, map[string]int64{store.NotUndoneRan: 1})
	t.accept(outcome(job, store.Complete))
	t.status(job.ID, store.Cancelled)
}

func operationMovedOn(t *trial) {
	ids := []int64{}
	for _, queue := range []string{"a", "b", "c"} {
		ids = append(ids, t.jobIn(store.Failed, inQueue(queue)))
	}
	done := t.operate(store.Operation{Action: store.OperationRetry})
	t.equal("changed", done.Changed, int64(3))
	job := t.claimOf(ids[0], inQueue("a"))
	_, err := t.store.Delete(t.Context(), one(ids[1]), nil)
	t.must("Delete", err)
	undone := t.undo(done.ID)
	t.equal("restored", undone.Restored, int64(1))
	t.equal("not undone", undone.NotUndone, map[string]int64{store.NotUndoneChanged: 2})
	t.status(ids[2], store.Failed)
	t.accept(outcome(job, store.Complete))
	t.status(ids[0], store.Completed)
}

func operationKeyTaken(t *trial) {
	keyed := plain()
	keyed.Options = &store.Options{Unique: &store.Unique{Key: "k", Scope: store.UniqueUntilDone}}
	free := plain()
	free.Options = &store.Options{Unique: &store.Unique{Key: "free", Scope: store.UniqueUntilDone}}
	ids := t.enqueue(keyed, free)
	done := t.operate(store.Operation{Action: store.OperationDelete})
	taker := t.enqueue(keyed)[0]
	undone := t.undo(done.ID)
	t.equal("restored", undone.Restored, int64(1))
	t.equal("not undone", undone.NotUndone, map[string]int64{store.NotUndoneKey: 1})
	holder, err := t.store.Holder(t.Context(), "Mail", "k", claimedAt)
	t.must("Holder", err)
	t.equal("holder", holder, taker)
	holder, err = t.store.Holder(t.Context(), "Mail", "free", claimedAt)
	t.must("Holder", err)
	t.equal("holder of the free one", holder, ids[1])
}

func operationLeft(t *trial) {
	keyed := plain()
	keyed.Options = &store.Options{Unique: &store.Unique{Key: "k", Scope: store.UniqueUntilDone}}
	ids := t.enqueue(keyed, plain())
	_, err := t.store.Cancel(t.Context(), store.Filter{IDs: ids}, "", claimedAt, nil)
	t.must("Cancel", err)
	t.enqueue(keyed)
	done := t.operate(store.Operation{Action: store.OperationRetry})
	t.equal("changed and left", []int64{done.Changed, done.Left}, []int64{1, 1})
	t.equal("restored", t.undo(done.ID).Restored, int64(1))
}

func operationFidelity(t *trial) {
	want := store.Operation{
		Action: store.OperationReschedule, At: dueAt, Reason: `"<because>"`, Person: "änä", Source: store.FromCLI,
		Filter: store.Filter{
			IDs: []int64{1, 2}, Status: []store.JobStatus{store.Failed}, Type: "T", Queue: "q", User: "u", Target: "t", Tag: "<", Text: "x",
			QueuedAfter: at(-day), QueuedBefore: at(day), FinishedAfter: at(-day), FinishedBefore: at(2 * day),
		},
	}
	added, err := t.store.AddOperation(t.Context(), want, nil, claimedAt)
	t.must("AddOperation", err)
	want.ID, want.State, want.CreatedAt, want.Bound, want.Cursor = added.ID, store.OperationRunning, claimedAt, added.Bound, added.Bound+1
	t.equal("operation", added, want)
	t.equal("operation", t.operation(added.ID), want)
	second, err := t.store.AddOperation(t.Context(), store.Operation{Action: store.OperationDelete, Filter: store.Filter{IDs: []int64{404}}}, nil, claimedAt)
	t.must("AddOperation", err)
	t.stepAll(second.ID)
	for _, test := range []struct {
		filter store.OperationFilter
		want   []int64
	}{
		{store.OperationFilter{}, []int64{second.ID, added.ID}}, {store.OperationFilter{Working: true}, []int64{added.ID}},
		{store.OperationFilter{Limit: 1}, []int64{second.ID}}, {store.OperationFilter{Before: second.ID}, []int64{added.ID}},
		{store.OperationFilter{ID: 404}, []int64{}},
	} {
		found, err := t.store.Operations(t.Context(), test.filter)
		t.must("Operations", err)
		ids := []int64{}
		for _, o := range found {
			ids = append(ids, o.ID)
		}
		t.equal("operations", ids, test.want)
	}
}

func operationAudited(t *trial) {
	ids := t.enqueue(many(3, plain())...)
	added, err := t.store.AddOperation(t.Context(), store.Operation{Action: store.OperationCancel}, by("cancel", "jobs", ""), claimedAt)
	t.must("AddOperation", err)
	t.equal("audit", actions(t.audit(store.AuditFilter{})), []any{"cancel", 0})
	t.stepAll(added.ID)
	t.equal("audit", actions(t.audit(store.AuditFilter{})), []any{"cancel", 3})
	t.equal("audit of a job", actions(t.audit(store.AuditFilter{Job: ids[1]})), []any{"cancel", 3})
}

func operationPruned(t *trial) {
	t.enqueue(plain())
	done := t.operate(store.Operation{Action: store.OperationDelete})
	t.pruneAll(keepAll(-1), 10, done.FinishedAt.Add(store.OperationUndoable+time.Minute))
	t.equal("nothing is left to restore", t.undo(done.ID).Restored, int64(0))
	t.pruneAll(keepAll(-1), 10, done.CreatedAt.Add(store.AuditKept+day))
	found, err := t.store.Operations(t.Context(), store.OperationFilter{})
	t.must("Operations", err)
	t.equal("operations", len(found), 0)
}
