package storetest

import (
	"cmp"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/laterjobs/later/store"
)

// beatOf is the beat that the reference knows of a process, and whether it knows one.
func (m *model) beatOf(id int64) (int64, bool) {
	p := m.reference.processes[id]
	if p == nil {
		return 0, false
	}
	return p.Beat, true
}

func (m *model) join(rt *rapid.T) {
	id := someProcesses.Draw(rt, "process")
	if _, known := m.beatOf(id); known {
		rt.Skip("it has joined")
	}
	m.must("Join", func(s store.Store) error { return s.Join(rt.Context(), aProcess(id, m.now), m.now) })
}

func (m *model) beat(rt *rapid.T) {
	id := someProcesses.Draw(rt, "process")
	heartbeat := store.Heartbeat{ProcessID: id, State: store.ProcessRunning, Search: rapid.Bool().Draw(rt, "search")}
	for range min(len(m.claims), rapid.IntRange(0, 3).Draw(rt, "held")) {
		if job := m.aClaim(rt); !slices.Contains(heartbeat.Held, heldOf(job)[0]) {
			heartbeat.Held = append(heartbeat.Held, heldOf(job)...)
		}
	}
	both(m, "Beat", func(s store.Store) (store.Beaten, error) {
		beaten, err := s.Beat(rt.Context(), heartbeat, m.now)
		slices.SortFunc(beaten.Claims, func(a, b store.Claimed) int { return cmp.Compare(a.JobID, b.JobID) })
		slices.SortFunc(beaten.Cancels, func(a, b store.CancelRequest) int { return cmp.Compare(a.JobID, b.JobID) })
		return beaten, err
	})
}

func (m *model) leave(rt *rapid.T) {
	id := someProcesses.Draw(rt, "process")
	m.must("Leave", func(s store.Store) error { return s.Leave(rt.Context(), id, m.now) })
}

func (m *model) recover(rt *rapid.T) {
	id := someProcesses.Draw(rt, "process")
	beat, _ := m.beatOf(id)
	beat -= int64(rapid.IntRange(0, 1).Draw(rt, "late"))
	both(m, "Recover", func(s store.Store) ([]store.Recovered, error) {
		recovered, err := s.Recover(rt.Context(), []store.Silent{silent(id, beat)}, m.now)
		slices.SortFunc(recovered, func(a, b store.Recovered) int { return cmp.Compare(a.JobID, b.JobID) })
		return recovered, err
	})
}

func (m *model) promote(rt *rapid.T) {
	limit := rapid.IntRange(1, 4).Draw(rt, "limit")
	both(m, "Promote", func(s store.Store) (store.Promoted, error) { return s.Promote(rt.Context(), limit, m.now) })
}

// prune follows the pages to their end: where they break is a store's own affair.
func (m *model) prune(rt *rapid.T) {
	keep := keepAll(rapid.SampledFrom([]time.Duration{-1, 0, time.Minute, time.Hour}).Draw(rt, "keep"))
	limit := rapid.IntRange(1, 5).Draw(rt, "limit")
	both(m, "Prune", func(s store.Store) (total int, err error) {
		for after := int64(0); ; {
			deleted, next, err := s.Prune(rt.Context(), keep, after, limit, m.now)
			total += deleted
			if err != nil || next == 0 {
				return total, err
			}
			after = next
		}
	})
}

// count looks at as many jobs as its store pleases.
func (m *model) count(rt *rapid.T) {
	f, by := m.aFilter(rt), rapid.SampledFrom(someBy()).Draw(rt, "by")
	both(m, "Count", func(s store.Store) (store.Counted, error) {
		counted, err := s.Count(rt.Context(), f, by, store.Reach{})
		counted.Looked = 0
		return counted, err
	})
}

