package storetest

import (
	"slices"

	"github.com/laterjobs/later/store"
)

// of are the ids of the jobs that an operation has changed and a filter selects, newest first.
func (t *trial) of(operation int64, f store.Filter) []int64 {
	t.Helper()
	f.Operation = operation
	found := t.list(f)
	counted, err := t.store.Count(t.Context(), f, nil, store.Reach{})
	t.must("Count", err)
	t.equal("counted", counted.Jobs, int64(len(found)))
	return found
}

func operationJobs(t *trial) {
	completed := t.oneOfEach()[store.Completed]
	running := t.list(store.Filter{Status: []store.JobStatus{store.Running}})

	cancelled := t.operate(store.Operation{Action: store.OperationCancel})
	changed := t.of(cancelled.ID, store.Filter{})
	t.equal("cancelled jobs", int64(len(changed)), cancelled.Changed)
	t.equal("those that ran", t.of(cancelled.ID, store.Filter{Status: []store.JobStatus{store.Running}}), running)
	t.equal("of a type", t.of(cancelled.ID, store.Filter{Type: "Mail"}), changed)
	t.equal("one of them", t.of(cancelled.ID, one(changed[1])), changed[1:2])
	t.equal("one that is none of them", t.of(cancelled.ID, one(completed)), []int64{})
	t.equal("of no operation", t.of(cancelled.ID+100, store.Filter{}), []int64{})
	t.equal("of a strange one", t.of(-1, store.Filter{}), []int64{})

	t.undo(cancelled.ID)
	t.equal("after the undo", t.of(cancelled.ID, store.Filter{}), changed)
	t.pruneAll(keepAll(-1), 10, cancelled.FinishedAt.Add(store.OperationUndoable+day))
	t.equal("when it is too late to undo", t.of(cancelled.ID, store.Filter{}), changed)

	deleted := t.operate(store.Operation{Action: store.OperationDelete, Filter: one(changed[0])})
	t.equal("the others when one is deleted", t.of(cancelled.ID, store.Filter{}), changed[1:])
	t.equal("deleted ones", t.of(deleted.ID, store.Filter{}), []int64{})
	t.undo(deleted.ID)
	t.equal("deleted ones that came back", t.of(deleted.ID, store.Filter{}), changed[:1])
	t.equal("and again all", t.of(cancelled.ID, store.Filter{}), changed)

	t.pruneAll(keepAll(-1), 10, cancelled.CreatedAt.Add(store.AuditKept+day))
	t.equal("when it is forgotten", t.of(cancelled.ID, store.Filter{}), []int64{})
}

func operationOfJobs(t *trial) {
	ids := t.enqueue(many(4, plain())...)
	first := t.operate(store.Operation{Action: store.OperationCancel, Filter: store.Filter{IDs: ids[1:3]}})
	second := t.operate(store.Operation{Action: store.OperationRetry, Filter: store.Filter{Operation: first.ID}})
	t.equal("jobs of the second", t.of(second.ID, store.Filter{}), []int64{ids[2], ids[1]})
	cancelled, err := t.store.Cancel(t.Context(), store.Filter{Operation: second.ID}, "", claimedAt, nil)
	t.must("Cancel", err)
	t.equal("cancelled at once", len(cancelled), 2)
}

func operationPages(t *trial) {
	const jobs = store.OperationStep + 100
	ids := t.enqueue(many(jobs, plain())...)
	done := t.operate(store.Operation{Action: store.OperationCancel})
	_, err := t.store.Delete(t.Context(), store.Filter{IDs: ids[10 : jobs-10]}, nil)
	t.must("Delete", err)
	left := append(slices.Clone(ids[:10]), ids[jobs-10:]...)
	slices.Reverse(left)
	var seen []int64
	for f := (store.Filter{Operation: done.ID, Limit: 7}); ; {
		found, err := t.store.Search(t.Context(), f, store.Reach{})
		t.must("Search", err)
		seen = append(seen, idsOf(found.Jobs)...)
		if f.Before = found.Next; f.Before == 0 {
			break
		}
	}
	t.equal("page by page", seen, left)
}
