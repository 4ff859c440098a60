package storetest

import (
	"pgregory.net/rapid"

	"github.com/laterjobs/later/store"
)

// operate changes jobs by an operation, and perhaps undoes it, now or after other verbs.
func (m *model) operate(rt *rapid.T) {
	o := store.Operation{
		Action: rapid.SampledFrom([]store.OperationAction{store.OperationCancel, store.OperationRetry, store.OperationReschedule, store.OperationDelete}).Draw(rt, "action"),
		Filter: m.aFilter(rt), Reason: "no longer needed",
	}
	if o.Filter.Limit = 0; o.Action == store.OperationReschedule {
		o.At = m.now.Add(someDelays.Draw(rt, "delay"))
	}
	earlier := map[store.Store]int64{} // an operation whose jobs these are to be
	if len(m.operations) > 0 && rapid.IntRange(0, 3).Draw(rt, "jobs of an earlier one") == 3 {
		earlier = rapid.SampledFrom(m.operations).Draw(rt, "which")
	}
	ids := map[store.Store]int64{}
	m.operations = append(m.operations, ids)
	m.anOperation("AddOperation", func(s store.Store) (store.Operation, error) {
		o.Filter.Operation = earlier[s]
		added, err := s.AddOperation(rt.Context(), o, m.by(string(o.Action)), m.now)
		ids[s] = added.ID
		return added, err
	})
	step := func(s store.Store) (store.Operation, error) { return s.StepOperation(rt.Context(), ids[s], m.now) }
	m.anOperation("StepOperation", step)
	if rapid.Bool().Draw(rt, "undo") {
		return
	}
	if rapid.Bool().Draw(rt, "something between") {
		m.claim(rt)
	}
	m.anOperation("TurnOperation", func(s store.Store) (store.Operation, error) {
		return s.TurnOperation(rt.Context(), ids[s], store.OperationUndoing, m.by("undo"), m.now)
	})
	m.anOperation("StepOperation", step)
	m.anOperation("StepOperation", step)
}

// anOperation compares one, but for its ids, which are a store's own affair.
func (m *model) anOperation(verb string, call func(store.Store) (store.Operation, error)) {
	both(m, verb, func(s store.Store) (store.Operation, error) {
		o, err := call(s)
		o.ID, o.AuditID, o.Filter.Operation = 0, 0, 0
		return o, err
	})
}

// compareOperations reads the jobs of the latest operations.
func (m *model) compareOperations(rt *rapid.T) {
	for _, ids := range m.operations[max(0, len(m.operations)-2):] {
		both(m, "List", func(s store.Store) ([]store.Job, error) {
			return s.List(rt.Context(), store.Filter{Operation: ids[s], Limit: 1000})
		})
	}
}