// aFilter selects some jobs, or all of them.
func (m *model) aFilter(rt *rapid.T) store.Filter {
	var f store.Filter
	switch rapid.IntRange(0, 9).Draw(rt, "filter") {
	case 0:
		f.Type = someTypes.Draw(rt, "type")
	case 1:
		f.Queue, f.Tag = someQueues.Draw(rt, "queue"), "a"
	case 2:
		f.User = "ada"
	case 3:
		f.Status = rapid.SliceOfNDistinct(someStatuses, 1, 3, rapid.ID).Draw(rt, "statuses")
	case 4:
		f.QueuedAfter, f.FinishedBefore = m.now.Add(-time.Hour), m.now
	case 5, 6, 7:
		f.Match = rapid.SliceOfN(rapid.Custom(m.aCondition), 1, 3).Draw(rt, "conditions")
	case 8:
		f.Cause = store.CauseID(rapid.IntRange(1, 3).Draw(rt, "cause"))
	}
	if len(m.ids) > 0 && rapid.Bool().Draw(rt, "by id") {
		f.IDs = rapid.SliceOfN(rapid.SampledFrom(m.ids), 1, 4).Draw(rt, "ids")
	}
	f.Limit = rapid.IntRange(0, 3).Draw(rt, "limit")
	return f
}

// aCondition is one that holds of some of the jobs.
func (m *model) aCondition(rt *rapid.T) store.Condition {
	ops := rapid.SampledFrom([]store.Op{store.Equal, store.Below, store.AtMost, store.Above, store.AtLeast})
	when := m.now.Add(-rapid.SampledFrom([]time.Duration{0, time.Minute, time.Hour}).Draw(rt, "age")).UTC().Format(time.RFC3339Nano)
	c := rapid.SampledFrom([]store.Condition{
		{Field: store.FieldAttempt, AnyOf: []store.Test{{Op: ops.Draw(rt, "op"), Value: "1"}}},
		{Field: store.FieldCrashes, AnyOf: []store.Test{{Op: store.Above, Value: "0"}}},
		{Field: store.FieldPriority, AnyOf: []store.Test{{Op: ops.Draw(rt, "op"), Value: "0"}}},
		{Field: store.FieldProcess, AnyOf: []store.Test{{Op: store.AtLeast, Value: "1"}}},
		{Field: store.FieldTook, AnyOf: []store.Test{{Op: ops.Draw(rt, "op"), Value: "1s"}}},
		{Field: store.FieldStarted, AnyOf: []store.Test{{Op: ops.Draw(rt, "op"), Value: when}}},
		{Field: store.FieldFinished, AnyOf: []store.Test{{Op: ops.Draw(rt, "op"), Value: when}}},
		{Field: store.FieldRuns, AnyOf: []store.Test{{Op: ops.Draw(rt, "op"), Value: when}}},
		{Field: store.FieldScheduled, AnyOf: []store.Test{{Op: ops.Draw(rt, "op"), Value: when}}},
		{Field: store.FieldError, AnyOf: []store.Test{{Op: store.Prefix}}},
		{Field: store.FieldWord, AnyOf: []store.Test{{Op: store.Contain, Value: "a"}}},
		{Field: store.FieldKey, AnyOf: []store.Test{{Op: store.Prefix}}},
		{Field: store.FieldTag, AnyOf: []store.Test{{Value: "a"}, {Value: "b"}}},
		{Field: store.FieldType, AnyOf: []store.Test{{Value: someTypes.Draw(rt, "type")}, {Value: someTypes.Draw(rt, "type")}}},
		{Field: store.FieldQueue, AnyOf: []store.Test{{Op: store.Prefix, Value: someQueues.Draw(rt, "queue")[:1]}}},
	}).Draw(rt, "condition")
	c.Not = rapid.Bool().Draw(rt, "not")
	return c
}

// people do one of the things that they do now and then.
func (m *model) people(rt *rapid.T) {
	rapid.SampledFrom([]func(*rapid.T){m.retry, m.reschedule, m.delete, m.pause, m.recordCause, m.mute, m.operate, m.count}).Draw(rt, "verb")(rt)
}

// rare is what would too often end the story if it happened more often.
func (m *model) rare(rt *rapid.T) {
	rapid.SampledFrom([]func(*rapid.T){m.leave, m.prune, m.carry, m.ask, m.answer}).Draw(rt, "verb")(rt)
}

// ask draws from few ids, so that answers meet requests.
func (m *model) ask(rt *rapid.T) {
	m.tokens++
	r := store.Request{ID: m.tokens, ProcessID: someProcesses.Draw(rt, "process"), Kind: store.RequestStack, JobID: 1, By: "ada"}
	m.must("Ask", func(s store.Store) error { return s.Ask(rt.Context(), r, m.now) })
}

func (m *model) answer(rt *rapid.T) {
	id := m.tokens - int64(rapid.IntRange(0, 3).Draw(rt, "request"))
	m.must("Answer", func(s store.Store) error { return s.Answer(rt.Context(), id, "here", m.now) })
	both(m, "Request", func(s store.Store) (store.Request, error) { return s.Request(rt.Context(), id) })
}

func (m *model) cancel(rt *rapid.T) {
	f := m.aFilter(rt)
	both(m, "Cancel", func(s store.Store) ([]int64, error) {
		return s.Cancel(rt.Context(), f, "no longer needed", m.now, m.by("cancel"))
	})
}

func (m *model) retry(rt *rapid.T) {
	f := m.aFilter(rt)
	both(m, "Retry", func(s store.Store) ([]int64, error) { return s.Retry(rt.Context(), f, m.now, m.by("retry")) })
}

func (m *model) reschedule(rt *rapid.T) {
	f, to := m.aFilter(rt), m.now.Add(someDelays.Draw(rt, "delay"))
	both(m, "Reschedule", func(s store.Store) ([]int64, error) {
		return s.Reschedule(rt.Context(), f, to, m.now, m.by("reschedule"))
	})
}

func (m *model) delete(rt *rapid.T) {
	f := m.aFilter(rt)
	both(m, "Delete", func(s store.Store) ([]int64, error) { return s.Delete(rt.Context(), f, m.by("delete")) })
	m.sameAudit(rt)
}

// by is the entry of what somebody does.
func (m *model) by(action string) *store.AuditEntry {
	return &store.AuditEntry{Person: "ada", Action: action, Kind: "jobs", At: m.now}
}

// sameAudit compares the audit, but for the ids.
func (m *model) sameAudit(rt *rapid.T) {
	f := store.AuditFilter{Limit: 20}
	if len(m.ids) > 0 && rapid.Bool().Draw(rt, "of one job") {
		f.Job = rapid.SampledFrom(m.ids).Draw(rt, "job")
	}
	both(m, "Audit", func(s store.Store) ([]store.AuditEntry, error) {
		entries, err := s.Audit(rt.Context(), f)
		for i := range entries {
			entries[i].ID = 0
		}
		return entries, err
	})
}

func (m *model) recordCause(rt *rapid.T) {
	c := aCause(store.CauseID(rapid.IntRange(1, 3).Draw(rt, "cause")))
	c.FirstSeen, c.LastSeen, c.Counts = m.now, m.now.Add(someDelays.Draw(rt, "delay")), []store.CauseCount{{At: m.now, Failures: c.Total}}
	m.must("RecordCauses", func(s store.Store) error { return s.RecordCauses(rt.Context(), []store.Cause{c, c}, m.now) })
}

func (m *model) mute(rt *rapid.T) {
	id, until := store.CauseID(rapid.IntRange(1, 3).Draw(rt, "cause")), m.now.Add(someDelays.Draw(rt, "delay"))
	m.must("Mute", func(s store.Store) error { return s.Mute(rt.Context(), id, until, m.now, nil) })
}

func (m *model) pause(rt *rapid.T) {
	queue := someQueues.Draw(rt, "queue")
	if rapid.Bool().Draw(rt, "resume") {
		m.must("Resume", func(s store.Store) error { return s.Resume(rt.Context(), queue, m.by("resume")) })
		return
	}
	m.must("Pause", func(s store.Store) error { return s.Pause(rt.Context(), queue, "a reason", m.now, m.by("pause")) })
}

// ranked replaces places in line by their ranks: the numbers are a store's own affair.
func ranked(records []store.Record) []store.Record {
	places := make([]int64, len(records))
	for i, record := range records {
		places[i] = record.Position
	}
	slices.Sort(places)
	places = slices.Compact(places)
	for i := range records {
		records[i].Job.Token = 0
		rank, _ := slices.BinarySearch(places, records[i].Position)
		records[i].Position = int64(rank)
	}
	return records
}

// carry takes every job out of the store, but for those that run, and back in.
func (m *model) carry(rt *rapid.T) {
	ctx := rt.Context()
	both(m, "carry", func(s store.Store) ([]int64, error) {
		records, err := s.Export(ctx, 0, 1000)
		if err != nil {
			return nil, err
		}
		if _, err := s.Delete(ctx, store.Filter{}, nil); err != nil {
			return nil, err
		}
		return recordIDs(records), s.Import(ctx, records)
	})
}
